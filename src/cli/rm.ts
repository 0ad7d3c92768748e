/** `batchframe rm` and `batchframe gc`: run directories that are no longer wanted. */

import { findRun, listRuns, removeRun } from "../index.ts";
import type { CleanFlags, RemoveFlags } from "./flags.ts";
import { counted } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** Runs `rm`; gives the exit code. Output files stay. */
export async function rmCommand(
  ref: string,
  flags: RemoveFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await findRun(ref, flags.runDir);
  await removeRun(run, { force: flags.force ?? false });
  terminal.say(`Removed run ${run.id}. Its output file stays.`);
  terminal.data({ schemaVersion: 1, removed: [run.id] });
  return 0;
}

/** Runs `gc`; gives the exit code. Removes finished runs only. */
export async function gcCommand(flags: CleanFlags, terminal: Terminal): Promise<number> {
  const { runs } = await listRuns(flags.runDir);
  const before = Date.now() - flags.olderThan;
  const old = runs.filter(({ finishedAt }) => finishedAt !== null && finishedAt.getTime() < before);
  const isDry = flags.dryRun ?? false;
  for (const run of old) {
    if (!isDry) await removeRun(run);
    terminal.say(`${isDry ? "would remove" : "removed"} ${run.id}`);
  }
  if (old.length === 0) terminal.say("No finished run is that old.");
  else if (isDry) terminal.say(`${counted(old.length, "run")} would be removed.`);
  terminal.data({ schemaVersion: 1, removed: isDry ? [] : old.map(({ id }) => id), dryRun: isDry });
  return 0;
}
