/** `failures`, `export` and `rm` for runs that many machines share. */

import {
  exportSharedRun,
  findSharedRun,
  InputError,
  removeSharedRun,
  sharedFailures,
} from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExportFlags } from "./export.ts";
import { tellFailures, type FailuresFlags } from "./failures.ts";
import type { RemoveFlags } from "./flags.ts";
import { count, counted } from "./format.ts";
import { withState } from "./shared-runs.ts";
import type { Terminal } from "./terminal.ts";
import type { StateFlags } from "./worker.ts";

/** Tells the failed rows of a shared run, counted over all its parts; gives the exit code. */
export async function sharedFailuresCommand(
  ref: string,
  flags: FailuresFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.output !== undefined)
    throw new InputError(
      "option_unsupported",
      "--output cannot be used with --state: the cells of failed rows are in the parts. Nothing was written.",
      { hint: "Pipe the list to a file, or export the run and filter by its status column." },
    );
  return await withState(flags, async ({ database }) => {
    const { id } = await findSharedRun(ref, database);
    const retry = `batchframe retry ${id} --state`;
    await tellFailures(sharedFailures(id, database), { id, retry, terminal });
    return EXIT.ok;
  });
}

/** Puts the parts of a shared run into one file; gives 0, 3 where rows have failed, 5 where the budget left some out. */
export async function sharedExport(
  ref: string,
  flags: ExportFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async ({ database }) => {
    const { id, sums } = await findSharedRun(ref, database);
    const { parts, rows } = await exportSharedRun(id, flags.output, database);
    terminal.data({ schemaVersion: 1, run: id, output: flags.output, parts, rows });
    terminal.say(
      `${count(rows)} rows of ${counted(parts, "part", "parts")} written to ${flags.output}`,
    );
    if (sums.unsent > 0) return EXIT.budget;
    return sums.failed > 0 ? EXIT.failedRows : EXIT.ok;
  });
}

/** Removes a shared run; gives the exit code. Its output stays. */
export async function sharedRm(
  ref: string,
  flags: RemoveFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async (state) => {
    const run = await findSharedRun(ref, state.database);
    await removeSharedRun(run, { force: flags.force ?? false }, state);
    terminal.say(`Removed run ${run.id}. Its output stays: ${run.output}`);
    terminal.data({ schemaVersion: 1, removed: [run.id] });
    return EXIT.ok;
  });
}
