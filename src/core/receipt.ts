/** The receipt: what came of every row, and what it cost. */

import type { Chunk } from "./chunk.ts";
import type { PlanCounts } from "./plan.ts";
import type { RowErrorCode, SkipReason } from "./result.ts";
import { addUsage, NO_USAGE, type Usage } from "./usage.ts";

/** Rows by what became of them; `total` is always `ok + skipped + failed`. */
export interface RowCounts {
  readonly total: number;
  readonly ok: number;
  readonly skipped: number;
  readonly failed: number;
}

/** What a finished run accounts for. */
export interface Receipt {
  /** The run's id, for `batchframe status` and the like. */
  readonly run: string;
  readonly rows: RowCounts;
  readonly skippedBy: Readonly<Partial<Record<SkipReason, number>>>;
  readonly failedBy: Readonly<Partial<Record<RowErrorCode, number>>>;
  /** Rows per label, in the order of the labels; null for free text. */
  readonly labels: Readonly<Record<string, number>> | null;
  /** Distinct requests, and rows that shared one. */
  readonly requests: number;
  readonly duplicates: number;
  /** Requests sent again because no reply came, and reply lines that were repeated or never asked for. */
  readonly resent: number;
  readonly duplicateReplies: number;
  readonly unknownReplies: number;
  readonly usage: Usage;
  /** US dollars; null when the model's price is not known. */
  readonly costUsd: number | null;
  /** The batches' ids at the provider, in the order of their chunks. */
  readonly batches: readonly string[];
  /** The file written, null for rows in memory. */
  readonly output: string | null;
  /** New cells a spreadsheet would have run as a formula, neutralised in the file. */
  readonly neutralisedCells: number;
}

/** Counts rows as they are joined; values are counted only for the labels given. */
export interface RowTally {
  ok(value: unknown): void;
  skipped(reason: SkipReason): void;
  failed(code: RowErrorCode): void;
  rows(): RowCounts;
  readonly skippedBy: Partial<Record<SkipReason, number>>;
  readonly failedBy: Partial<Record<RowErrorCode, number>>;
  readonly labels: Record<string, number> | null;
}

/** An empty tally. */
export function rowTally(labels: readonly string[] | null): RowTally {
  const counts = { ok: 0, skipped: 0, failed: 0 };
  const byLabel: Record<string, number> | null =
    labels === null ? null : Object.fromEntries(labels.map((label) => [label, 0]));
  const skippedBy: Partial<Record<SkipReason, number>> = {};
  const failedBy: Partial<Record<RowErrorCode, number>> = {};
  return {
    ok: (value) => {
      counts.ok += 1;
      if (byLabel !== null && typeof value === "string") byLabel[value] = (byLabel[value] ?? 0) + 1;
    },
    skipped: (reason) => {
      counts.skipped += 1;
      skippedBy[reason] = (skippedBy[reason] ?? 0) + 1;
    },
    failed: (code) => {
      counts.failed += 1;
      failedBy[code] = (failedBy[code] ?? 0) + 1;
    },
    rows: () => ({ total: counts.ok + counts.skipped + counts.failed, ...counts }),
    skippedBy,
    failedBy,
    labels: byLabel,
  };
}

/** What a receipt takes from elsewhere than the rows and chunks. */
export interface ReceiptContext {
  readonly run: string;
  readonly plan: PlanCounts;
  /** Whether the provider charges nothing. */
  readonly free: boolean;
  readonly output: string | null;
  readonly neutralisedCells: number;
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
    rows: tally.rows(),
    skippedBy: tally.skippedBy,
    failedBy: tally.failedBy,
    labels: tally.labels,
    requests: context.plan.requests,
    duplicates: context.plan.duplicates,
    resent: sum(({ resent }) => resent),
    duplicateReplies: sum(({ match }) => match.duplicates),
    unknownReplies: sum(({ match }) => match.unknown),
    usage: collections.reduce((total, { usage }) => addUsage(total, usage), NO_USAGE),
    costUsd: context.free ? 0 : null,
    batches: chunks.flatMap(({ batchId }) => (batchId === null ? [] : [batchId])),
    output: context.output,
    neutralisedCells: context.neutralisedCells,
  };
}
