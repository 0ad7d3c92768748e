/** The receipt of a run in several passes: one account of all rows, and what each pass did and cost. */

import type { PassRole } from "./pass.ts";
import { mergedReceipt, type Receipt } from "./receipt.ts";
import type { RowErrorCode } from "./result.ts";

/** A pass, with its receipt as a run of its own, and what the merged rows say of it. */
export interface PassAccount {
  readonly role: PassRole;
  readonly model: string;
  readonly receipt: Receipt;
  readonly tally: PassTally;
}

/** Counts of one pass over the merged rows. */
export interface PassTally {
  rows: number;
  answers: number;
  failed: number;
  readonly cameFor: Partial<Record<RowErrorCode, number>>;
}

/** An empty tally. */
export function passTally(): PassTally {
  return { rows: 0, answers: 0, failed: 0, cameFor: {} };
}

/** What the merged rows add up to. */
export type MergedRows = Pick<Receipt, "rows" | "failedBy" | "labels">;

/** The receipt of a run in passes: rows counted once, requests and cost summed. */
export function passesReceipt(
  run: string,
  accounts: readonly PassAccount[],
  merged: MergedRows,
): Receipt {
  const byPass = Object.fromEntries(accounts.map(({ receipt }, at) => [String(at), receipt]));
  const { steps: _steps, ...sums } = mergedReceipt(run, byPass, merged.rows);
  const [first] = accounts;
  return {
    ...sums,
    ...merged,
    // What a later pass skipped was another's; what was skipped for good, the first pass knows.
    skippedBy: first?.receipt.skippedBy ?? {},
    duplicates: first?.receipt.duplicates ?? 0,
    ...(first?.receipt.kept === undefined ? {} : { kept: first.receipt.kept }),
    passes: accounts.map(({ role, model, receipt, tally }) => ({
      role,
      model,
      rows: tally.rows,
      answers: tally.answers,
      failed: tally.failed,
      cameFor: tally.cameFor,
      requests: receipt.requests,
      cached: receipt.cached,
      usage: receipt.usage,
      costUsd: receipt.costUsd,
    })),
  };
}
