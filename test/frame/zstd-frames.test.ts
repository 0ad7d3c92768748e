import { zstdCompressSync } from "node:zlib";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { ZstdFault, zstdFrames } from "../../src/frame/zstd-frames.ts";

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

/** The frames of the bytes, read in chunks of `size`. */
async function framesOf(bytes: Buffer, size = 7): Promise<Buffer[]> {
  const frames: Buffer[] = [];
  let pieces: Buffer[] = [];
  for await (const { bytes: piece, isLast } of zstdFrames(inChunks(bytes, size))) {
    pieces.push(piece);
    if (!isLast) continue;
    frames.push(Buffer.concat(pieces));
    pieces = [];
  }
  return frames;
}

/** A frame that readers leave out: magic, length, and any bytes. */
function skippable(content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(0x184d2a53);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content]);
}

describe("zstdFrames", () => {
  it("cuts any sequence of frames where each was put in, whatever the chunks", async () => {
    const frame = fc
      .oneof(
        fc.string(),
        fc.nat(300_000).map((length) => "a".repeat(length)),
      )
      .map((text) => zstdCompressSync(Buffer.from(text)));
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 4 }),
        fc.integer({ min: 1, max: 100 }),
        async (frames, size) => {
          const found = await framesOf(Buffer.concat(frames), size);
          expect(found.map((it) => it.toString("hex"))).toEqual(
            frames.map((it) => it.toString("hex")),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  it("leaves skippable frames out", async () => {
    const [a, b] = [zstdCompressSync(Buffer.from("a")), zstdCompressSync(Buffer.from("b"))];
    const bytes = Buffer.concat([skippable(Buffer.alloc(50)), a, skippable(Buffer.alloc(0)), b]);
    expect(await framesOf(bytes)).toEqual([a, b]);
  });

  it("refuses bytes that end at any place within a frame", async () => {
    const bytes = zstdCompressSync(Buffer.from("some text, ".repeat(20)));
    for (let length = 1; length < bytes.length; length += 1) {
      await expect(framesOf(bytes.subarray(0, length))).rejects.toThrow(ZstdFault);
    }
    await expect(framesOf(skippable(Buffer.alloc(9)).subarray(0, 12))).rejects.toThrow(ZstdFault);
  });

  it("refuses bytes that go on after the last frame, and blocks of no kind", async () => {
    const bytes = zstdCompressSync(Buffer.from("text"));
    await expect(framesOf(Buffer.concat([bytes, Buffer.from("more")]))).rejects.toThrow(/other/);
    const reserved = Buffer.from("28b52ffd2000070000", "hex");
    await expect(framesOf(reserved)).rejects.toThrow(/kind/);
  });
});
