/** Rows as who iterates over a run is given them. */

import type { ToolCall } from "../core/call-settings.ts";
import type { RowErrorCode, RowStatus } from "../core/result.ts";
import type { RowOutcome } from "../stages/join.ts";

/** One row's outcome. */
export interface RowResult<V> {
  /** The row's position, counted from 0. */
  readonly row: number;
  readonly status: RowStatus;
  /** The answer; null unless `status` is `ok`. */
  readonly value: V | null;
  /** The calls the model wished to make; empty unless it was given tools. */
  readonly toolCalls: readonly ToolCall[];
  /** Why there is no answer; null unless `status` is `failed`. */
  readonly error: { readonly code: RowErrorCode; readonly message: string } | null;
}

/** A row's outcome with its position. */
export function rowResult<V>(row: number, outcome: RowOutcome): RowResult<V> {
  const base = { row, status: outcome.status, value: null, toolCalls: [], error: null };
  if ("value" in outcome)
    return { ...base, value: outcome.value as V, toolCalls: outcome.toolCalls };
  if (outcome.status === "skipped") return base;
  return { ...base, error: { code: outcome.code, message: outcome.message } };
}
