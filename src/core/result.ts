/** How requests and rows end. */

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
  | "provider_error";

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
];

/** What became of a row: answered, not asked, or asked without a usable answer. */
export type RowStatus = "ok" | "skipped" | "failed";

/** Why a row was not asked: a blank cell, or a position past the limit. */
export type SkipReason = "blank" | "limit";

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
      /** The answer's text exactly as the model wrote it. */
      readonly text: string;
      /** The model that answered, as the provider names it; null when it does not say. */
      readonly model: string | null;
      readonly usage: Usage | null;
    }
  | {
      readonly status: "failed";
      readonly customId: string | null;
      readonly failure: RequestFailure;
      /** What was billed for it, null when the line does not say. */
      readonly usage: Usage | null;
    };
