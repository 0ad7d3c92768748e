/** `batchframe batches wait`: stays until a batch has ended. */

import { endedCode, stateData, stateText, withBatches, type BatchFlags } from "./batches-open.ts";
import { span } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `batches wait`. */
export interface BatchWaitFlags extends BatchFlags {
  /** Time between looks, in milliseconds. */
  readonly poll?: number;
}

/** Runs the command; gives 0 for a batch that completed, 3 for one that ended otherwise. */
export async function batchesWaitCommand(
  batchId: string,
  flags: BatchWaitFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal, commandLine }) => {
    const startedMs = performance.now();
    let told = "";
    const ended = await batches.wait(batchId, {
      signal,
      ...(flags.poll === undefined ? {} : { pollEveryMs: flags.poll }),
      onStatus: (state) => {
        const waited = span(performance.now() - startedMs);
        if (terminal.isLive) terminal.draw(`${batchId}  ${stateText(state)}  ${waited}`);
        else if (state.phase !== told && state.phase !== "ended")
          terminal.say(`${batchId}  ${stateText(state)}`);
        told = state.phase;
      },
    });
    terminal.erase();
    terminal.data(stateData(ended));
    terminal.say(`${batchId}  ${stateText(ended)}`);
    terminal.say(`its results  ${commandLine("results", batchId)}`);
    return endedCode(ended);
  });
}
