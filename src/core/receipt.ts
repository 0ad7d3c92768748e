/** The receipt: what came of every row, and what it cost. */

import type { Chunk, Collection } from "./chunk.ts";
import type { Json } from "./hash.ts";
import type { Lane } from "./lane.ts";
import { sharedSample, type PlanCounts } from "./plan.ts";
import type { CascadeReceipt, PassReceipt } from "./pass.ts";
import { planCost } from "./plan-cost.ts";
import { addBands, type Band } from "./token-estimate.ts";
import { roundedUsd, spentUsd, type Price } from "./price.ts";
import type { SkipReason, RowErrorCode } from "./result.ts";
import type { RowSample } from "./sample.ts";
import { addUsage, NO_USAGE, type Usage } from "./usage.ts";

/** Rows by what became of them; `total` is always `ok + cached + skipped + failed`. */
export interface RowCounts {
  readonly total: number;
  readonly ok: number;
  /** Answered by an earlier run, and so for nothing. */
  readonly cached: number;
  readonly skipped: number;
  readonly failed: number;
}

/** What a finished run accounts for. */
export interface Receipt {
  /** The run's id, for `batchframe status` and the like. */
  readonly run: string;
  /** The models that were asked, as `provider/model`, each once. */
  readonly models: readonly string[];
  readonly rows: RowCounts;
  readonly skippedBy: Readonly<Partial<Record<SkipReason, number>>>;
  readonly failedBy: Readonly<Partial<Record<RowErrorCode, number>>>;
  /** The sample that rows were drawn for; left out where all were to be asked, or steps drew several. */
  readonly sample?: RowSample;
  /** Rows per label, in the order of the labels; a row with several counts for each, other labels for none. Null where no labels were given. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Distinct requests, and rows that shared one. */
  readonly requests: number;
  /** Requests among them that a cache answered. */
  readonly cached: number;
  readonly duplicates: number;
  /** Requests sent again because no reply came, and reply lines that were repeated or never asked for. */
  readonly resent: number;
  readonly duplicateReplies: number;
  readonly unknownReplies: number;
  readonly usage: Usage;
  /** US dollars for what the provider says was used; null when the model's price is not known. */
  readonly costUsd: number | null;
  /** What the plan expected it to cost; left out where nobody has estimated it, or the price is not known. */
  readonly plannedUsd?: Band;
  /** The same by how requests travelled, with those answered; lanes by which nothing was sent are left out. */
  readonly lanes?: Readonly<Partial<Record<Lane, LaneSum>>>;
  /** Rows asked in a batch that was cancelled, and asked again: the provider may charge for both. Left out where there are none. */
  readonly paidTwice?: PaidTwice;
  /** The batches' ids at the provider, in the order of their chunks. */
  readonly batches: readonly string[];
  /** The file written, null for rows in memory. */
  readonly output: string | null;
  /** New cells a spreadsheet would have run as a formula, neutralised in the file. */
  readonly neutralisedCells: number;
  /** What is worth knowing of the answers, in sentences; left out where there is nothing. */
  readonly warnings?: readonly string[];
  /** Rows among `ok` whose answer a person gave, where the model's was another or none; left out where there are none. */
  readonly corrected?: number;
  /** Where only some rows were kept: how many, those among them without an answer, and how many were left out. */
  readonly kept?: KeptRows;
  /** In a run of several columns the receipt of each, by column; left out in any other. */
  readonly steps?: Readonly<Record<string, Receipt>>;
  /** In a run that asks another model as well, what each pass did, in order; left out in any other. */
  readonly passes?: readonly PassReceipt[];
  /** In a cascade, how its threshold was set; left out in any other. */
  readonly cascade?: CascadeReceipt;
}

/** Rows that may have been paid for twice. */
export interface PaidTwice {
  /** Requests, of which several rows may share one. */
  readonly requests: number;
  readonly count: number;
  /** The rows, counted from 0; the first 1,000. */
  readonly rows: readonly number[];
  /** The batches that were cancelled before they answered them. */
  readonly batches: readonly string[];
}

