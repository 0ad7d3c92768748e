/** `batchframe batches results`: what an ended batch was answered. */

import { InputError, resultLine } from "../index.ts";
import { withBatches, type BatchFlags, type BatchWork } from "./batches-open.ts";
import { EXIT } from "./exit-codes.ts";
import { counted } from "./format.ts";
import { shortPath } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `batches results`. */
export interface BatchResultsFlags extends BatchFlags {
  readonly output?: string;
  /** The provider's own reply lines instead of results. */
  readonly raw?: boolean;
}

/**
 * Runs the command; gives 0, 3 when some requests have no answer, 75 when the batch has not ended.
 *
 * Prints one JSON object a line on standard output, or into a file with `--output`.
 */
export async function batchesResultsCommand(
  batchId: string,
  flags: BatchResultsFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async (work) => {
    try {
      const isWhole = await (flags.output === undefined ? print : save)(batchId, flags, {
        ...work,
        terminal,
      });
      return isWhole ? EXIT.ok : EXIT.failedRows;
    } catch (error) {
      if (!(error instanceof InputError) || error.code !== "batch_not_ended") throw error;
      terminal.insist(`${error.message}\n  ${work.commandLine("wait", batchId)}`);
      return EXIT.pending;
    }
  });
}

type Printing = BatchWork & { readonly terminal: Terminal };

/** Prints the results; tells whether every one is an answer. */
async function print(
  batchId: string,
  { raw = false }: BatchResultsFlags,
  { batches, signal, terminal }: Printing,
): Promise<boolean> {
  let isWhole = true;
  if (raw)
    for await (const text of batches.replies(batchId, { signal })) {
      terminal.print(text);
      for await (const { status } of batches.parse({ text })) isWhole &&= status === "succeeded";
    }
  else
    for await (const result of batches.results(batchId, { signal })) {
      terminal.print(resultLine(result));
      isWhole &&= result.status === "succeeded";
    }
  return isWhole;
}

/** Writes the results to a file; tells whether every one is an answer. */
async function save(
  batchId: string,
  { output = "", raw = false }: BatchResultsFlags,
  { batches, signal, terminal }: Printing,
): Promise<boolean> {
  const as = raw ? "replies" : "results";
  const saved = await batches.download(batchId, output, { signal, as });
  const { replyCount, succeededCount, path } = saved;
  terminal.data({ schemaVersion: 1, batch: batchId, ...saved });
  terminal.say(
    `wrote ${shortPath(path)}: ${counted(replyCount, "reply", "replies")}, ${String(replyCount - succeededCount)} without an answer`,
  );
  return succeededCount === replyCount;
}
