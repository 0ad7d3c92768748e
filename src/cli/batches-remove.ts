/** `batchframe batches remove`: deletes what a provider keeps of a batch. */

import { InputError } from "../index.ts";
import { withBatches, type BatchFlags } from "./batches-open.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs the command; gives 0.
 *
 * @throws {InputError} `batch_not_ended` for one that is still under way: its answers would be lost though they are charged.
 */
export async function batchesRemoveCommand(
  batchId: string,
  flags: BatchFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal, commandLine }) => {
    const { phase } = await batches.status(batchId, { signal });
    if (phase !== "ended")
      throw new InputError(
        "batch_not_ended",
        `Batch ${batchId} is still ${phase}; removed now, its answers would be lost though they are charged. Nothing was removed.`,
        { hint: `Stop it first: ${commandLine("cancel", batchId)}` },
      );
    await batches.remove(batchId, { signal });
    terminal.data({ schemaVersion: 1, batch: batchId, status: "removed" });
    terminal.say(
      `${batchId} and its files are removed from ${batches.host}, as far as it permits.`,
    );
    return 0;
  });
}
