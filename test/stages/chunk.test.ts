import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestFileName } from "../../src/core/chunk.ts";
import type { PlannedBlock } from "../../src/core/plan.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { chatLines } from "../../src/provider/openai-lines.ts";
import { chunkRequests, type ChunkCounts } from "../../src/stages/chunk.ts";
import { chunkFiles } from "../../src/store/chunk-files.ts";
import type { PlannedChunk } from "../../src/store/store.ts";
import { newFolder, specOf } from "./support.ts";

const { encode } = chatLines(OPENAI_DIALECT);

interface Cut {
  readonly counts: ChunkCounts;
  readonly folder: string;
  readonly chunks: readonly PlannedChunk[];
  /** The first rows recorded with each call, and the chunk of that call. */
  readonly recorded: readonly { readonly rows: readonly number[]; readonly chunk: number | null }[];
  /** The ids in each chunk's file, in order. */
  readonly files: readonly (readonly string[])[];
}

interface Limits {
  readonly requestsPerChunk?: number;
  readonly maxRequests?: number;
  readonly maxBytes?: number;
}

function blocksOf(texts: readonly string[], blockRows: number): PlannedBlock[] {
  const blocks: PlannedBlock[] = [];
  for (let firstRow = 0; firstRow < texts.length; firstRow += blockRows) {
    const some = texts.slice(firstRow, firstRow + blockRows);
    const ordinals = some.map((_, index) => firstRow + index);
    blocks.push({
      rows: { firstRow, requests: Int32Array.from(ordinals) },
      requests: some.map((content, index) => ({
        ordinal: firstRow + index,
        id: String(firstRow + index),
        request: { ...specOf(), messages: [{ role: "user", content }], cells: [content] },
      })),
    });
  }
  return blocks;
}

async function cut(texts: readonly string[], limits: Limits, blockRows = 3): Promise<Cut> {
  const folder = await newFolder();
  const chunks: PlannedChunk[] = [];
  const recorded: { rows: number[]; chunk: number | null }[] = [];
  const files = chunkFiles(folder);
  const counts = await chunkRequests(ReadableStream.from(blocksOf(texts, blockRows)), {
    store: {
      files,
      addToPlan: async (rows, chunk) => {
        // The file must be whole before the store names it.
        if (chunk !== null) {
          expect((await stat(files.path(requestFileName(chunk.number)))).size).toBe(chunk.bytes);
          chunks.push(chunk);
        }
        recorded.push({ rows: rows.map(({ firstRow }) => firstRow), chunk: chunk?.number ?? null });
      },
    },
    provider: {
      encode,
      limits: {
        maxRequestsPerBatch: limits.maxRequests ?? 1000,
        maxBytesPerBatch: limits.maxBytes ?? 1_000_000,
        maxBytesPerRequest: 1_000_000,
        maxBatchesInFlight: null,
      },
    },
    lane: "realtime",
    token: "rabcdefg",
    requestsPerChunk: limits.requestsPerChunk ?? 1000,
  });
  const names = (await readdir(folder)).toSorted();
  const ids = await Promise.all(
    names.map(async (name) => {
      const lines = (await readFile(join(folder, name), "utf8")).split("\n");
      expect(lines.pop()).toBe("");
      return lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
    }),
  );
  return { counts, folder, chunks, recorded, files: ids };
}

const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `text ${String(index).padStart(2, "0")}`);

describe("chunkRequests", () => {
  it("closes a chunk at the number asked for, and keeps the last partial one", async () => {
    const { counts, files, chunks } = await cut(texts(7), { requestsPerChunk: 3 });
    expect(files.map((ids) => ids.length)).toEqual([3, 3, 1]);
    expect(files.flat()[3]).toBe("rabcdefg-2-3");
    expect(counts.chunks).toBe(3);
    expect(counts.bytes).toBe(chunks.reduce((sum, { bytes }) => sum + bytes, 0));
  });

  it("never passes the provider's number of requests, whatever was asked for", async () => {
    const { files } = await cut(texts(5), { requestsPerChunk: 100, maxRequests: 2 });
    expect(files.map((ids) => ids.length)).toEqual([2, 2, 1]);
  });

  it("counts UTF-8 bytes and newlines, to the byte", async () => {
    const three = await cut(["é", "é", "é"], {});
    const maxBytes = three.chunks[0]?.bytes ?? 0;
    expect((await cut(["é", "é", "é"], { maxBytes })).files.map((ids) => ids.length)).toEqual([3]);
    const less = await cut(["é", "é", "é"], { maxBytes: maxBytes - 1 });
    expect(less.files.map((ids) => ids.length)).toEqual([2, 1]);
  });

  it("makes no chunk of no requests, and still records the rows", async () => {
    const none = await cut([], {});
    expect(none).toMatchObject({ counts: { chunks: 0, bytes: 0 }, files: [], recorded: [] });
  });

  it("records rows no earlier than the chunk that holds their requests", async () => {
    const { recorded } = await cut(texts(7), { requestsPerChunk: 2 }, 3);
    expect(recorded).toEqual([
      { rows: [], chunk: 1 },
      { rows: [0], chunk: 2 },
      { rows: [3], chunk: 3 },
      { rows: [6], chunk: 4 },
    ]);
  });

  it("leaves no half file behind when the rows break off", async () => {
    const folder = await newFolder();
    const broken = async function* (): AsyncGenerator<PlannedBlock> {
      yield* blocksOf(texts(2), 2);
      await Promise.reject(new Error("The rows broke off."));
    };
    const made = chunkRequests(broken(), {
      store: { files: chunkFiles(folder), addToPlan: () => Promise.resolve() },
      provider: {
        encode,
        limits: {
          maxRequestsPerBatch: 9,
          maxBytesPerBatch: 9999,
          maxBytesPerRequest: 9999,
          maxBatchesInFlight: null,
        },
      },
      lane: "realtime",
      token: "rabcdefg",
      requestsPerChunk: 9,
    });
    await expect(made).rejects.toThrow("The rows broke off.");
    expect(await readdir(folder)).toEqual([]);
  });

  it("puts every request into exactly one chunk, in order, within every limit", async () => {
    const content = fc.string({ unit: fc.constantFrom("a", "é", "😀", "\n", '"'), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { maxLength: 25 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 600, max: 1500 }),
        async (contents, requestsPerChunk, maxBytes) => {
          const { chunks, files, counts } = await cut(contents, { requestsPerChunk, maxBytes });
          expect(chunks.flatMap(({ ordinals }) => [...ordinals])).toEqual([...contents.keys()]);
          expect(files).toEqual(
            chunks.map(({ number, ordinals }) =>
              [...ordinals].map((ordinal) => `rabcdefg-${String(number)}-${String(ordinal)}`),
            ),
          );
          for (const { bytes, ordinals } of chunks) {
            expect(bytes).toBeLessThanOrEqual(maxBytes);
            expect(ordinals.length).toBeLessThanOrEqual(requestsPerChunk);
            expect(ordinals.length).toBeGreaterThan(0);
          }
          expect(counts.chunks).toBe(chunks.length);
        },
      ),
      { numRuns: 30 },
    );
  });
});
