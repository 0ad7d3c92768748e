import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { replyFileName, requestFileName } from "../../src/core/chunk.ts";
import { dedupeIndex } from "../../src/core/dedupe.ts";
import type { PlannedBlock } from "../../src/core/plan.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { chatLines } from "../../src/provider/openai-lines.ts";
import { textChunks } from "../../src/frame/compression.ts";
import { chunkRequests } from "../../src/stages/chunk.ts";
import { planRows } from "../../src/stages/plan.ts";
import { chunkFiles } from "../../src/store/chunk-files.ts";
import type { Chunk } from "../../src/core/chunk.ts";
import type { PlannedChunk, PlanStep } from "../../src/store/store.ts";
import { frameOf, keptOf, newFolder, plainRendering, specOf } from "./support.ts";

const { encode } = chatLines(OPENAI_DIALECT);

interface Cut {
  readonly folder: string;
  readonly chunks: readonly PlannedChunk[];
  readonly steps: readonly PlanStep[];
  /** The ids in each chunk's file, in order. */
  readonly files: readonly (readonly string[])[];
}

interface Limits {
  readonly requestsPerChunk?: number;
  readonly maxRequests?: number;
  readonly maxBytes?: number;
}

const hexOf = (...ordinals: readonly number[]): string =>
  ordinals.map((ordinal) => String(ordinal).padStart(32, "0")).join("");

function blocksOf(texts: readonly string[], blockRows: number): PlannedBlock[] {
  const blocks: PlannedBlock[] = [];
  for (let firstRow = 0; firstRow < texts.length; firstRow += blockRows) {
    const some = texts.slice(firstRow, firstRow + blockRows);
    const ordinals = some.map((_, index) => firstRow + index);
    blocks.push({
      rows: { firstRow, requests: Int32Array.from(ordinals) },
      requests: some.map((content, index) => ({
        ordinal: firstRow + index,
        id: hexOf(firstRow + index),
        prompt: { messages: [{ role: "user", content }], cells: [content] },
      })),
    });
  }
  return blocks;
}

async function cut(texts: readonly string[], limits: Limits, blockRows = 3): Promise<Cut> {
  return await cutBlocks(blocksOf(texts, blockRows), limits);
}

