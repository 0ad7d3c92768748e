import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  affordablePart,
  booksOf,
  chunkUsd,
  mostUsd,
  overrunOf,
  purseOf,
} from "../../src/core/budget.ts";
import { NOTHING_COLLECTED, type Chunk } from "../../src/core/chunk.ts";
import type { Price } from "../../src/core/price.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { chunkOf } from "./chunks.ts";

// A dollar for each token of output, so that figures can be read.
const PRICE: Price = { inputPerM: 0, outputPerM: 1e6, batchShare: 1, source: "test" };

const estimated = (number: number, high: number, part: Partial<Chunk> = {}): Chunk =>
  chunkOf(number, {
    requestCount: 10,
    estimate: {
      inputTokens: 0,
      inputError: 0,
      outputTokens: { low: 0, expected: high / 2, high },
    },
    ...part,
  });

const collected = (number: number, high: number, cost: number): Chunk =>
  estimated(number, high, {
    state: "collected",
    collection: { ...NOTHING_COLLECTED, usage: { ...NO_USAGE, outputTokens: cost } },
  });

describe("the books of a run", () => {
  it("hold what was used for chunks that are collected, and the most for those under way", () => {
    const chunks = [
      collected(1, 10, 4),
      estimated(2, 10, { state: "submitted" }),
      estimated(3, 10, { state: "submitting" }),
      estimated(4, 10, { state: "ended" }),
      estimated(5, 10),
    ];
    expect(booksOf(chunks, PRICE)).toEqual({ spentUsd: 4, reservedUsd: 30 });
  });

  it("set more aside once a chunk has turned out dearer than its most", () => {
    const chunks = [collected(1, 10, 15), estimated(2, 10, { state: "submitted" })];
    expect(overrunOf(chunks, PRICE)).toBe(1.5);
    expect(booksOf(chunks, PRICE)).toEqual({ spentUsd: 15, reservedUsd: 15 });
    expect(overrunOf([collected(1, 10, 3)], PRICE)).toBe(1);
  });

  it("take answers the provider has lost for paid in full", () => {
    const reason = { code: "results_gone", message: "", again: "never" } as const;
    const gone = { ...collected(1, 10, 1), ending: { outcome: "failed", results: {}, reason } };
    expect(chunkUsd(gone as Chunk, PRICE)).toBe(10);
  });

  it("know no bound for a chunk that nobody has estimated", () => {
    expect(mostUsd(chunkOf(1), PRICE)).toBe(Number.POSITIVE_INFINITY);
  });

  it("count each chunk at the price of its own lane", () => {
    const half = { ...PRICE, batchShare: 0.5 };
    expect(booksOf([collected(1, 10, 4)], half).spentUsd).toBe(2);
    expect(booksOf([{ ...collected(1, 10, 4), lane: "realtime" }], half).spentUsd).toBe(4);
  });
});

describe("a part of a chunk that is too dear", () => {
  it("is as many requests as there is room for", () => {
    expect(affordablePart(estimated(1, 10), 10, 4.5)).toBe(4);
    expect(affordablePart(estimated(1, 10), 10, 0.5)).toBeNull();
    expect(affordablePart(estimated(1, 10), 10, 12)).toBeNull();
    expect(affordablePart(estimated(1, 10), Number.POSITIVE_INFINITY, 12)).toBeNull();
    // Crumbs.
    const large = estimated(1, 1000, { requestCount: 1000 });
    expect(affordablePart(large, 1000, 19)).toBeNull();
    expect(affordablePart(large, 1000, 20)).toBe(20);
  });
});

interface Schedule {
  readonly capUsd: number;
  /** Most and actual cost of each chunk, and the run it belongs to. */
  readonly chunks: readonly {
    readonly high: number;
    readonly actual: number;
    readonly run: number;
  }[];
  /** Which chunk under way comes back next, by turns. */
  readonly order: readonly number[];
}

interface Outcome {
  readonly spentUsd: number;
  /** The most by which the chunks that were under way together passed their estimates. */
  readonly worstTogether: number;
  readonly worstSingle: number;
}

function excessOf(chunk: { readonly high: number; readonly actual: number } | undefined): number {
  return chunk === undefined ? 0 : Math.max(0, chunk.actual - chunk.high);
}

