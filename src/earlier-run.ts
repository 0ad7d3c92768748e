/** The earlier run that a plan is compared with. Comparing sends nothing and changes nothing. */

import type { Compare } from "./session/against.ts";
import {
  comparedWith,
  earlierRequests,
  type EarlierInput,
  type EarlierRequests,
  type PlanAgainst,
} from "./core/against.ts";
import { dedupeIndex } from "./core/dedupe.ts";
import { InputError } from "./core/errors.ts";
import { partsOf, type RunStatus } from "./runs/run-status.ts";
import { findRun, listRuns } from "./runs/runs.ts";
import { openSqliteReader, type StoreReader } from "./store/sqlite-reader.ts";

/** The earlier run a plan is compared with: its id, the beginning of it, or `latest`; and where it is looked for. */
export interface AgainstWhich {
  readonly ref: string;
  readonly runDir: string;
}

/**
 * Compares a plan with an earlier run.
 *
 * `latest` is the newest run that has sent something or has ended.
 *
 * @throws {InputError} `run_unknown`, `run_ambiguous`, and `nothing_to_compare` for a run that asked nothing.
 */
export async function compareWith(which: AgainstWhich, compare: Compare): Promise<PlanAgainst> {
  const run = await earlierRun(which);
  const earlier: EarlierRequests[] = [];
  // Later passes ask some rows a second time; what the first asked is what a plan can say.
  const parts = run.passes.length > 0 ? run.passes.slice(0, 1) : partsOf(run);
  for (const part of parts) earlier.push(await requestsOf(part));
  return comparedWith(run.id, earlier, await compare(earlier));
}

async function earlierRun({ ref, runDir }: AgainstWhich): Promise<RunStatus> {
  const run =
    ref === "latest" ? (await listRuns(runDir)).runs.find(hasAsked) : await findRun(ref, runDir);
  if (run !== undefined && hasAsked(run)) return run;
  throw new InputError(
    "nothing_to_compare",
    run === undefined
      ? `There is no run in ${runDir} that has asked anything, so there is nothing to compare the plan with. Nothing was sent.`
      : `Run ${run.id} has asked nothing yet, so there is nothing to compare the plan with. Nothing was sent.`,
    { hint: "See what runs there are with: batchframe ls" },
  );
}

// One that is planned only, this one perhaps, has bought nothing, though a cache may have answers for it.
function hasAsked({ hasSent, finishedAt }: RunStatus): boolean {
  return hasSent || finishedAt !== null;
}

async function requestsOf({ directory, column }: RunStatus): Promise<EarlierRequests> {
  const store = openSqliteReader(directory);
  try {
    return earlierRequests({ column, ...(await readRequests(store)) });
  } finally {
    store[Symbol.dispose]();
  }
}

async function readRequests(store: StoreReader): Promise<Omit<EarlierInput, "column">> {
  const index = dedupeIndex();
  for await (const ids of store.requestIds()) index.restore(ids);
  const rowsOf = new Uint32Array(index.size);
  for await (const { requests } of store.plannedRows())
    for (const ordinal of requests) if (ordinal >= 0) rowsOf[ordinal] = (rowsOf[ordinal] ?? 0) + 1;
  // What waits to be sent was never bought.
  for (const { number, state } of await store.chunks())
    if (state === "planned")
      for (const ordinal of await store.ordinals(number)) rowsOf[ordinal] = 0;
  return { index, rowsOf };
}
