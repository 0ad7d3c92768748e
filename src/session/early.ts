/** Sending what is planned while the rest of the rows is still being read. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Store } from "../store/store.ts";

/** What sending early needs. */
export interface EarlyInput {
  readonly store: Pick<Store, "chunks">;
  /** The plan in the making, which has begun; sending ends with it. */
  readonly planning: Promise<unknown>;
  /** Takes what is ready, sends it, and waits for nothing. */
  readonly drive: () => Promise<unknown>;
  /** Ends the planning, so that nothing writes to a store that is being closed. */
  readonly stop: () => void;
}

const LOOK_EVERY_MS = 100;

/**
 * Sends the chunks that planning has recorded, as they come, until the plan is complete.
 *
 * What planning throws is thrown here once no step is under way; what sending throws ends the planning first.
 */
export async function sendEarly({ store, planning, drive, stop }: EarlyInput): Promise<void> {
  const over = planning.then(
    () => true,
    () => true,
  );
  try {
    for (let isOver = false; !isOver;) {
      const isAny = (await store.chunks()).some(({ state }) => state !== "collected");
      if (isAny) await drive();
      isOver = await Promise.race([over, sleep(LOOK_EVERY_MS, false)]);
    }
  } catch (error) {
    stop();
    await over;
    throw error;
  }
  await planning;
}
