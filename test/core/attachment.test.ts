import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { attachmentOf } from "../../src/core/attachment.ts";

describe("bytes", () => {
  it.each([
    ["image/png", [0x89, 0x50, 0x4e, 0x47]],
    ["image/jpeg", [0xff, 0xd8, 0xff, 0xe0]],
    ["image/gif", [0x47, 0x49, 0x46, 0x38, 0x39]],
    ["image/webp", [0x52, 0x49, 0x46, 0x46, 1, 2, 3, 4, 0x57, 0x45, 0x42, 0x50]],
    ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ])("are known for %s by how they begin", (mediaType, bytes) => {
    // A window into a larger buffer, as a column of bytes gives it.
    const window = Uint8Array.from([9, 9, ...bytes, 9]).subarray(2, 2 + bytes.length);
    const data = Buffer.from(bytes).toString("base64");
    expect(attachmentOf("file", window)).toEqual({ type: "file", data, mediaType });
  });

  it("of another kind are nothing", () => {
    expect(attachmentOf("image", Uint8Array.of())).toBeNull();
    expect(attachmentOf("image", Uint8Array.of(1, 2, 3, 4))).toBeNull();
  });
});

describe("text", () => {
  it.each(["https://example.com/a.png", " http://example.com/a ", "gs://b/a.pdf", "s3://b/a.pdf"])(
    "that is the address %j is passed on",
    (text) => {
      expect(attachmentOf("image", text)).toEqual({ type: "image", url: text.trim() });
    },
  );

  it("that holds the data itself is taken apart", () => {
    expect(attachmentOf("image", "data:image/png;base64,iVBORw0K")).toEqual({
      type: "image",
      data: "iVBORw0K",
      mediaType: "image/png",
    });
  });

  it("that names a file of this machine, or is anything else, is nothing", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^(?:https?|gs|s3):\/\//i.test(text.trim()) && !/^data:/i.test(text.trim()));
        expect(attachmentOf("file", text)).toBeNull();
      }),
    );
    for (const path of ["/etc/passwd", "file:///etc/passwd", "C:\\x.png", "./a.png"])
      expect(attachmentOf("image", path)).toBeNull();
  });
});
