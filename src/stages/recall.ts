/** recall: requests that were answered before, by whatever run, get those answers and are not sent. */

import type { NewRequest, PlannedBlock } from "../core/plan.ts";

/** What recalling needs to know. */
export interface RecallInput {
  /** The reply line kept for a request, null when there is none. */
  readonly find: (id: string) => string | null;
  /** Whether a kept reply still reads as an answer; one that does not is asked again. */
  readonly isUsable: (line: string, request: NewRequest) => Promise<boolean>;
}

/** The plan's blocks, in which the requests that the cache answers hold the reply it kept. */
export async function* recall(
  blocks: AsyncIterable<PlannedBlock>,
  { find, isUsable }: RecallInput,
): AsyncGenerator<PlannedBlock> {
  for await (const block of blocks) {
    const requests: NewRequest[] = [];
    for (const request of block.requests) {
      const kept = find(request.id);
      const isKept = kept !== null && (await isUsable(kept, request));
      requests.push(isKept ? { ...request, kept } : request);
    }
    yield { ...block, requests };
  }
}
