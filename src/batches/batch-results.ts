/** Results of a batch as values: one of four endings each, and what is done with many of them. */

import type { ToolCall } from "../core/call-settings.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";

/** A request that was answered. */
export interface SucceededResult<V = string | Float32Array> {
  readonly status: "succeeded";
  readonly customId: string;
  /** The answer exactly as the model wrote it; empty where it only called tools or is a vector. */
  readonly text: string;
  /** The answer in the form asked for; without an `output`, the text, or the vector of an embedding model. */
  readonly value: V;
  /** The calls the model wished to make; none where it was given no tools. */
  readonly toolCalls: readonly ToolCall[];
  /** The vector of an embedding model; null for text. */
  readonly embedding: Float32Array | null;
  /** The model that answered, as the provider names it; null when it does not say. */
  readonly model: string | null;
  /** What was billed; null when the reply does not say. */
  readonly usage: Usage | null;
}

/** A request that ran, or should have, and has no usable answer. */
export interface FailedResult {
  readonly status: "failed";
  /** Null for a reply line that carries none that can be read. */
  readonly customId: string | null;
  readonly code: Exclude<RowErrorCode, "cancelled" | "expired">;
  readonly message: string;
  /** Whether the same request may succeed when it is sent again. */
  readonly retryable: boolean;
  /** What was billed; null when the reply does not say. */
  readonly usage: Usage | null;
}

/** A request that was never executed, because its batch was cancelled first; nothing was billed for it. */
export interface CancelledResult {
  readonly status: "cancelled";
  readonly customId: string;
}

/** A request that was never executed, because its batch ran out of time first; nothing was billed for it. */
export interface ExpiredResult {
  readonly status: "expired";
  readonly customId: string;
}

/** How one request of a batch ended. */
export type BatchResult<V = string | Float32Array> =
  SucceededResult<V> | FailedResult | CancelledResult | ExpiredResult;

/** A request's failure as a result: `cancelled` and `expired` are endings of their own. */
export function resultOfFailure(
  customId: string | null,
  { code, message, retryable }: RequestFailure,
  usage: Usage | null,
): Exclude<BatchResult<never>, SucceededResult<never>> {
  if (code === "cancelled" || code === "expired")
    return customId === null
      ? { status: "failed", customId, code: "provider_error", message, retryable, usage }
      : { status: code, customId };
  return { status: "failed", customId, code, message, retryable, usage };
}

/** A result as one line of JSON, without its line feed; vectors as lists of numbers. */
export function resultLine(result: BatchResult<unknown>): string {
  return JSON.stringify(result, (_, value: unknown) =>
    value instanceof Float32Array ? [...value] : value,
  );
}

/** The results that are answers, in their order. */
export function succeededResults<V>(
  results: readonly BatchResult<V>[],
): readonly SucceededResult<V>[] {
  return results.filter((result) => result.status === "succeeded");
}

/** The results that are no answers (failed, cancelled or expired), in their order. */
export function unsuccessfulResults<V>(
  results: readonly BatchResult<V>[],
): readonly Exclude<BatchResult<V>, SucceededResult<V>>[] {
  return results.filter((result) => result.status !== "succeeded");
}

/** The values of the answers, in their order. */
export function valuesOf<V>(results: readonly BatchResult<V>[]): readonly V[] {
  return succeededResults(results).map(({ value }) => value);
}

/** The results by custom_id; where a provider gave an id twice, the first counts. Lines without an id are left out. */
export function resultsById<V>(
  results: readonly BatchResult<V>[],
): ReadonlyMap<string, BatchResult<V>> {
  const byId = new Map<string, BatchResult<V>>();
  for (const result of results)
    if (result.customId !== null && !byId.has(result.customId)) byId.set(result.customId, result);
  return byId;
}
