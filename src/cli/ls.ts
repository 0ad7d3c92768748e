/** `batchframe ls`: the runs there are. */

import { listRuns, type RunStatus } from "../index.ts";
import { printable } from "./cells.ts";
import type { LookFlags } from "./flags.ts";
import { ago, count } from "./format.ts";
import { runData, stateOf } from "./run-state.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives the exit code. */
export async function lsCommand(flags: LookFlags, terminal: Terminal): Promise<number> {
  const { runs, unreadable } = await listRuns(flags.runDir);
  terminal.data({
    schemaVersion: 1,
    runs: runs.map(runData),
    unreadable: unreadable.map(({ id, error }) => ({ run: id, error: error.message })),
  });
  if (runs.length > 0) terminal.say(runsText(runs, terminal.width));
  else terminal.say(`There are no runs in ${flags.runDir ?? ".batchframe"}.`);
  for (const { id, error } of unreadable)
    terminal.say(`${terminal.colours.warn("unreadable:")} ${printable(`${id}: ${error.message}`)}`);
  return 0;
}

function runsText(runs: readonly RunStatus[], width: number): string {
  return tableText(
    [
      { title: "run", whole: true },
      { title: "state", whole: true },
      { title: "rows", align: "right", whole: true, spare: true },
      { title: "answered", align: "right", whole: true, spare: true },
      { title: "failed", align: "right", whole: true, spare: true },
      { title: "started", whole: true, spare: true },
      { title: "model", spare: true },
      { title: "column", spare: true },
    ],
    runs.map((run) => [
      run.id,
      stateOf(run),
      run.plan === null ? "" : count(run.plan.rows),
      count(run.progress.answered),
      count(run.progress.failed),
      ago(run.createdAt),
      run.model,
      run.column,
    ]),
    width,
  );
}
