/** Looking at a chunk's batch, and stopping it when it stands still or is no longer wanted. */

import type { Ending } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { poll } from "../stages/poll.ts";
import { batchOf, providerOf, type Ports, type SubmittedChunk } from "../stages/ports.ts";
import type { RunRecord } from "../store/store.ts";
import { isTooLate } from "./deadline.ts";
import type { Driver } from "./driver.ts";

/**
 * Looks at a batch; one that stands still too long, or belongs to a cancelled run, is cancelled. Gives how it has
 * ended, which is recorded; null where it has not.
 */
export async function look(
  chunk: SubmittedChunk,
  run: RunRecord,
  driver: Driver,
): Promise<Ending | null> {
  const { ports, options, paces } = driver;
  const pace = paces.of(chunk);
  const before = driver.looks.get(chunk.number) ?? null;
  const seen = await poll(chunk, before, ports);
  if ("ending" in seen) {
    pace.moved(chunk.number);
    return seen.ending;
  }
  driver.looks.set(chunk.number, seen);
  const nowMs = await ports.store.clockMs();
  const stillMs = pace.looked(chunk.number, {
    moved: before?.phase !== seen.phase || before.done !== seen.done,
    ageMs: Math.max(0, nowMs - (chunk.submittedAtMs ?? nowMs)),
  });
  // What is asked from here waits for answers; each has a time limit of its own.
  const isStalled =
    chunk.lane === "batch" && options.stallMs !== null && stillMs >= options.stallMs;
  const isUnwanted = run.cancelRequestedAtMs !== null || isTooLate(run, chunk, driver);
  if ((isStalled || isUnwanted) && !driver.stopped.has(chunk.number)) {
    await stop(chunk, ports);
    driver.stopped.add(chunk.number);
    pace.moved(chunk.number);
    if (isStalled && !isUnwanted)
      options.onWarning({
        chunk: chunk.number,
        code: "batch_stalled",
        message: `Chunk ${String(chunk.number)} made no progress for ${String(Math.round(stillMs / 1000))} s; its batch is cancelled, answers that came are kept, the rest is sent again.`,
      });
  }
  return null;
}

/** Asks the provider to cancel; a batch that has ended meanwhile refuses, and the next look shows it. */
export async function stop(chunk: SubmittedChunk, ports: Ports): Promise<void> {
  try {
    await providerOf(chunk, ports).cancel(batchOf(chunk, ports), ports.signal);
  } catch (error) {
    const isRefused = error instanceof ProviderError && error.code === "provider_refused";
    if (!isRefused && !(error instanceof ProviderError && error.httpStatus === 409)) throw error;
  }
}
