/** A sample of answered requests, and what it says of those that are still to be asked. */

import { NOTHING, type Band } from "./token-estimate.ts";
import type { Usage } from "./usage.ts";

/** Requests by what can be counted of them beforehand: how many, and the length of their prompts in characters. */
export interface Load {
  readonly requests: number;
  readonly units: number;
}

/** No requests. */
export const NO_LOAD: Load = { requests: 0, units: 0 };

/** The sum of two loads. */
export function addLoads(a: Load, b: Load): Load {
  return { requests: a.requests + b.requests, units: a.units + b.units };
}

/** Answered requests, as far as they say something of others; sums only, however many there are. */
export interface ReplySample {
  /** Adds one answered request, with the length of its prompt. */
  add(units: number, usage: Usage): void;
  /** How many were added. */
  size(): number;
  /** What the prompts came to for each token that was expected, and how far that may be off as a share; null while the sample is too small. */
  input(expected: Line): { readonly factor: number; readonly error: number } | null;
  /** The output tokens of a load of further requests together; null while the sample is too small. */
  output(load: Load): Band | null;
}

/** A straight line: so much for each request, and so much for each character of its prompt. */
export interface Line {
  readonly perRequest: number;
  readonly perUnit: number;
}

// Fewer say next to nothing of how much lengths vary.
const FEWEST = 5;
// Where the prompt explains less of the answer's length than this, it explains it by chance.
const LEAST_EXPLAINED = 0.25;
// However alike the sample is, another answer may be longer by a word.
const LEAST_OFF = 0.03;

/** An empty sample. */
export function replySample(): ReplySample {
  let n = 0;
  const sums = { u: 0, uu: 0, i: 0, ii: 0, ui: 0, o: 0, oo: 0, uo: 0 };
  return {
    add: (u, { inputTokens: i, outputTokens: o }) => {
      n += 1;
      sums.u += u;
      sums.uu += u * u;
      sums.i += i;
      sums.ii += i * i;
      sums.ui += u * i;
      sums.o += o;
      sums.oo += o * o;
      sums.uo += u * o;
    },
    size: () => n,
    input: ({ perRequest: h, perUnit: r }) => {
      const expected = n * h + r * sums.u;
      if (n < FEWEST || expected === 0) return null;
      const factor = sums.i / expected;
      const squares = n * h * h + 2 * h * r * sums.u + r * r * sums.uu;
      const products = h * sums.i + r * sums.ui;
      const rest = Math.max(0, sums.ii - 2 * factor * products + factor * factor * squares);
      const spread = Math.sqrt(rest / (n - 1)) / (sums.i / n || 1);
      return { factor, error: Math.max(LEAST_OFF, (sureness(n) * spread) / Math.sqrt(n)) };
    },
    output: ({ requests, units }) => {
      if (n < FEWEST) return null;
      if (requests === 0) return NOTHING;
      const mean = sums.o / n;
      const meanUnits = sums.u / n;
      const varied = Math.max(0, sums.oo - n * mean * mean);
      const lengths = Math.max(0, sums.uu - n * meanUnits * meanUnits);
      const together = sums.uo - n * mean * meanUnits;
      const explained = lengths === 0 || varied === 0 ? 0 : together ** 2 / (lengths * varied);
      const follows = explained >= LEAST_EXPLAINED;
      const slope = follows ? together / lengths : 0;
      const away = follows ? units / requests - meanUnits : 0;
      const expected = Math.max(0, requests * (mean + slope * away));
      const spread = (varied * (follows ? 1 - explained : 1)) / (n - (follows ? 2 : 1));
      const share = 1 / n + (follows ? away ** 2 / lengths : 0);
      const off = Math.max(
        sureness(n) * Math.sqrt(spread * (requests + requests ** 2 * share)),
        expected * LEAST_OFF,
      );
      return { low: Math.max(0, expected - off), expected, high: expected + off };
    },
  };
}

/** How many deviations to either side hold in 99 of 100 samples of this size, about as Student's distribution has it. */
function sureness(size: number): number {
  return 2.576 * (1 + 3 / (size - 1));
}
