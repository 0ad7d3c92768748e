import fc from "../property.ts";
import { expect, it } from "vitest";
import { crc32c, crc32cText } from "../../src/emulator/crc32c.ts";

it.each([
  ["", 0],
  ["123456789", 0xe3069283],
  ["\0".repeat(32), 0x8a9136aa],
])("the checksum of %j is the one in RFC 3720 or the catalogue of checksums", (text, checksum) => {
  expect(crc32c(Buffer.from(text))).toBe(checksum);
});

it("is the same however the bytes are cut", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(crc32c(b, crc32c(a))).toBe(crc32c(Buffer.concat([a, b])));
    }),
  );
});

it("is written as four bytes in base64, the highest first", () => {
  expect(crc32cText(0xe3069283)).toBe("4waSgw==");
  expect(crc32cText(1)).toBe("AAAAAQ==");
});
