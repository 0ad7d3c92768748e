/** recall: requests that were answered before, by whatever run, get those answers and are not sent. */

import type { NewRequest, PlannedBlock } from "../core/plan.ts";

/** A reply that was kept. */
export interface Kept {
  readonly line: string;
  /** The mark of the reading by which it is known to be an accepted answer; null where that is not known. */
  readonly reading: string | null;
}

/** What recalling needs to know. */
export interface RecallInput {
  /** The replies kept for requests, null where there is none. */
  readonly find: (
    ids: readonly string[],
  ) => readonly (Kept | null)[] | Promise<readonly (Kept | null)[]>;
  /** Whether a kept reply still reads as an answer; one that does not is asked again. */
  readonly isUsable: (kept: Kept, request: NewRequest) => boolean | Promise<boolean>;
}

/** The plan's blocks, with the replies that the cache kept for their requests. */
export async function* recall(
  blocks: AsyncIterable<PlannedBlock>,
  { find, isUsable }: RecallInput,
): AsyncGenerator<PlannedBlock> {
  for await (const block of blocks) {
    const kept: (string | null)[] = [];
    const found = await find(block.requests.map(({ id }) => id));
    for (const [at, request] of block.requests.entries()) {
      const reply = found[at] ?? null;
      const usable = reply !== null && isUsable(reply, request);
      kept.push((usable instanceof Promise ? await usable : usable) ? (reply?.line ?? null) : null);
    }
    yield { ...block, kept };
  }
}
