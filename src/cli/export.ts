/** `batchframe export`: the output of a run once more, in this or another format. */

import { exportRun, findRun } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { LookFlags } from "./flags.ts";
import { hostFrom, tellReceipt } from "./follow.ts";
import { followedFacts } from "./resume.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `export`. */
export interface ExportFlags extends LookFlags {
  readonly output: string;
}

/** Runs the command; gives 0, 3 where rows have failed, 75 where some have no answer yet. */
export async function exportCommand(
  ref: string,
  flags: ExportFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  const receipt = await exportRun(status, flags.output);
  const facts = followedFacts(status, flags);
  await tellReceipt(receipt, { facts, host: hostFrom(status), wasFinished: true }, terminal);
  if ((receipt.skippedBy.pending ?? 0) > 0) return EXIT.pending;
  return receipt.rows.failed > 0 ? EXIT.failedRows : EXIT.ok;
}
