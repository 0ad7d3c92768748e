/** The plan: which request answers which row, or why none does. */

import type { KeptLines } from "./kept-lines.ts";
import type { Lane } from "./lane.ts";
import type { PackedPlace } from "./packed.ts";
import type { Prompt } from "./request.ts";
import type { PlannedSkip, RowErrorCode } from "./result.ts";
import type { KeyCheck } from "./row-key.ts";
import type { RowSample } from "./sample.ts";
import { addEstimates, type TokenEstimate } from "./token-estimate.ts";

/** Counts of a finished plan. `rows = answered rows + skipped + rejected`; duplicates share a request. */
export interface PlanCounts {
  readonly rows: number;
  /** Distinct requests. */
  readonly requests: number;
  /** Requests among them that a cache has answered; they are not sent. */
  readonly cached: number;
  /** Rows whose request another row had already asked for. */
  readonly duplicates: number;
  readonly skipped: Readonly<Record<PlannedSkip, number>>;
  /** The sample that rows were drawn for; left out where all were to be asked, or steps drew several. */
  readonly sample?: RowSample;
  /** What was found of the key that names rows; left out where none is named. */
  readonly key?: KeyCheck;
  /** Rows that fail without being sent, by code. */
  readonly rejected: Readonly<Partial<Record<RowErrorCode, number>>>;
  readonly chunks: number;
  /** Bytes of all request files. */
  readonly bytes: number;
  /** Rows with a text that is cut before it is sent; left out where there are none. */
  readonly cutRows?: number;
  /** Whether the first request is a chunk of its own, asked in realtime before any batch is sent; left out where not. */
  readonly canary?: boolean;
  /** How the requests are sent; left out where the steps of a run go by several lanes. */
  readonly lane?: Lane;
  /** What the requests that are to be sent are expected to use; left out where nobody has estimated it. */
  readonly estimate?: PlanEstimate;
}

/** The tokens of a plan's requests that no cache has answered, and what the figures rest on. */
export interface PlanEstimate {
  readonly tokens: TokenEstimate;
  /** `tokenizer` the model's own, on a sample · `characters` their number · `replies` what answers to requests of this plan were billed. */
  readonly inputBy: "tokenizer" | "characters" | "replies";
  /** `replies` the length of answers to requests of this plan · `assumption` what is asked for, alone. */
  readonly outputBy: "replies" | "assumption";
  /** How many answers there were to learn from. */
  readonly repliesSeen: number;
}

/** A row's fate in the plan: the ordinal of its request (0 or more), or one of {@link NO_REQUEST}. */
export type RowRequest = number;

/** The negative values a {@link RowRequest} can have, and what they mean. */
export const NO_REQUEST = {
  blank: -1,
  limit: -2,
  invalid_input: -3,
  too_long: -4,
  step: -5,
  bad_row: -6,
  pass: -7,
  where: -8,
  sample: -9,
  kept: -10,
} as const;

/** Consecutive rows of the plan. */
export interface PlannedRows {
  readonly firstRow: number;
  readonly requests: Int32Array;
}

/** What a negative {@link RowRequest} means for the row. */
export function rowWithoutRequest(
  value: RowRequest,
): { readonly skipped: PlannedSkip } | { readonly rejected: RowErrorCode } {
  switch (value) {
    case NO_REQUEST.blank:
      return { skipped: "blank" };
    case NO_REQUEST.limit:
      return { skipped: "limit" };
    case NO_REQUEST.step:
      return { skipped: "step" };
    case NO_REQUEST.bad_row:
      return { skipped: "bad_row" };
    case NO_REQUEST.pass:
      return { skipped: "pass" };
    case NO_REQUEST.where:
      return { skipped: "where" };
    case NO_REQUEST.sample:
      return { skipped: "sample" };
    case NO_REQUEST.kept:
      return { skipped: "kept" };
    case NO_REQUEST.invalid_input:
      return { rejected: "invalid_input" };
    default:
      return { rejected: "too_long" };
  }
}

