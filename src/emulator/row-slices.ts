/** The pace at which a batch's rows are executed, in any protocol. */
import { setImmediate } from "node:timers/promises";
import { pauseWhile, type Pausable } from "./batch-pause.ts";
import type { World } from "./world.ts";

/** Rows to execute. */
export interface SlicedRows {
  readonly world: World;
  /** Counts batches from 1. */
  readonly batch: Pausable & { readonly sequence: number };
  readonly count: number;
  /** Executes the rows from `from` to just before `to`, at the same time. */
  readonly execute: (from: number, to: number) => Promise<void>;
}

/** Why a run stopped, and how many rows of its order were dealt with. */
export interface RunEnd {
  readonly reason: "done" | "expired" | "cancelled" | "closed";
  readonly done: number;
}

// A slice is dealt with without a look at the time; so many keep the server answering in between.
const MAX_SLICE_ROWS = 256;
const SLICE_MS = 10;

/** Executes rows until all are done, the window is over, or the batch is cancelled. */
export async function runSlices(rows: SlicedRows): Promise<RunEnd> {
  const { world, batch, count } = rows;
  const { clock, runMs, concurrency } = world.settings;
  const startMs = clock.nowMs();
  const slices = Math.max(1, Math.floor(runMs / SLICE_MS));
  const sliceRows = Math.min(MAX_SLICE_ROWS, Math.ceil(count / slices));
  const early = world.faults.strike("expireAfterRows", { key: [batch.sequence] });
  const last = early === null ? count : Math.floor(count * (early.fraction ?? 0.5));
  let done = 0;
  while (done < last) {
    const stop = stopReason(rows);
    if (stop !== null) return { reason: stop, done };
    const step = Math.min(done + sliceRows, last);
    while (done < step && stopReason(rows) === null) {
      const until = Math.min(done + concurrency, step);
      await rows.execute(done, until);
      done = until;
    }
    const dueMs = startMs + (runMs * done) / count;
    await pauseWhile(world, batch, dueMs - clock.nowMs(), () => !batch.cancelRequested);
    await setImmediate();
  }
  const stop = stopReason(rows);
  if (stop === "cancelled" || stop === "closed") return { reason: stop, done };
  return { reason: early === null ? "done" : "expired", done };
}

function stopReason({ world, batch }: SlicedRows): "expired" | "cancelled" | "closed" | null {
  if (world.closing.aborted) return "closed";
  if (batch.cancelRequested) return "cancelled";
  return world.nowMs() >= batch.expiresAtMs ? "expired" : null;
}
