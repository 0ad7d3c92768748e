import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  compressionOf,
  fileCompression,
  textChunks,
  textSha256,
  type Compression,
} from "../../src/frame/compression.ts";
import { MEMBER_BYTES, textSink } from "../../src/frame/text-sink.ts";
import { NO_MARKS } from "../../src/frame/write-marks.ts";
import { failureOf, fileOf } from "./support.ts";

async function textOf(path: string, start?: number): Promise<Buffer> {
  const chunks = await Array.fromAsync(textChunks(path, start === undefined ? {} : { start }));
  return Buffer.concat(chunks);
}

const kinds: [Compression, (bytes: Buffer) => Buffer, (bytes: Buffer) => Buffer][] = [
  [null, (bytes) => bytes, (bytes) => bytes],
  ["gzip", (bytes) => gzipSync(bytes), (bytes) => gunzipSync(bytes)],
  ["zstd", (bytes) => zstdCompressSync(bytes), (bytes) => zstdDecompressSync(bytes)],
];

describe.each(kinds)("%s", (kind, compress, decompress) => {
  it("is read as the text it holds, from any byte on", async () => {
    const path = await fileOf("");
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "binary", minLength: 1 }),
        fc.nat(20),
        async (text, start) => {
          const bytes = Buffer.from(text);
          await writeFile(path, compress(bytes));
          expect(await textOf(path)).toEqual(bytes);
          expect(await textOf(path, start)).toEqual(bytes.subarray(start));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is told by its first bytes, whatever the name", async () => {
    const path = await fileOf(compress(Buffer.from("a,b\n1,2\n")), "input.txt");
    expect(await fileCompression(path)).toBe(kind);
  });

  it("has the hash of its text", async () => {
    const text = Buffer.from("a,b\n1,2\n".repeat(20_000));
    expect(await textSha256(await fileOf(compress(text)))).toBe(
      createHash("sha256").update(text).digest("hex"),
    );
  });

  it("is written from pieces of any size, and told how much of the disk was read", async () => {
    const pieces = Array.from({ length: 300 }, (_, at) => Buffer.from(`${at},`.repeat(at)));
    const written: Buffer[] = [];
    const sink = textSink(
      kind,
      (bytes) => {
        written.push(bytes);
        return Promise.resolve();
      },
      NO_MARKS,
    );
    for (const piece of pieces) await sink.append(piece);
    await sink.end();
    const bytes = Buffer.concat(written);
    expect(decompress(bytes).equals(Buffer.concat(pieces))).toBe(true);
    const path = await fileOf(bytes);
    let read = 0;
    await Array.fromAsync(textChunks(path, { onRead: (more) => (read += more) }));
    expect(read).toBe(bytes.length);
  });

  it("is the same bytes however the text comes", async () => {
    const text = Buffer.from(`${"a,b\n".repeat(100)}${"x".repeat(999)}\n`.repeat(12_500));
    expect(text.length).toBeGreaterThan(2 * MEMBER_BYTES);
    const bytesOf = async (size: number): Promise<Buffer> => {
      const written: Buffer[] = [];
      const sink = textSink(
        kind,
        (bytes) => {
          written.push(bytes);
          return Promise.resolve();
        },
        NO_MARKS,
      );
      for (let at = 0; at < text.length; at += size)
        await sink.append(text.subarray(at, at + size));
      await sink.end();
      return Buffer.concat(written);
    };
    const whole = await bytesOf(text.length);
    expect((await bytesOf(999_999)).equals(whole)).toBe(true);
    expect((await textOf(await fileOf(whole))).equals(text)).toBe(true);
  });

  it("passes on what the place it is written to throws", async () => {
    const full = (): Promise<void> => Promise.reject(new Error("full"));
    const sink = textSink(kind, full, NO_MARKS);
    const writing = sink.append(Buffer.from("a")).then(() => sink.end());
    await expect(writing).rejects.toThrow("full");
  });
});

describe("every member and every frame is read", () => {
  const parts = ["a,b\n", "1,2\n".repeat(50_000), "", "3,4\n"].map((text) => Buffer.from(text));

  it.each(kinds.slice(1))("of %s", async (_kind, compress) => {
    const path = await fileOf(Buffer.concat(parts.map(compress)));
    expect((await textOf(path)).equals(Buffer.concat(parts))).toBe(true);
  });
});

describe("damage is told, never read as an end", () => {
  const text = Buffer.from(Array.from({ length: 20_000 }, (_, at) => `${at},${at * 7}\n`).join(""));

  it.each(kinds.slice(1))("%s that was cut short anywhere", async (_kind, compress) => {
    const bytes = compress(text);
    for (const missing of [1, 3, 5, 20, bytes.length >> 1, bytes.length - 5]) {
      const path = await fileOf(bytes.subarray(0, bytes.length - missing));
      const failure = await failureOf(() => textOf(path));
      expect(failure.code).toBe("file_damaged");
      expect(failure.message).toContain(`${path} is damaged: it ends too early`);
    }
  });

  it.each(kinds.slice(1))("%s with other bytes after its end", async (_kind, compress) => {
    const path = await fileOf(Buffer.concat([compress(text), Buffer.from("other bytes")]));
    expect((await failureOf(() => textOf(path))).code).toBe("file_damaged");
  });

  it.each(kinds.slice(1))("%s with a byte changed", async (_kind, compress) => {
    const params = { [constants.ZSTD_c_checksumFlag]: 1 };
    const bytes = _kind === "zstd" ? zstdCompressSync(text, { params }) : compress(text);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0x55;
    const path = await fileOf(bytes);
    expect((await failureOf(() => textOf(path))).code).toBe("file_damaged");
  });
});

it("takes nothing for compressed that could begin a text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(compressionOf(Buffer.from(text))).toBeNull();
    }),
  );
});

it("says that a file is missing", async () => {
  expect((await failureOf(() => textOf("/no/such.csv.gz"))).code).toBe("file_missing");
});