/** What one lane came to. */
export interface LaneSum {
  /** Requests answered. */
  readonly answered: number;
  /** US dollars; null when the model's price is not known. */
  readonly costUsd: number | null;
}

/** What became of rows of which only some were kept; `rows + leftOut` is every row. */
export interface KeptRows {
  readonly rows: number;
  /** Rows that are kept though they were skipped or failed. */
  readonly unanswered: number;
  readonly leftOut: number;
}

/** Counts rows as they are joined; values are counted only for the labels given. */
export interface RowTally {
  answered(value: unknown, status: "ok" | "cached", isCorrected?: boolean): void;
  skipped(reason: SkipReason): void;
  failed(code: RowErrorCode): void;
  rows(): RowCounts;
  readonly skippedBy: Partial<Record<SkipReason, number>>;
  readonly failedBy: Partial<Record<RowErrorCode, number>>;
  readonly labels: Record<string, number> | null;
  /** Rows whose answer a person gave. */
  corrected(): number;
  /** What was counted so far, for {@link RowTally.restore}. */
  saved(): Json;
  /** Goes on from what another tally had counted, in the place of what this one has. */
  restore(saved: Json): void;
}

/** An empty tally. */
export function rowTally(labels: readonly string[] | null): RowTally {
  const counts = { ok: 0, cached: 0, skipped: 0, failed: 0 };
  const beside = { corrected: 0 };
  const byLabel: Record<string, number> | null =
    labels === null ? null : Object.fromEntries(labels.map((label) => [label, 0]));
  const skippedBy: Partial<Record<SkipReason, number>> = {};
  const failedBy: Partial<Record<RowErrorCode, number>> = {};
  return {
    answered: (value, status, isCorrected = false) => {
      counts[status] += 1;
      if (isCorrected) beside.corrected += 1;
      if (byLabel === null) return;
      for (const label of Array.isArray(value) ? (value as readonly unknown[]) : [value])
        if (typeof label === "string" && Object.hasOwn(byLabel, label))
          byLabel[label] = (byLabel[label] ?? 0) + 1;
    },
    skipped: (reason) => {
      counts.skipped += 1;
      skippedBy[reason] = (skippedBy[reason] ?? 0) + 1;
    },
    failed: (code) => {
      counts.failed += 1;
      failedBy[code] = (failedBy[code] ?? 0) + 1;
    },
    rows: () => ({
      total: counts.ok + counts.cached + counts.skipped + counts.failed,
      ...counts,
    }),
    skippedBy,
    failedBy,
    labels: byLabel,
    corrected: () => beside.corrected,
    saved: () => structuredClone({ counts, beside, skippedBy, failedBy, byLabel }),
    restore: (saved) => {
      const from = saved as unknown as Saved;
      Object.assign(counts, from.counts);
      Object.assign(beside, from.beside);
      Object.assign(skippedBy, from.skippedBy);
      Object.assign(failedBy, from.failedBy);
      Object.assign(byLabel ?? {}, from.byLabel);
    },
  };
}

interface Saved {
  readonly counts: Readonly<Record<string, number>>;
  readonly beside: Readonly<Record<string, number>>;
  readonly skippedBy: Readonly<Record<string, number>>;
  readonly failedBy: Readonly<Record<string, number>>;
  readonly byLabel: Readonly<Record<string, number>> | null;
}

/** What a receipt takes from elsewhere than the rows and chunks. */
export interface ReceiptContext {
  readonly run: string;
  /** `provider/model`. */
  readonly model: string;
  readonly plan: PlanCounts;
  /** Whether the provider charges nothing. */
  readonly free: boolean;
  /** The price of what was asked; null where it is not known. */
  readonly price: Price | null;
  readonly output: string | null;
  readonly neutralisedCells: number;
  readonly warnings?: readonly string[];
  readonly kept?: KeptRows;
  readonly paidTwice?: PaidTwice;
}

