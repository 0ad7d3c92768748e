/** Where a batch stands, and waiting for its end. */

import { setTimeout as sleep } from "node:timers/promises";
import { batchOf, type Desk, type Waiting } from "./batch-desk.ts";
import { checkPositive } from "../core/call-options.ts";
import type { BatchOutcome, Ending } from "../core/chunk.ts";
import { InputError, ProviderError } from "../core/errors.ts";
import type { BatchStatus } from "../provider/provider.ts";

/** A batch that will not change any more. */
export interface EndedBatch {
  readonly batchId: string;
  readonly phase: "ended";
  readonly outcome: BatchOutcome;
  /** Why the batch failed as a whole; null when it did not. */
  readonly reason: { readonly code: string; readonly message: string } | null;
}

/** Where a batch stands; `done` is null where the provider does not count while it runs. */
export type BatchState =
  | EndedBatch
  | {
      readonly batchId: string;
      readonly phase: "validating" | "running" | "finalizing" | "cancelling";
      readonly done: number | null;
    };

/** How a batch is waited for. */
export interface WaitOptions extends Waiting {
  /** Time between looks, in milliseconds; the provider's own advice when left out. */
  readonly pollEveryMs?: number;
  /** Told what every look showed. */
  readonly onStatus?: (status: BatchState) => void;
}

/** One look at a batch. */
export async function statusOf(
  desk: Desk,
  batchId: string,
  options: Waiting | undefined,
): Promise<BatchState> {
  const status = await desk.provider.poll(batchOf(desk, batchId), desk.signalOf(options));
  return stateOf(batchId, status);
}

function stateOf(batchId: string, status: BatchStatus): BatchState {
  if (status.phase !== "ended") return { batchId, phase: status.phase, done: status.done };
  const { outcome, reason } = status.ending;
  return {
    batchId,
    phase: "ended",
    outcome,
    reason: reason === null ? null : { code: reason.code, message: reason.message },
  };
}

/** The end of a batch that has ended. @throws {InputError} `batch_not_ended` */
export async function endingOf(
  desk: Desk,
  batchId: string,
  options: Waiting | undefined,
): Promise<Ending> {
  const status = await desk.provider.poll(batchOf(desk, batchId), desk.signalOf(options));
  if (status.phase === "ended") return status.ending;
  throw new InputError(
    "batch_not_ended",
    `Batch ${batchId} is still ${status.phase}, so its results are not complete. Nothing was spent by looking.`,
    { hint: `Wait for it: batchframe batches wait ${batchId} -m ${desk.provider.id}` },
  );
}

/** Waits for the end of a batch; see {@link Batches.wait}. */
export async function wait(
  desk: Desk,
  batchId: string,
  options: WaitOptions = {},
): Promise<EndedBatch> {
  checkPositive("pollEveryMs", options.pollEveryMs);
  const pollEveryMs = options.pollEveryMs ?? desk.provider.pollEveryMs;
  const signal = desk.signalOf(options);
  for (;;) {
    signal.throwIfAborted();
    let restMs = pollEveryMs;
    try {
      const state = await statusOf(desk, batchId, options);
      options.onStatus?.(state);
      if (state.phase === "ended") return state;
    } catch (error) {
      // A call that is cut off fails in as many ways as there are libraries; the caller is told its own reason.
      signal.throwIfAborted();
      if (!(error instanceof ProviderError && error.retryable)) throw error;
      restMs = Math.max(restMs, error.retryAfterMs ?? 0);
    }
    await sleep(restMs, undefined, { signal }).catch(() => {
      signal.throwIfAborted();
    });
  }
}
