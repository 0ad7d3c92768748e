/** A pass: one model's turn at the rows of a run that asks more than one. */

import type { RowErrorCode } from "./result.ts";
import type { Usage } from "./usage.ts";

/** What a pass is for: the model of the run on every row, and those after it on some. */
export type PassRole = "main" | "fallback" | "cheap" | "sample" | "strong";

/** What one pass of a run did. */
export interface PassReceipt {
  readonly role: PassRole;
  /** `provider/model`. */
  readonly model: string;
  /** Rows that were its to ask, without those that were skipped. */
  readonly rows: number;
  /** Rows whose answer in the end is from here. */
  readonly answers: number;
  /** Rows that failed here, whether or not a later pass answered them. */
  readonly failed: number;
  /** Rows that came here because they had failed before, by code. */
  readonly cameFor: Readonly<Partial<Record<RowErrorCode, number>>>;
  /** Distinct requests, and those among them that a cache answered. */
  readonly requests: number;
  readonly cached: number;
  readonly usage: Usage;
  /** US dollars; null when the model's price is not known. */
  readonly costUsd: number | null;
}
