import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../property.ts";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StoreError } from "../../src/core/errors.ts";
import type { LinePack } from "../../src/core/kept-lines.ts";
import { recalledLines } from "../../src/core/recalled-lines.ts";
import { textChunks } from "../../src/frame/compression.ts";
import { chunkFiles } from "../../src/store/chunk-files.ts";
import { packedLines } from "../../src/store/reply-packs.ts";
import type { ChunkFiles, ReplyIndex } from "../../src/store/store.ts";

const NAME = "000000.replies.jsonl.zst";

let folder: string;
let files: ChunkFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "packed-file-"));
  files = chunkFiles(folder);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function packOf(lines: readonly string[]): LinePack {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  let end = 0;
  const ends = Uint32Array.from(lines, (line) => (end += Buffer.byteLength(line) + 1));
  return { packed: packedLines(bytes), ends, reading: null, lines: () => bytes };
}

/** Writes a file of some packs and gives where the lines that are wanted of each lie. */
async function write(
  packs: readonly LinePack[],
  wanted: readonly (readonly [pack: number, place: number])[],
): Promise<ReplyIndex> {
  const recalled = recalledLines();
  const writer = await files.create(NAME);
  for (const [ordinal, [pack, place]] of wanted.entries()) {
    const from = packs[pack];
    if (from !== undefined) recalled.add(ordinal, from, place);
    for (const frame of recalled.take(ordinal % 200)) await writer.write(frame);
  }
  for (const frame of recalled.take(0)) await writer.write(frame);
  await writer.write(recalled.table());
  await writer.commit();
  return recalled.index();
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  const error = await act().catch((thrown: unknown) => thrown);
  return error instanceof StoreError ? error.code : String(error);
}

it("lines of packs are found again in any order, and the file is text to whatever unpacks zstd", async () => {
  const line = fc.string({ unit: "binary", maxLength: 30 }).filter((text) => text.isWellFormed());
  const packs = fc.array(fc.array(line, { minLength: 1, maxLength: 20 }), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(packs, fc.infiniteStream(fc.nat()), async (texts, draws) => {
      const wanted = texts.flatMap((own, pack) =>
        own.flatMap((_, place) => (draws.next().value % 3 === 0 ? [] : [[pack, place] as const])),
      );
      const sorted = wanted.toSorted(() => (draws.next().value % 2 === 0 ? 1 : -1));
      const { offsets, lengths, ordinals } = await write(texts.map(packOf), sorted);
      expect([...ordinals]).toEqual([...sorted.keys()]);
      const reader = await files.open(NAME);
      for (const at of [...sorted.keys()].reverse()) {
        const [pack, place] = sorted[at] ?? [0, 0];
        expect(reader.text(offsets[at] ?? 0, lengths[at] ?? 0)).toBe(texts[pack]?.[place]);
        if (at % 5 === 0) reader.forget();
      }
      await reader.close();
      const used = [...new Set(sorted.map(([pack]) => pack))];
      const text = used.flatMap((pack) => texts[pack]?.map((own) => `${own}\n`) ?? []).join("");
      if (used.length === 0) return;
      const unpacked = Buffer.concat(await Array.fromAsync(textChunks(join(folder, NAME))));
      expect(unpacked.toString()).toBe(text);
    }),
    { numRuns: 50 },
  );
});

it("a file that was cut short or altered is reported, never read as something else", async () => {
  const texts = Array.from({ length: 100 }, (_, at) => `line ${String(at)}`);
  const { offsets, lengths } = await write([packOf(texts)], [[0, 99]]);
  const [offset = 0] = offsets;
  const [length = 0] = lengths;
  const path = join(folder, NAME);
  const whole = await readFile(path);
  const read = async (): Promise<string> => {
    const reader = await files.open(NAME);
    try {
      return reader.text(offset, length);
    } finally {
      await reader.close();
    }
  };
  expect(await read()).toBe("line 99");
  for (const bytes of [0, 5, whole.length - 1]) {
    await writeFile(path, whole);
    await truncate(path, bytes);
    expect(await codeOf(read)).toBe("chunk_file_short");
  }
  await writeFile(path, Buffer.concat([whole.subarray(1)]));
  expect(await codeOf(read)).toBe("chunk_file_short");
  const altered = Buffer.from(whole);
  altered.fill(0xff, 9, 40);
  await writeFile(path, altered);
  expect(await codeOf(read)).toBe("chunk_file_short");
  await rm(path);
  expect(await codeOf(read)).toBe("chunk_file_missing");
});

it("reads a file over and over that is larger than what it holds of it", async () => {
  const packs = Array.from({ length: 40 }, (_, pack) =>
    packOf([String(pack).repeat(500_000), `end ${String(pack)}`]),
  );
  const { offsets, lengths } = await write(
    packs,
    packs.map((_, pack) => [pack, 1]),
  );
  const reader = await files.open(NAME);
  for (let round = 0; round < 2; round++)
    for (const at of packs.keys())
      expect(reader.text(offsets[at] ?? 0, lengths[at] ?? 0)).toBe(`end ${String(at)}`);
  await reader.close();
});
