/** `batchframe batches cancel`: asks the provider to stop a batch. */

import { withBatches, type BatchFlags } from "./batches-open.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0 once the provider has been asked, though the batch may take a while to end. */
export async function batchesCancelCommand(
  batchId: string,
  flags: BatchFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal, commandLine }) => {
    await batches.cancel(batchId, { signal });
    terminal.data({ schemaVersion: 1, batch: batchId, status: "cancelling" });
    terminal.say(`${batchId} is being cancelled. What it has worked on is charged, and kept.`);
    terminal.say(`wait for its end  ${commandLine("wait", batchId)}`);
    return 0;
  });
}
