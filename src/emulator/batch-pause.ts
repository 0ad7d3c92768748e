/** Waiting in the middle of a batch's life. */
import type { World } from "./world.ts";

/** What a wait depends on, in any protocol's batch. */
export interface Pausable {
  /** When the window is over, by the skewed clock. */
  readonly expiresAtMs: number;
  readonly cancelRequested: boolean;
  /** Fired, and replaced by a fresh one, whenever a sleeping batch should look around. */
  readonly wake: AbortController;
}

/**
 * Waits for `durationMs`, but no longer than `condition` holds, the window of the batch is open, or
 * the emulator runs. The condition is looked at again whenever the batch is nudged.
 */
export async function pauseWhile(
  world: World,
  batch: Pausable,
  durationMs: number,
  condition: () => boolean,
): Promise<void> {
  const { clock } = world.settings;
  const untilMs = clock.nowMs() + durationMs;
  while (!world.closing.aborted && condition()) {
    // A batch that is being cancelled no longer cares for its window.
    const windowMs = batch.cancelRequested ? Infinity : batch.expiresAtMs - world.nowMs();
    const leftMs = Math.min(untilMs - clock.nowMs(), windowMs);
    if (leftMs <= 0) return;
    await clock.sleep(leftMs, batch.wake.signal);
  }
}

/** A batch that a fault can hold, in any protocol. */
export interface Holdable extends Pausable {
  readonly id: string;
  /** What its draws are made by. */
  readonly sequence: number;
  /** Whether a fault holds it now. */
  held: boolean;
}

/** Holds the batch where the fault strikes, until it is released or cancelled. */
export async function holdIfStruck(
  world: World,
  batch: Holdable,
  fault: "stuck" | "stuckValidating",
): Promise<void> {
  if (world.faults.strike(fault, { key: [batch.sequence] }) === null) return;
  batch.held = true;
  await pauseWhile(world, batch, Infinity, () => batch.held && !batch.cancelRequested);
  batch.held = false;
}

/** Lets go of the held batch with this id, or of every held one, and wakes it; gives how many. */
export function releaseHeld<B extends Holdable>(
  all: readonly B[],
  batchId: string | undefined,
  wake: (batch: B) => void,
): number {
  const held = all.filter((batch) => batch.held && batch.id === (batchId ?? batch.id));
  for (const batch of held) {
    batch.held = false;
    wake(batch);
  }
  return held.length;
}
