import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { lz4Block, lz4Frame, lz4Hadoop } from "../../src/frame/lz4.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** A block of literals only, and one whose match repeats what it is writing. */
const literals = Uint8Array.of(0x30, ...bytes("abc"));
const repeated = Uint8Array.of(0x2f, ...bytes("ab"), 2, 0, 0, 0x10, ...bytes("z"));
const repeatedText = `${"ab".repeat(10)}az`;

describe("lz4Block", () => {
  it("copies literals, and what stands before, overlapping or not", () => {
    expect(text(lz4Block(literals, 3))).toBe("abc");
    expect(text(lz4Block(repeated, 22))).toBe(repeatedText);
    const apart = Uint8Array.of(0x40, ...bytes("abcd"), 4, 0, 0x10, ...bytes("e"));
    expect(text(lz4Block(apart, 9))).toBe("abcdabcde");
  });

  it("reads lengths that go on for several bytes", () => {
    const long = bytes("x".repeat(15 + 255 + 30));
    expect(lz4Block(Uint8Array.of(0xf0, 255, 30, ...long), long.length)).toEqual(long);
  });

  it.each([
    ["literals that end too early", Uint8Array.of(0x50, 0x61), 5],
    ["another length", literals, 4],
    ["a match from before the beginning", Uint8Array.of(0x10, 0x61, 9, 0, 0x10, 0x62), 6],
    ["a match of no distance", Uint8Array.of(0x10, 0x61, 0, 0, 0x10, 0x62), 6],
    ["a match beyond the end", Uint8Array.of(0x1f, 0x61, 1, 0, 99, 0x10, 0x62), 6],
    ["a length that ends too early", Uint8Array.of(0xf0), 20],
  ])("refuses %s", (_name, input, length) => {
    expect(() => lz4Block(input, length)).toThrow(RangeError);
  });

  it("throws nothing but RangeError, whatever the bytes, and never runs on", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat({ max: 200 }), (input, length) => {
        try {
          expect(lz4Block(input, length)).toHaveLength(length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("lz4Hadoop", () => {
  const sized = (block: Uint8Array, length: number): Uint8Array =>
    Uint8Array.of(0, 0, 0, length, 0, 0, 0, block.length, ...block);

  it("reads blocks that have their sizes before them", () => {
    const two = Uint8Array.of(...sized(literals, 3), ...sized(repeated, 22));
    expect(text(lz4Hadoop(two, 25))).toBe(`abc${repeatedText}`);
  });

  it("reads a bare block", () => {
    expect(text(lz4Hadoop(repeated, 22))).toBe(repeatedText);
  });
});

describe("lz4Frame", () => {
  const header = (flags: number) => [0x04, 0x22, 0x4d, 0x18, flags, 0x40, 0];
  const size = (length: number, isStored = false) => [length, 0, 0, isStored ? 0x80 : 0];
  const end = [0, 0, 0, 0];

  it("reads blocks, stored and compressed, with and without sizes and checksums", () => {
    const plain = [
      ...header(0x40),
      ...size(4),
      ...literals,
      ...size(3, true),
      ...bytes("def"),
      ...end,
    ];
    expect(text(lz4Frame(Uint8Array.from(plain)))).toBe("abcdef");
    const known = [4, 0x22, 0x4d, 0x18, 0x58, 0x40, 3, 0, 0, 0, 0, 0, 0, 0, 0];
    const checked = [...known, ...size(4), ...literals, 9, 9, 9, 9, ...end];
    expect(text(lz4Frame(Uint8Array.from(checked)))).toBe("abc");
  });

  it("reads what polars compresses, over several blocks that refer to one another", () => {
    const long = Array.from({ length: 4000 }, (_, at) => `${at % 100} ${"x".repeat(at % 300)}`);
    const stream = pl.DataFrame({ long }).writeIPCStream({ compression: "lz4" });
    const start = stream.indexOf(Buffer.from([0x04, 0x22, 0x4d, 0x18]));
    expect(start).toBeGreaterThan(0);
    const found = lz4Frame(stream.subarray(start));
    // Before each compressed buffer stands how long it is when decompressed.
    expect(BigInt(found.length)).toBe(stream.readBigInt64LE(start - 8));
  });

  it.each([
    ["other bytes", [...bytes("not a frame at all")]],
    ["a dictionary", [...header(0x41), ...end]],
    ["an end that comes too early", [...header(0x40), ...size(4), ...literals]],
  ])("refuses %s", (_name, input) => {
    expect(() => lz4Frame(Uint8Array.from(input))).toThrow(RangeError);
  });
});
