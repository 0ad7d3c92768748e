import { setTimeout } from "node:timers/promises";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { dedupeIndex } from "../../src/core/dedupe.ts";
import { NO_REQUEST, type PlannedBlock } from "../../src/core/plan.ts";
import { digestTexts } from "../../src/core/packed.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { planRows, type Digest, type PlanInput } from "../../src/stages/plan.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { chatLines } from "../../src/provider/openai-lines.ts";
import { frameOf, plainRendering, specOf } from "./support.ts";

const { encode } = chatLines(OPENAI_DIALECT);

const LIMITS = {
  maxRequestsPerBatch: 10,
  maxBytesPerBatch: 100_000,
  maxBytesPerRequest: 100_000,
  maxBatchesInFlight: null,
};

/** A provider whose lines are alike, so that texts are packed. */
const packing = {
  id: "openai",
  host: "api.openai.com",
  encode,
  limits: LIMITS,
  writesTextsAsJson: true,
};

async function plan(
  texts: readonly (string | null)[],
  part: Partial<PlanInput> & { readonly maxBytes?: number; readonly blockRows?: number } = {},
): Promise<readonly PlannedBlock[]> {
  const { maxBytes = 100_000, blockRows, ...rest } = part;
  const limits = { ...LIMITS, maxBytesPerRequest: maxBytes };
  return await Array.fromAsync(
    planRows({
      frame: frameOf(texts, blockRows),
      rendering: plainRendering(),
      spec: specOf(),
      onNull: "skip",
      limit: null,
      provider: { id: "openai", host: "api.openai.com", encode, limits },
      index: dedupeIndex(),
      firstRow: 0,
      ...rest,
    }),
  );
}

/** What requests are, told whether they stand packed or by themselves. */
const told = (blocks: readonly PlannedBlock[]) =>
  blocks.flatMap(({ requests }) =>
    requests.map(({ ordinal, id, prompt }) => ({ ordinal, id, messages: prompt.messages })),
  );

const fatesOf = (blocks: readonly PlannedBlock[]): readonly number[] =>
  blocks.flatMap(({ rows }) => [...rows.requests]);