/** The receipt of a run whose chunks are all collected. */
export function receiptOf(
  tally: RowTally,
  chunks: readonly Chunk[],
  context: ReceiptContext,
): Receipt {
  const collections = chunks.flatMap(({ collection }) => (collection === null ? [] : [collection]));
  const sum = (count: (collection: (typeof collections)[number]) => number): number =>
    collections.reduce((total, collection) => total + count(collection), 0);
  return {
    run: context.run,
    models: [context.model],
    rows: tally.rows(),
    skippedBy: tally.skippedBy,
    failedBy: tally.failedBy,
    ...sharedSample([context.plan]),
    labels: tally.labels,
    requests: context.plan.requests,
    cached: context.plan.cached,
    duplicates: context.plan.duplicates,
    resent: sum(({ resent }) => resent),
    duplicateReplies: sum(({ match }) => match.duplicates),
    unknownReplies: sum(({ match }) => match.unknown),
    usage: collections.reduce((total, { usage }) => addUsage(total, usage), NO_USAGE),
    costUsd: costOf(chunks, context),
    ...plannedOf(context),
    ...laneSums(chunks, context),
    batches: chunks.flatMap(({ batchId }) => (batchId === null ? [] : [batchId])),
    output: context.output,
    neutralisedCells: context.neutralisedCells,
    ...((context.warnings ?? []).length === 0 ? {} : { warnings: context.warnings ?? [] }),
    ...(tally.corrected() === 0 ? {} : { corrected: tally.corrected() }),
    ...(context.paidTwice === undefined ? {} : { paidTwice: context.paidTwice }),
    ...(context.kept === undefined ? {} : { kept: context.kept }),
  };
}

/** What was planned to be spent, by the lane the plan was made for. */
function plannedOf({ plan, free, price }: ReceiptContext): Pick<Receipt, "plannedUsd"> {
  const { costUsd, realtimeCostUsd } = planCost(plan, free, price);
  const plannedUsd = plan.lane === "realtime" ? realtimeCostUsd : costUsd;
  return plannedUsd === null ? {} : { plannedUsd };
}

function costOf(
  chunks: readonly Chunk[],
  { free, price }: Pick<ReceiptContext, "free" | "price">,
): number | null {
  if (free) return 0;
  if (price === null) return null;
  const usd = (lane: Lane): number => spentUsd(collectionsOf(chunks, lane), price, lane);
  return roundedUsd(usd("batch") + usd("realtime"));
}

function collectionsOf(chunks: readonly Chunk[], lane: Lane): readonly Collection[] {
  return chunks.flatMap((chunk) =>
    chunk.lane === lane && chunk.collection !== null ? [chunk.collection] : [],
  );
}

/** What each lane answered and cost, as far as anything was sent by it; left out where nothing was sent. */
function laneSums(
  chunks: readonly Chunk[],
  context: Pick<ReceiptContext, "free" | "price">,
): Pick<Receipt, "lanes"> {
  const sent = chunks.filter(({ collection, intent }) => collection !== null && intent !== null);
  const lanes = (["batch", "realtime"] as const).flatMap((lane) => {
    const own = sent.filter((chunk) => chunk.lane === lane);
    if (own.length === 0) return [];
    const answered = own.reduce((sum, { collection }) => sum + (collection?.succeeded ?? 0), 0);
    return [[lane, { answered, costUsd: costOf(own, context) }] as const];
  });
  return lanes.length === 0 ? {} : { lanes: Object.fromEntries(lanes) };
}

/** Counts the rows of a run of several columns by the worst that happened to each. */
export interface StepTally {
  /** One row, by its status in each step. */
  row(statuses: readonly unknown[]): void;
  rows(): RowCounts;
  /** What was counted so far, for {@link StepTally.restore}. */
  saved(): Json;
  /** Goes on from what another tally had counted, in the place of what this one has. */
  restore(saved: Json): void;
}

