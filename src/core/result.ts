/** How requests and rows end. */

import type { ToolCall } from "./call-settings.ts";
import type { Usage } from "./usage.ts";

/** Why a row has no answer; each code has a paragraph in docs/errors.md. */
export type RowErrorCode =
  | "truncated"
  | "refused"
  | "invalid_output"
  | "invalid_input"
  | "too_long"
  | "rate_limited"
  | "expired"
  | "cancelled"
  | "missing"
  | "provider_error"
  | "skipped"
  | "budget";

/** Every row error code. */
export const ROW_ERROR_CODES: readonly RowErrorCode[] = [
  "truncated",
  "refused",
  "invalid_output",
  "invalid_input",
  "too_long",
  "rate_limited",
  "expired",
  "cancelled",
  "missing",
  "provider_error",
  "skipped",
  "budget",
];

/** What became of a row: answered, answered by an earlier run, not asked, or asked without a usable answer. */
export type RowStatus = "ok" | "cached" | "skipped" | "failed";

/**
 * Why a plan asks nothing for a row: a blank cell, a position past the limit, a condition it does
 * not meet, a sample it was not drawn for, an answer it has already and keeps, a step it needs that failed, a row of a file that cannot be read, or,
 * within one pass of a run with several, that another pass answers it.
 */
export type PlannedSkip =
  "blank" | "limit" | "where" | "sample" | "kept" | "step" | "bad_row" | "pass";

/** Why a row was not asked: its plan says so, or the budget was used up first. */
export type SkipReason = PlannedSkip | "budget" | "pending";

/** A request's failure: what kind, in whose words, and whether asking again unchanged may help. */
export interface RequestFailure {
  readonly code: RowErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** One request's ending as read from a provider's reply line. `customId` is null when the line has none that can be read. */
export type Result =
  | {
      readonly status: "succeeded";
      readonly customId: string | null;
      /** The answer's text exactly as the model wrote it; empty where it only called tools or is a vector. */
      readonly text: string;
      /** The calls the model wished to make, in its order; left out where it wished none. */
      readonly toolCalls?: readonly ToolCall[];
      /** The vector of an embedding model. */
      readonly embedding?: Float32Array;
      /** The model that answered, as the provider names it; null when it does not say. */
      readonly model: string | null;
      /** Why the model stopped, in the provider's own word; left out where it does not say. */
      readonly finishReason?: string;
      /** How sure the model is, from 0 to 1; left out by models that do not tell. */
      readonly confidence?: number;
      readonly usage: Usage | null;
    }
  | {
      readonly status: "failed";
      readonly customId: string | null;
      readonly failure: RequestFailure;
      /** Why the model stopped, in the provider's own word; left out where it did not run or does not say. */
      readonly finishReason?: string;
      /** What was billed for it, null when the line does not say. */
      readonly usage: Usage | null;
    };