async function cutBlocks(
  blocks: readonly PlannedBlock[],
  limits: Limits,
  before: readonly Chunk[] = [],
): Promise<Cut> {
  const folder = await newFolder();
  const chunks: PlannedChunk[] = [];
  const steps: PlanStep[] = [];
  const files = chunkFiles(folder);
  await chunkRequests(ReadableStream.from(blocks), {
    store: {
      files,
      chunks: () => Promise.resolve(before),
      addToPlan: async (step) => {
        const { chunk, recalled } = step;
        // The file must be whole before the store names it.
        if (chunk !== null) {
          expect((await stat(files.path(requestFileName(chunk.number)))).size).toBe(chunk.bytes);
          chunks.push(chunk);
        }
        if (recalled !== null)
          expect(await files.bytes(replyFileName(recalled.number))).toBe(recalled.bytes);
        steps.push(step);
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
    spec: specOf(),
    token: "rabcdefg",
    requestsPerChunk: limits.requestsPerChunk ?? 1000,
  });
  const names = (await readdir(folder)).filter((name) => name.includes("requests")).toSorted();
  const ids = await Promise.all(
    names.map(async (name) => {
      const lines = (await readFile(join(folder, name), "utf8")).split("\n");
      expect(lines.pop()).toBe("");
      return lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
    }),
  );
  return { folder, chunks, steps, files: ids };
}

const texts = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `text ${String(index).padStart(2, "0")}`);

describe("chunkRequests", () => {
  it("closes a chunk at the number asked for, and keeps the last partial one", async () => {
    const { files, chunks } = await cut(texts(7), { requestsPerChunk: 3 });
    expect(files.map((ids) => ids.length)).toEqual([3, 3, 1]);
    expect(files.flat()[3]).toBe("rabcdefg-2-3");
    expect(chunks.map(({ number }) => number)).toEqual([1, 2, 3]);
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
    const blank = { rows: { firstRow: 0, requests: Int32Array.of(-1, -1) }, requests: [] };
    const none = await cutBlocks([blank], {});
    expect(none).toMatchObject({ chunks: [], files: [], steps: [{ rows: [blank.rows] }] });
  });

  it("records rows with the chunk that holds their requests, cut within a block where it ends", async () => {
    const { steps } = await cut(texts(7), { requestsPerChunk: 2 }, 3);
    const recorded = steps.map(({ rows, ids, chunk }) => ({
      rows: rows.map(({ firstRow, requests }) => [firstRow, ...requests]),
      ids: Buffer.from(ids).toString("hex"),
      chunk: chunk?.number,
    }));
    expect(recorded).toEqual([
      { rows: [[0, 0, 1]], ids: hexOf(0, 1), chunk: 1 },
      {
        rows: [
          [2, 2],
          [3, 3],
        ],
        ids: hexOf(2, 3),
        chunk: 2,
      },
      { rows: [[4, 4, 5]], ids: hexOf(4, 5), chunk: 3 },
      { rows: [[6, 6]], ids: hexOf(6), chunk: 4 },
    ]);
  });

  it("puts what was kept into files of its own, and counts cut texts where their rows go", async () => {
    const blocks = blocksOf(texts(6), 3).map((block, at) => ({
      ...block,
      cutRows: [at, 2],
      kept: keptOf(
        block.requests.map(({ ordinal }) =>
          ordinal % 2 === 0 ? `{"ü":${String(ordinal)}}` : null,
        ),
      ),
    }));
    const { steps, folder, files } = await cutBlocks(blocks, { requestsPerChunk: 2 });
    expect(files).toEqual([["rabcdefg-1-1", "rabcdefg-1-3"], ["rabcdefg-2-5"]]);
    expect(steps.map(({ cutRows }) => cutRows)).toEqual([3, 1]);
    expect(steps.map(({ recalled }) => recalled?.index)).toEqual([
      {
        ordinals: Uint32Array.of(0, 2, 4),
        offsets: Float64Array.of(0, 9, 18),
        lengths: Uint32Array.of(8, 8, 8),
      },
      undefined,
    ]);
    const replies = textChunks(join(folder, "000000.replies.jsonl.zst"));
    expect(Buffer.concat(await Array.fromAsync(replies)).toString()).toBe(
      '{"ü":0}\n{"ü":2}\n{"ü":4}\n',
    );
  });

  it("goes on with the numbers of a plan that was cut off", async () => {
    const before = [{ number: -1 }, { number: 0 }, { number: 4 }] as Chunk[];
    const [block] = blocksOf(texts(2), 2);
    const rows = { firstRow: 0, requests: Int32Array.of(0, 1) };
    const requests = block?.requests ?? [];
    const made = await cutBlocks([{ rows, requests, kept: keptOf(["{}", null]) }], {}, before);
    expect(made.steps).toMatchObject([{ chunk: { number: 5 }, recalled: { number: -2 } }]);
  });

  it("copies lines that are made already under the ids of their requests", async () => {
    const asked = [...texts(12), "long ".repeat(80_000), 'é "quoted"\n', "\ud800"];
    const limits = {
      maxRequestsPerBatch: 1000,
      maxBytesPerBatch: 1e9,
      maxBytesPerRequest: 1e9,
      maxBatchesInFlight: null,
    };
    const blocks = planRows({
      frame: frameOf(asked, 5),
      rendering: plainRendering(),
      spec: specOf(),
      onNull: "skip",
      limit: null,
      provider: { id: "p", host: "h", encode, limits, writesTextsAsJson: true },
      index: dedupeIndex(),
      firstRow: 0,
    });
    const planned = await Array.fromAsync(blocks);
    const isPacked = planned.flatMap(({ requests }) => requests.map(({ packed }) => packed));
    expect(isPacked.map((place) => place !== undefined)).toEqual(
      asked.map((text) => text.isWellFormed()),
    );
    const { folder, steps } = await cutBlocks(planned, { requestsPerChunk: 9 });
    for (const [name, first, end] of [
      ["000001.requests.jsonl", 0, 9],
      ["000002.requests.jsonl", 9, 15],
    ] as const) {
      const lines = asked.slice(first, end).map((content, at) => {
        const messages = [{ role: "user", content }] as const;
        const id = `rabcdefg-${String(first === 0 ? 1 : 2)}-${String(first + at)}`;
        return `${encode({ ...specOf(), messages, cells: [] }, id)}\n`;
      });
      expect(await readFile(join(folder, name), "utf8")).toBe(lines.join(""));
    }
    const ids = planned.flatMap(({ requests }) => requests.map(({ id }) => id));
    expect(Buffer.concat(steps.map((step) => step.ids)).toString("hex")).toBe(ids.join(""));
  });

  it("leaves no half file behind when the rows break off", async () => {
    const folder = await newFolder();
    const broken = async function* (): AsyncGenerator<PlannedBlock> {
      yield* blocksOf(texts(2), 2);
      await Promise.reject(new Error("The rows broke off."));
    };
    const made = chunkRequests(broken(), {
      store: {
        files: chunkFiles(folder),
        chunks: () => Promise.resolve([]),
        addToPlan: () => Promise.resolve(),
      },
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
      spec: specOf(),
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
          const { chunks, files } = await cut(contents, { requestsPerChunk, maxBytes });
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
        },
      ),
      { numRuns: 30 },
    );
  });
});
