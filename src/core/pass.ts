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

/** What a cascade decided, and what it rests on. */
export interface CascadeReceipt {
  readonly target: number;
  readonly delta: number;
  /** Rows that were asked: those the target is a share of. */
  readonly rows: number;
  /** The column of gold labels that the cheap answers were compared with; left out where it was the strong model's answers. */
  readonly gold?: string;
  /** Rows drawn at random of which the cheap model's answers were compared. */
  readonly sampled: number;
  /** Rows among them whose answers differ, and those of these whose cheap answer would have stayed. */
  readonly disagreed: number;
  readonly disagreedKept: number;
  /** Cheap answers with a greater confidence stay; -1 where all with a confidence do, null where none does. */
  readonly keepAbove: number | null;
  /** The share of rows in agreement with the strong model that the sample lets expect; with gold labels, of rows right by them or answered by the strong model. */
  readonly estimatedAgreement: number;
  /** The share that is missed with a probability of at most `delta`. */
  readonly agreementAtLeast: number;
  /** US dollars that the strong model would have cost on every row, by what it cost on those it was asked; null where that is not known. */
  readonly allStrongUsd: number | null;
}