/** A request met for the first time. Ordinals count from 0 without gaps, in row order. */
export interface NewRequest {
  readonly ordinal: number;
  /** Its identity, and the host it goes to: what a cache knows it by. */
  readonly id: string;
  /** What it asks; all else is the same for every request of the plan. Of a packed one without its cells' texts, which are in its line. */
  readonly prompt: Prompt;
  /** Where it stands among requests of which the lines are made already; left out where it is by itself. */
  readonly packed?: PackedPlace;
}

/** Consecutive rows, planned, with the requests first met in them. */
export interface PlannedBlock {
  readonly rows: PlannedRows;
  readonly requests: readonly NewRequest[];
  /** The reply lines that answered these requests before this run; those without one are to be sent. Left out where nobody has looked. */
  readonly kept?: KeptLines;
  /** Which of these rows, counted from 0 within them, have a text that is cut, in order; none when left out. */
  readonly cutRows?: readonly number[];
}

/** The counts of several plans over the same rows, together; rows are counted once. */
export function mergedCounts(plans: readonly PlanCounts[]): PlanCounts {
  const sum = (count: (plan: PlanCounts) => number): number =>
    plans.reduce((total, plan) => total + count(plan), 0);
  const most = (count: (plan: PlanCounts) => number): number => Math.max(0, ...plans.map(count));
  const rejected: Partial<Record<RowErrorCode, number>> = {};
  for (const plan of plans)
    for (const [code, rows] of Object.entries(plan.rejected) as [RowErrorCode, number][])
      rejected[code] = (rejected[code] ?? 0) + rows;
  return {
    rows: most(({ rows }) => rows),
    requests: sum(({ requests }) => requests),
    cached: sum(({ cached }) => cached),
    duplicates: sum(({ duplicates }) => duplicates),
    // The plans are over the same rows: what several leave out is left out once.
    skipped: {
      blank: most(({ skipped }) => skipped.blank),
      limit: most(({ skipped }) => skipped.limit),
      where: most(({ skipped }) => skipped.where),
      sample: most(({ skipped }) => skipped.sample),
      kept: most(({ skipped }) => skipped.kept),
      step: most(({ skipped }) => skipped.step),
      bad_row: most(({ skipped }) => skipped.bad_row),
      // Where a plan leaves rows to another, the other has them.
      pass: 0,
    },
    rejected,
    chunks: sum(({ chunks }) => chunks),
    bytes: sum(({ bytes }) => bytes),
    ...sharedSample(plans),
    ...sharedLane(plans),
    ...(plans.some(({ cutRows }) => cutRows !== undefined)
      ? { cutRows: sum(({ cutRows }) => cutRows ?? 0) }
      : {}),
    ...mergedEstimate(plans),
  };
}

/** The weakest of what the parts rest on; left out where any of them has no estimate. */
function mergedEstimate(plans: readonly PlanCounts[]): Pick<PlanCounts, "estimate"> {
  const parts = plans.flatMap(({ estimate }) => estimate ?? []);
  const [first, ...others] = parts;
  if (first === undefined || parts.length < plans.length) return {};
  return { estimate: others.reduce(together, first) };
}

const WEAKEST_FIRST = ["characters", "tokenizer", "replies"] as const;

function together(a: PlanEstimate, b: PlanEstimate): PlanEstimate {
  return {
    tokens: addEstimates(a.tokens, b.tokens),
    inputBy: WEAKEST_FIRST.find((by) => by === a.inputBy || by === b.inputBy) ?? "characters",
    outputBy: a.outputBy === "replies" && b.outputBy === "replies" ? "replies" : "assumption",
    repliesSeen: a.repliesSeen + b.repliesSeen,
  };
}

/** The sample of plans or receipts, where it is the same one in all of them. */
export function sharedSample(
  all: readonly { readonly sample?: RowSample }[],
): Pick<PlanCounts, "sample"> {
  const [first, ...others] = all.map(({ sample }) => sample);
  const isShared = others.every(
    (one) => one?.rows === first?.rows && one?.by === first?.by && one?.seed === first?.seed,
  );
  return first === undefined || !isShared ? {} : { sample: first };
}

function sharedLane(plans: readonly PlanCounts[]): Pick<PlanCounts, "lane"> {
  const [lane, ...others] = new Set(plans.map((plan) => plan.lane));
  return lane === undefined || others.length > 0 ? {} : { lane };
}