/** Spends by a schedule as the loop does: send what fits, take in what comes back, in whatever order. */
function spend({ capUsd, chunks, order }: Schedule): Outcome {
  const purse = purseOf(capUsd);
  const states: Chunk[] = chunks.map(({ high }, at) => estimated(at + 1, high));
  const runs = [...new Set(chunks.map(({ run }) => run))];
  const own = (run: number): Chunk[] => states.filter((_, at) => chunks[at]?.run === run);
  const note = (run: number): void => {
    purse.note(String(run), booksOf(own(run), PRICE));
  };
  let worstTogether = 0;
  // What has just come back may not be in the purse's books yet, when another run asks.
  let latest = 0;
  for (let turn = 0; ; turn++) {
    for (const run of runs) {
      note(run);
      const overrun = overrunOf(own(run), PRICE);
      for (const chunk of own(run))
        if (chunk.state === "planned" && purse.take(String(run), mostUsd(chunk, PRICE, overrun)))
          states[chunk.number - 1] = { ...chunk, state: "submitted" };
    }
    const underway = states.filter(({ state }) => state === "submitted");
    const excess = underway.map(({ number }) => excessOf(chunks[number - 1]));
    worstTogether = Math.max(
      worstTogether,
      excess.reduce((sum, one) => sum + one, latest),
    );
    const back = underway[(order[turn % order.length] ?? 0) % Math.max(1, underway.length)];
    if (back === undefined) break;
    const { high = 0, actual = 0 } = chunks[back.number - 1] ?? {};
    states[back.number - 1] = collected(back.number, high, actual);
    latest = excessOf({ high, actual });
  }
  return {
    spentUsd: booksOf(states, PRICE).spentUsd,
    worstTogether,
    worstSingle: Math.max(0, ...chunks.map(({ high, actual }) => actual - high)),
  };
}

const schedules = (actualUpTo: number): fc.Arbitrary<Schedule> =>
  fc.record({
    capUsd: fc.integer({ min: 1, max: 400 }),
    chunks: fc.array(
      fc
        .tuple(fc.integer({ min: 1, max: 100 }), fc.nat(1000), fc.nat(2))
        .map(([high, part, run]) => ({ high, actual: (high * part * actualUpTo) / 1000, run })),
      { minLength: 1, maxLength: 30 },
    ),
    order: fc.array(fc.nat(100), { minLength: 1, maxLength: 30 }),
  });

describe("a cap, in 1,000 random schedules of chunks of three runs that share a purse", () => {
  it("is never exceeded while no chunk passes its own most", () => {
    fc.assert(
      fc.property(schedules(1), (schedule) => {
        expect(spend(schedule).spentUsd).toBeLessThanOrEqual(schedule.capUsd + 1e-6);
      }),
      { numRuns: 1000, seed: 6 },
    );
  });

  it("is never exceeded by more than one chunk's error where one chunk in each passes it", () => {
    const one = fc.tuple(schedules(1), fc.nat(29), fc.double({ min: 1, max: 5, noNaN: true }));
    fc.assert(
      fc.property(one, ([schedule, at, times]) => {
        const chunks = schedule.chunks.map((chunk, index) =>
          index === at % schedule.chunks.length ? { ...chunk, actual: chunk.high * times } : chunk,
        );
        const { spentUsd, worstSingle } = spend({ ...schedule, chunks });
        expect(spentUsd).toBeLessThanOrEqual(schedule.capUsd + worstSingle + 1e-6);
      }),
      { numRuns: 1000, seed: 6 },
    );
  });

  it("is exceeded by no more than what was under way together passes it, however wrong all are", () => {
    fc.assert(
      fc.property(schedules(4), (schedule) => {
        const { spentUsd, worstTogether } = spend(schedule);
        expect(spentUsd).toBeLessThanOrEqual(schedule.capUsd + worstTogether + 1e-6);
      }),
      { numRuns: 1000, seed: 6 },
    );
  });

  it("leaves nothing unspent that would have fitted alone", () => {
    const alone = { high: 5, actual: 5, run: 0 };
    const { spentUsd } = spend({ capUsd: 10, chunks: [alone, alone, alone], order: [0] });
    expect(spentUsd).toBe(10);
  });
});

describe("a purse", () => {
  it("gives the last dollar to one of those who ask", () => {
    const purse = purseOf(10);
    purse.note("a", { spentUsd: 4, reservedUsd: 0 });
    purse.note("b", { spentUsd: 0, reservedUsd: 1 });
    expect(purse.take("a", 5)).toBe(true);
    expect(purse.take("b", 0.01)).toBe(false);
    expect(purse.reservedByOthersUsd("b")).toBe(5);
    expect(purse.spentUsd()).toBe(4);
    expect(purse.roomUsd()).toBe(0);
  });
});
