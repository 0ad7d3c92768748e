/** `failures`, `show`, `export` and `rm` for runs that many machines share. */

import {
  exportSharedRun,
  findSharedRun,
  InputError,
  removeSharedRun,
  sharedFailures,
  traceSharedRow,
  writeSharedFailures,
  type SharedRun,
} from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExportFlags } from "./export.ts";
import { tellFailures, type FailuresFlags } from "./failures.ts";
import type { RemoveFlags } from "./flags.ts";
import { count, counted } from "./format.ts";
import { onInterrupt } from "./interrupt.ts";
import { sharedStatus, withState } from "./shared-runs.ts";
import { rowOfNumber } from "./row-meant.ts";
import { tellTraces, type ShowFlags } from "./show.ts";
import type { Terminal } from "./terminal.ts";
import type { StateFlags } from "./worker.ts";

/** Tells the failed rows of a shared run, counted over all its parts; gives the exit code. */
export async function sharedFailuresCommand(
  ref: string,
  flags: FailuresFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async ({ database }) => {
    const run = await findSharedRun(ref, database);
    const { id } = run;
    const { output } = flags;
    if (output === undefined) {
      const retry = `batchframe retry ${id} --state`;
      await tellFailures(sharedFailures(id, database), { id, retry, terminal });
    } else {
      const rows = await writeSharedFailures(id, output, database);
      terminal.data({ schemaVersion: 1, run: id, rows, output });
      terminal.say(`${counted(rows, "failed row")} written to ${output}`);
    }
    tellUnplanned(run, terminal);
    return EXIT.ok;
  });
}

/** Shows a row of a shared run, or the run; gives 0 whatever became of the row. */
export async function sharedShow(
  ref: string,
  flags: ShowFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  const { row: word } = flags;
  if (word === undefined) return await sharedStatus(ref, flags, terminal);
  const row = rowOfNumber(word);
  if (row === null)
    throw new InputError(
      "row_unknown",
      `${JSON.stringify(word)} is no row's number, and the rows of a shared run are found by nothing else: their cells are in its parts.`,
      { hint: "Give its number, counted from 1 over all parts in their order." },
    );
  return await withState(flags, async ({ database }) => {
    const run = await findSharedRun(ref, database);
    tellTraces([await traceSharedRow(run, row, database)], terminal);
    tellUnplanned(run, terminal);
    return EXIT.ok;
  });
}

/** Says that rows may get other numbers, where parts are not planned whose rows nobody has counted. */
function tellUnplanned({ sums }: SharedRun, terminal: Terminal): void {
  const unplanned = sums.parts.open + sums.parts.done + sums.parts.failed - sums.planned;
  if (unplanned > 0)
    terminal.say(
      `${terminal.colours.warn("note:")} ${counted(unplanned, "part is", "parts are")} not planned yet, and the rows of later parts are numbered without theirs.`,
    );
}

/** Puts the parts of a shared run into one file; gives 0, 3 where rows have failed, 5 where the budget left some out. */
export async function sharedExport(
  ref: string,
  flags: ExportFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async ({ database }) => {
    const { id, sums } = await findSharedRun(ref, database);
    const stop = new AbortController();
    // Parts that were sent stay with the storage, and cost, until somebody takes them back.
    const forget = flags.output.startsWith("s3://")
      ? onInterrupt(() => {
          stop.abort();
        })
      : () => undefined;
    const { signal } = stop;
    const exported = await exportSharedRun(id, flags.output, { database, signal })
      .catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      })
      .finally(forget);
    if (exported === null) {
      terminal.say(`Interrupted; nothing was left at ${flags.output}.`);
      return EXIT.interrupted;
    }
    const { parts, rows } = exported;
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