/** An empty tally of steps: a row has failed when any step of it failed, and is cached when all are. */
export function stepTally(): StepTally {
  const counts = { ok: 0, cached: 0, skipped: 0, failed: 0 };
  return {
    row: (statuses) => {
      if (statuses.includes("failed")) counts.failed += 1;
      else if (statuses.includes("skipped")) counts.skipped += 1;
      else if (statuses.every((status) => status === "cached")) counts.cached += 1;
      else counts.ok += 1;
    },
    rows: () => ({
      total: counts.ok + counts.cached + counts.skipped + counts.failed,
      ...counts,
    }),
    saved: () => ({ ...counts }),
    restore: (saved) => {
      Object.assign(counts, saved);
    },
  };
}

/** One receipt for the steps of a run: sums, and the receipts themselves; the cost is null where any step's is. */
export function mergedReceipt(
  run: string,
  steps: Readonly<Record<string, Receipt>>,
  rows: RowCounts,
): Receipt {
  const all = Object.values(steps);
  const sum = (count: (receipt: Receipt) => number): number =>
    all.reduce((total, receipt) => total + count(receipt), 0);
  const costs = all.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    run,
    models: [...new Set(all.flatMap(({ models }) => models))],
    rows,
    skippedBy: summed(all.map(({ skippedBy }) => skippedBy)),
    failedBy: summed(all.map(({ failedBy }) => failedBy)),
    ...sharedSample(all),
    labels: null,
    requests: sum(({ requests }) => requests),
    cached: sum(({ cached }) => cached),
    duplicates: sum(({ duplicates }) => duplicates),
    resent: sum(({ resent }) => resent),
    duplicateReplies: sum(({ duplicateReplies }) => duplicateReplies),
    unknownReplies: sum(({ unknownReplies }) => unknownReplies),
    usage: all.reduce((total, { usage }) => addUsage(total, usage), NO_USAGE),
    ...mergedPlanned(all),
    costUsd: costs.length === all.length ? costs.reduce((total, cost) => total + cost, 0) : null,
    batches: all.flatMap(({ batches }) => batches),
    output: all[0]?.output ?? null,
    neutralisedCells: all[0]?.neutralisedCells ?? 0,
    ...mergedLanes(all),
    ...mergedWarnings(all),
    steps,
  };
}

function mergedLanes(all: readonly Receipt[]): Pick<Receipt, "lanes"> {
  const lanes = (["batch", "realtime"] as const).flatMap((lane) => {
    const sums = all.flatMap((receipt) => receipt.lanes?.[lane] ?? []);
    if (sums.length === 0) return [];
    const answered = sums.reduce((total, sum) => total + sum.answered, 0);
    const costs = sums.flatMap(({ costUsd }) => costUsd ?? []);
    const costUsd =
      costs.length === sums.length ? costs.reduce((total, cost) => total + cost, 0) : null;
    return [[lane, { answered, costUsd }] as const];
  });
  return lanes.length === 0 ? {} : { lanes: Object.fromEntries(lanes) };
}

/** What all were planned to cost together; left out where any one's is not known. */
function mergedPlanned(all: readonly Receipt[]): Pick<Receipt, "plannedUsd"> {
  const [first, ...others] = all.flatMap(({ plannedUsd }) => plannedUsd ?? []);
  if (first === undefined || others.length + 1 < all.length) return {};
  return { plannedUsd: others.reduce(addBands, first) };
}

function mergedWarnings(all: readonly Receipt[]): Pick<Receipt, "warnings"> {
  // What is said of the one file that all write, each says.
  const warnings = [...new Set(all.flatMap((receipt) => receipt.warnings ?? []))];
  return warnings.length === 0 ? {} : { warnings };
}

function summed<K extends string>(
  counts: readonly Readonly<Partial<Record<K, number>>>[],
): Partial<Record<K, number>> {
  const totals: Partial<Record<K, number>> = {};
  for (const count of counts)
    for (const [name, rows] of Object.entries(count) as [K, number][])
      totals[name] = (totals[name] ?? 0) + rows;
  return totals;
}
