/** The plan: which request answers which row, or why none does. */

import type { Request } from "./request.ts";
import type { RowErrorCode, SkipReason } from "./result.ts";

/** Counts of a finished plan. `rows = answered rows + skipped + rejected`; duplicates share a request. */
export interface PlanCounts {
  readonly rows: number;
  /** Distinct requests. */
  readonly requests: number;
  /** Rows whose request another row had already asked for. */
  readonly duplicates: number;
  readonly skipped: Readonly<Record<SkipReason, number>>;
  /** Rows that fail without being sent, by code. */
  readonly rejected: Readonly<Partial<Record<RowErrorCode, number>>>;
  readonly chunks: number;
  /** Bytes of all request files. */
  readonly bytes: number;
}

/** A row's fate in the plan: the ordinal of its request (0 or more), or one of {@link NO_REQUEST}. */
export type RowRequest = number;

/** The negative values a {@link RowRequest} can have, and what they mean. */
export const NO_REQUEST = {
  blank: -1,
  limit: -2,
  invalid_input: -3,
  too_long: -4,
} as const;

/** Consecutive rows of the plan. */
export interface PlannedRows {
  readonly firstRow: number;
  readonly requests: Int32Array;
}

/** What a negative {@link RowRequest} means for the row. */
export function rowWithoutRequest(
  value: RowRequest,
): { readonly skipped: SkipReason } | { readonly rejected: RowErrorCode } {
  switch (value) {
    case NO_REQUEST.blank:
      return { skipped: "blank" };
    case NO_REQUEST.limit:
      return { skipped: "limit" };
    case NO_REQUEST.invalid_input:
      return { rejected: "invalid_input" };
    default:
      return { rejected: "too_long" };
  }
}

/** A request met for the first time. Ordinals count from 0 without gaps, in row order. */
export interface NewRequest {
  readonly ordinal: number;
  readonly request: Request;
}

/** Consecutive rows, planned, with the requests first met in them. */
export interface PlannedBlock {
  readonly rows: PlannedRows;
  readonly requests: readonly NewRequest[];
}
