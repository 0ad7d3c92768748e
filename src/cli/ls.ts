/** `batchframe ls`: the runs there are. */

import { listRuns, type RunStatus } from "../index.ts";
import { printable, wrapped } from "./cells.ts";
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
  if (runs.some(differs))
    terminal.say(terminal.colours.dim(wrapped(COUNTED, terminal.wrapWidth, 0)));
  else terminal.say(`There are no runs in ${flags.runDir ?? ".batchframe"}.`);
  for (const { id, error } of unreadable)
    terminal.say(`${terminal.colours.warn("unreadable:")} ${printable(`${id}: ${error.message}`)}`);
  return 0;
}

const COUNTED =
  "answered and failed count requests: rows with one prompt share one, skipped rows have none, and votes are one each";

/** Whether a run has not as many requests as rows, so that the counts of one are not those of the other. */
function differs({ plan }: RunStatus): boolean {
  return plan !== null && plan.requests !== plan.rows;
}

const REQUESTS = { title: "requests", align: "right", whole: true, spare: true } as const;

function runsText(runs: readonly RunStatus[], width: number): string {
  const tellsRequests = runs.some(differs);
  return tableText(
    [
      { title: "run", whole: true },
      { title: "state", whole: true },
      { title: "rows", align: "right", whole: true, spare: true },
      ...(tellsRequests ? [REQUESTS] : []),
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
      ...(tellsRequests ? [run.plan === null ? "" : count(run.plan.requests)] : []),
      count(run.progress.answered),
      count(run.progress.failed),
      ago(run.createdAt),
      run.model,
      run.column,
    ]),
    width,
  );
}
