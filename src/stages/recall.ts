/** recall: requests that were answered before, by whatever run, get those answers and are not sent. */

import type { NewRequest, PlannedBlock } from "../core/plan.ts";

/** What recalling needs to know. */
export interface RecallInput {
  /** The reply lines kept for requests, null where there is none. */
  readonly find: (ids: readonly string[]) => readonly (string | null)[];
  /** Whether a kept reply still reads as an answer; one that does not is asked again. */
  readonly isUsable: (line: string, request: NewRequest) => boolean | Promise<boolean>;
}

/** The plan's blocks, in which the requests that the cache answers hold the reply it kept. */
export async function* recall(
  blocks: AsyncIterable<PlannedBlock>,
  { find, isUsable }: RecallInput,
): AsyncGenerator<PlannedBlock> {
  for await (const block of blocks) {
    const requests: NewRequest[] = [];
    const found = find(block.requests.map(({ id }) => id));
    for (const [at, request] of block.requests.entries()) {
      const kept = found[at] ?? null;
      const usable = kept !== null && isUsable(kept, request);
      const isKept = kept !== null && (usable instanceof Promise ? await usable : usable);
      requests.push(isKept ? { ...request, kept } : request);
    }
    yield { ...block, requests };
  }
}
