/** `batchframe batches status`: one look at a batch. */

import { stateData, stateText, withBatches, type BatchFlags } from "./batches-open.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0, wherever the batch stands. */
export async function batchesStatusCommand(
  batchId: string,
  flags: BatchFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal }) => {
    const state = await batches.status(batchId, { signal });
    terminal.data(stateData(state));
    terminal.say(`${batchId}  ${stateText(state)}`);
    return 0;
  });
}
