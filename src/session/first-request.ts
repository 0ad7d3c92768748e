/** Finding out whether a plan is large before all of it is read. */

import { isKept } from "../core/kept-lines.ts";
import type { PlannedBlock } from "../core/plan.ts";

// Rows that are skipped or repeated make blocks without requests; so many of them are kept at most.
const MOST_BLOCKS = 64;

/**
 * Whether blocks hold more than `most` requests that no cache answers, and the blocks to be read from the first on.
 *
 * Looks no further than it must; where the first 64,000 rows hold no more, the answer is no.
 */
export async function peekedRequests(
  blocks: AsyncIterable<PlannedBlock>,
  most: number,
): Promise<{ readonly isMore: boolean; readonly blocks: AsyncIterable<PlannedBlock> }> {
  const rest = blocks[Symbol.asyncIterator]();
  const seen: PlannedBlock[] = [];
  let requests = 0;
  while (requests <= most && seen.length < MOST_BLOCKS) {
    const next = await rest.next();
    if (next.done === true) break;
    seen.push(next.value);
    const { requests: met, kept } = next.value;
    requests += kept === undefined ? met.length : met.filter((_, at) => !isKept(kept, at)).length;
  }
  return { isMore: requests > most, blocks: readOn(seen, rest) };
}

async function* readOn(
  seen: PlannedBlock[],
  rest: AsyncIterator<PlannedBlock>,
): AsyncGenerator<PlannedBlock> {
  try {
    for (let next = seen.shift(); next !== undefined; next = seen.shift()) yield next;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}