describe("planRows", () => {
  it("asks each distinct prompt once and points every row at its request", async () => {
    const blocks = await plan(["a", "b", "a", "A", "b ", "b"], { blockRows: 2 });
    expect(fatesOf(blocks)).toEqual([0, 1, 0, 2, 3, 1]);
    expect(blocks.map(({ requests }) => requests.map(({ ordinal }) => ordinal))).toEqual([
      [0, 1],
      [2],
      [3],
    ]);
    expect(blocks.map(({ rows }) => rows.firstRow)).toEqual([0, 2, 4]);
  });

  it("skips blank rows, or rejects them under onNull fail", async () => {
    expect(fatesOf(await plan([null, " ", "a"]))).toEqual([-1, -1, 0]);
    const failing = await plan([null, "a"], { onNull: "fail", rendering: plainRendering("fail") });
    expect(fatesOf(failing)).toEqual([NO_REQUEST.invalid_input, 0]);
    const asking = await plan([null, ""], { onNull: "empty", rendering: plainRendering("empty") });
    expect(fatesOf(asking)).toEqual([0, 0]);
  });

  it("keeps rows past the limit and does not ask them, blank or not", async () => {
    const fates = fatesOf(await plan(["a", null, "b", "a", null], { limit: 3, blockRows: 2 }));
    expect(fates).toEqual([0, -1, 1, NO_REQUEST.limit, NO_REQUEST.limit]);
  });

  it("rejects a row whose line is longer in UTF-8 bytes than the provider takes, and asks the rest", async () => {
    const lineBytes = (text: string): number => {
      const request = {
        ...specOf(),
        messages: [{ role: "user", content: text }] as const,
        cells: [],
      };
      return Buffer.byteLength(encode(request, "x".repeat(64)));
    };
    const maxBytes = lineBytes("é".repeat(100));
    const texts = ["é".repeat(100), "é".repeat(101), "e".repeat(200), "\u0001".repeat(101), "z"];
    const blocks = await plan(texts, { maxBytes });
    expect(fatesOf(blocks)).toEqual([0, NO_REQUEST.too_long, 1, NO_REQUEST.too_long, 2]);
  });

  it("counts what the parameters and the labels add to every line", async () => {
    const spec = specOf({ kind: "text" }, { metadata: "x".repeat(30_000) });
    expect(fatesOf(await plan(["a"], { spec, maxBytes: 29_000 }))).toEqual([NO_REQUEST.too_long]);
    expect(fatesOf(await plan(["a"], { spec, maxBytes: 31_000 }))).toEqual([0]);
  });

  it("makes no requests of no rows", async () => {
    expect(await plan([])).toEqual([]);
  });

  it("gives every row exactly one fate, the same in blocks of any size", async () => {
    const cell = fc.oneof(fc.constantFrom("a", "b", "c", " "), fc.constant(null));
    await fc.assert(
      fc.asyncProperty(
        fc.array(cell, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (texts, blockRows) => {
          const blocks = await plan(texts, { blockRows });
          const fates = fatesOf(blocks);
          expect(fates).toEqual(fatesOf(await plan(texts)));
          const asked = texts.filter((text) => text !== null && text !== " ");
          const order = [...new Set(asked)];
          expect(fates).toEqual(
            texts.map((text) => (text === null || text === " " ? -1 : order.indexOf(text))),
          );
          const requests = blocks.flatMap((block) => block.requests);
          expect(requests.map(({ ordinal }) => ordinal)).toEqual([...order.keys()]);
          expect(requests.map(({ prompt }) => prompt.messages[0]?.content)).toEqual(order);
        },
      ),
    );
  });

  it("goes on at any row as if it had never stopped, whatever blocks the frame gives", async () => {
    const texts = fc.array(fc.constantFrom("a", "b", "c", "d", "", null), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        texts,
        fc.nat(12),
        fc.integer({ min: 1, max: 5 }),
        async (rows, at, size) => {
          const whole = await plan(rows);
          const firstRow = Math.min(at, rows.length);
          const before = await plan(rows.slice(0, firstRow));
          const index = dedupeIndex();
          for (const { id } of before.flatMap(({ requests }) => requests))
            index.restore(Buffer.from(id, "hex"));
          const after = await plan(rows, { firstRow, index, blockRows: size });
          expect(after[0]?.rows.firstRow ?? firstRow).toBe(firstRow);
          expect([...fatesOf(before), ...fatesOf(after)]).toEqual(fatesOf(whole));
          expect([...told(before), ...told(after)]).toEqual(told(whole));
        },
      ),
    );
  });

  it("plans texts that stand packed as it plans each by itself", async () => {
    const provider = packing;
    const texts = fc.array(
      fc.oneof(fc.string({ unit: "binary", maxLength: 9 }), fc.constantFrom("a", "\ud800", null)),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(texts, fc.integer({ min: 1, max: 5 }), async (rows, blockRows) => {
        const packed = await plan(rows, { blockRows, provider });
        const apart = await plan(rows, {
          blockRows,
          provider: { ...provider, writesTextsAsJson: false },
        });
        expect(fatesOf(packed)).toEqual(fatesOf(apart));
        expect(told(packed)).toEqual(told(apart));
        const isPacked = packed.flatMap(({ requests }) =>
          requests.map((request) => request.packed !== undefined),
        );
        const isWell = told(packed).map(({ messages: [only] }) =>
          typeof only?.content === "string" ? only.content.isWellFormed() : null,
        );
        expect(isPacked).toEqual(isWell);
      }),
    );
  });

  it("gives the rows before a damaged one, digested somewhere else or not", async () => {
    const frame = frameOf(
      Array.from({ length: 30 }, (_, row) => `row ${String(row)}`),
      2,
    );
    const damaged: Frame = {
      ...frame,
      blocks: async function* (...asked) {
        yield* frame.blocks(...asked);
        throw new Error("damaged");
      },
    };
    const later: Digest = async (packed) => {
      await setTimeout(1);
      return digestTexts(packed);
    };
    for (const digest of [{}, { digest: later }]) {
      const seen: PlannedBlock[] = [];
      const rows = planRows({
        frame: damaged,
        rendering: plainRendering(),
        spec: specOf(),
        onNull: "skip",
        limit: null,
        provider: packing,
        index: dedupeIndex(),
        firstRow: 0,
        ...digest,
      });
      await expect(
        (async () => {
          for await (const block of rows) seen.push(block);
        })(),
      ).rejects.toThrow("damaged");
      expect(fatesOf(seen)).toEqual(Array.from({ length: 30 }, (_, row) => row));
    }
  });
});
