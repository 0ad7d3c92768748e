/** Making identities and JSON of texts in two threads: in a plan's own, and here while that one is busy. */

import { digestTexts } from "../core/packed.ts";
import type { Digest } from "../stages/plan.ts";
import type { PlanThread } from "./plan-thread.ts";

// A thread takes as long to begin as these take to digest: small plans are over before it could help.
const BLOCKS_HERE = 20;

/** A digest of texts that begins the thread once `blocksHere` blocks have come, and gives the same with or without it. */
export function digesting(thread: PlanThread, blocksHere = BLOCKS_HERE): Digest {
  let blocks = 0;
  return (texts) => {
    if (blocks++ === blocksHere) thread.begin();
    return thread.isFree() ? thread.digest(texts) : Promise.resolve(digestTexts(texts));
  };
}
