/** Kills at random instants that follow from a seed, until the run ends by itself. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Receipt } from "../../src/core/receipt.ts";
import { newStand, receiptOf, type Stand, type StandShape } from "./stand.ts";

/** How a run came through its kills. */
export interface Survival {
  readonly kills: number;
  readonly receipt: Receipt;
}

/** Numbers from 0 up to 1 that follow from the seed alone. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// A child needs about this long to start; kills before it strike nothing.
const EARLIEST_MS = 150;

/**
 * Starts the command, kills it at a random instant, and starts it again, until it has been killed
 * `most` times or ended by itself. `spanMs` is how long a start may live at most.
 */
export async function killAtRandom(
  killed: Stand,
  how: { readonly random: () => number; readonly most: number; readonly spanMs: number },
): Promise<Survival> {
  let kills = 0;
  while (kills < how.most) {
    const child = killed.start();
    const lifeMs = EARLIEST_MS + how.random() * how.spanMs;
    await Promise.race([child.ended, sleep(lifeMs)]);
    child.child.kill("SIGKILL");
    const ended = await child.ended;
    if (ended.signal === null) return { kills, receipt: receiptOf(ended) };
    kills += 1;
  }
  return { kills, receipt: receiptOf(await killed.finish()) };
}

/**
 * A run of many small chunks over slow calls, so that kills land everywhere in it: some rows fail
 * once, unbilled, and an answer to a create is lost now and then.
 */
export function slowStand(seed: number): Promise<Stand> {
  const shape: StandShape = {
    rows: { count: 120 },
    emulator: {
      seed,
      runMs: 30,
      faults: {
        delayMs: 4,
        slowDownload: { rate: 0.5, ms: 4 },
        failRows: { count: 6 },
        createAcceptedThenCut: { count: 1, rate: 0.3 },
      },
    },
  };
  return newStand(shape);
}
