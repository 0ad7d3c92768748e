/** `batchframe batches submit`: a request file becomes a batch. */

import { withBatches, type BatchFlags } from "./batches-open.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0. Prints the batch's id on standard output. */
export async function batchesSubmitCommand(
  file: string,
  flags: BatchFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal, commandLine }) => {
    const batchId = await batches.submit(file, { signal });
    if (terminal.json) terminal.data({ schemaVersion: 1, batch: batchId });
    else terminal.print(batchId);
    terminal.say(`Submitted to ${batches.host}, which charges for it from here on.`);
    terminal.say(`wait for it  ${commandLine("wait", batchId)}`);
    terminal.say(`its results  ${commandLine("results", batchId)}`);
    return 0;
  });
}
