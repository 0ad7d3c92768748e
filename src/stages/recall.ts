/** recall: requests that were answered before, by whatever run, get those answers and are not sent. */

import { isKept, withoutLines, type KeptLines } from "../core/kept-lines.ts";
import { identitiesOf } from "../core/packing.ts";
import type { NewRequest, PlannedBlock } from "../core/plan.ts";

/** What recalling needs to know. */
export interface RecallInput {
  /** The replies kept for requests, whose identities are given one after another. */
  readonly find: (ids: Uint8Array) => KeptLines | Promise<KeptLines>;
  /** Whether the reply kept for a request, at its place among those found, still reads as an answer; one that does not is asked again. */
  readonly isUsable: (
    found: KeptLines,
    at: number,
    request: NewRequest,
  ) => boolean | Promise<boolean>;
}

/** The plan's blocks, with the replies that the cache kept for their requests. */
export async function* recall(
  blocks: AsyncIterable<PlannedBlock>,
  { find, isUsable }: RecallInput,
): AsyncGenerator<PlannedBlock> {
  for await (const block of blocks) {
    const found = await find(identitiesOf(block.requests));
    const refused = new Set<number>();
    for (const [at, request] of block.requests.entries()) {
      if (!isKept(found, at)) continue;
      const usable = isUsable(found, at, request);
      // Most are told at once; to wait for each would take as long as finding it.
      if (!(usable instanceof Promise ? await usable : usable)) refused.add(at);
    }
    yield { ...block, kept: refused.size === 0 ? found : withoutLines(found, refused) };
  }
}
