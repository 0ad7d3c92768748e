import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Chunk, Collection } from "../../src/core/chunk.ts";
import type { PlanCounts } from "../../src/core/plan.ts";
import { mergedReceipt, receiptOf, rowTally } from "../../src/core/receipt.ts";
import { chunkOf } from "./chunks.ts";

const PLAN: PlanCounts = {
  rows: 9,
  requests: 6,
  cached: 0,
  duplicates: 1,
  skipped: { blank: 1, limit: 1, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
  rejected: {},
  chunks: 2,
  bytes: 100,
};
const CONTEXT = {
  ...{ run: "r", model: "openai/small", plan: PLAN, free: false, price: null },
  ...{ output: null, neutralisedCells: 0 },
};

const collection = (times: number): Collection => ({
  match: { answered: 3 * times, missing: 0, duplicates: 2 * times, unknown: times },
  succeeded: 2 * times,
  failed: times,
  resent: 4 * times,
  usage: {
    inputTokens: times,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    outputTokens: 5 * times,
    reasoningTokens: 0,
  },
});

function chunk(number: number, part: Partial<Chunk>): Chunk {
  return chunkOf(number, { state: "collected", requestCount: 3, ...part });
}

describe("a row tally", () => {
  it("counts every row once: the total is ok, skipped and failed together", () => {
    const row = fc.oneof(
      fc.record({ ok: fc.constantFrom("a", "b", "__proto__", 3) }),
      fc.record({ skipped: fc.constantFrom("blank" as const, "limit" as const) }),
      fc.record({ failed: fc.constantFrom("missing" as const, "refused" as const) }),
    );
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const tally = rowTally(["a", "b", "__proto__"]);
        for (const each of rows)
          if ("ok" in each) tally.answered(each.ok, "ok");
          else if ("skipped" in each) tally.skipped(each.skipped);
          else tally.failed(each.failed);
        const { total, ok, skipped, failed } = tally.rows();
        expect(total).toBe(rows.length);
        expect(ok + skipped + failed).toBe(total);
        const sum = (counts: Readonly<Record<string, number>>): number =>
          Object.values(counts).reduce((one, other) => one + other, 0);
        expect(sum(tally.skippedBy)).toBe(skipped);
        expect(sum(tally.failedBy)).toBe(failed);
        const labelled = rows.filter((each) => "ok" in each && each.ok !== 3).length;
        expect(sum(tally.labels ?? {})).toBe(labelled);
      }),
    );
  });

  it("lists labels in their order, those nobody got with 0; free text has none", () => {
    const tally = rowTally(["z", "a"]);
    tally.answered("a", "ok");
    expect(Object.entries(tally.labels ?? {})).toEqual([
      ["z", 0],
      ["a", 1],
    ]);
    expect(rowTally(null).labels).toBeNull();
  });
});

describe("a receipt", () => {
  it("sums every chunk's collection and lists batches in the order of their chunks", () => {
    const chunks = [
      chunk(1, { batchId: "batch_1", collection: collection(1) }),
      chunk(2, { collection: null }),
      chunk(3, { batchId: "batch_3", collection: collection(10) }),
    ];
    const tally = rowTally(null);
    tally.answered("x", "ok");
    tally.failed("missing");
    const context = { ...CONTEXT, output: "out.csv", neutralisedCells: 3 };
    expect(receiptOf(tally, chunks, context)).toEqual({
      run: "r",
      models: ["openai/small"],
      rows: { total: 2, ok: 1, cached: 0, skipped: 0, failed: 1 },
      skippedBy: {},
      failedBy: { missing: 1 },
      labels: null,
      requests: 6,
      cached: 0,
      duplicates: 1,
      resent: 44,
      duplicateReplies: 22,
      unknownReplies: 11,
      usage: {
        inputTokens: 11,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        outputTokens: 55,
        reasoningTokens: 0,
      },
      costUsd: null,
      batches: ["batch_1", "batch_3"],
      output: "out.csv",
      neutralisedCells: 3,
    });
  });

  it("costs 0 only where nothing is charged; an unknown price is null", () => {
    expect(receiptOf(rowTally(null), [], { ...CONTEXT, free: true }).costUsd).toBe(0);
    expect(receiptOf(rowTally(null), [], CONTEXT).costUsd).toBeNull();
  });

  it("costs what the chunks used at half price, without the digits that sums leave behind", () => {
    const price = { inputPerM: 0.1, outputPerM: 0.2, batchShare: 0.5, source: "test" };
    const chunks = [1, 10].map((times) => chunk(times, { collection: collection(times) }));
    const { costUsd } = receiptOf(rowTally(null), chunks, { ...CONTEXT, price });
    expect(costUsd).toBe(0.00000605);
  });

  it("tells warnings and kept rows only where there are any", () => {
    const kept = { rows: 2, unanswered: 1, leftOut: 3 };
    const told = receiptOf(rowTally(null), [], { ...CONTEXT, warnings: ["w"], kept });
    expect(told).toMatchObject({ warnings: ["w"], kept });
    expect(Object.keys(receiptOf(rowTally(null), [], { ...CONTEXT, warnings: [] }))).not.toContain(
      "warnings",
    );
    expect(mergedReceipt("r", { a: told, b: told }, told.rows).warnings).toEqual(["w"]);
  });

  it("names each model of several columns once", () => {
    const receipt = (model: string) => receiptOf(rowTally(null), [], { ...CONTEXT, model });
    const steps = { a: receipt("x/1"), b: receipt("y/2"), c: receipt("x/1") };
    const { rows, models } = mergedReceipt("r", steps, receipt("x/1").rows);
    expect([rows.total, models]).toEqual([0, ["x/1", "y/2"]]);
  });
});
