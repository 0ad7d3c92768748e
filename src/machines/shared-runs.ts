/** Runs that many machines share, looked at and steered from anywhere. */

import type { MaxFailures } from "../core/failure-limit.ts";
import type { Json } from "../core/hash.ts";
import { InputError, StoreError } from "../core/errors.ts";
import { didYouMean } from "../core/suggest.ts";
import { readSpec } from "../session/run-spec.ts";
import {
  cancelDataset,
  deleteDataset,
  readDataset,
  readDatasets,
  retryDataset,
  type Dataset,
} from "../store/postgres-datasets.ts";
import { noteTicks } from "../store/postgres-parts.ts";
import { datasetSums, partReceipts, type DatasetSums } from "../store/postgres-progress.ts";
import type { Database } from "../store/postgres-client.ts";
import { capDataset } from "../store/postgres-purse.ts";
import { openPlace } from "./places.ts";
import type { SharedState } from "./shared-state.ts";

/** A shared run as it stands. */
export interface SharedRun {
  readonly id: string;
  /** `provider/model`. */
  readonly model: string;
  readonly host: string;
  readonly column: string;
  /** The place of the output's parts. */
  readonly output: string;
  /** The most that may be spent on it, in US dollars; null for any amount. */
  readonly capUsd: number | null;
  /** How many requests may fail; null where nobody said so. */
  readonly maxFailures: MaxFailures | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
  readonly isCancelled: boolean;
  readonly sums: DatasetSums;
}

/** The shared runs, the newest first. */
export async function listSharedRuns(database: Database): Promise<readonly SharedRun[]> {
  const runs: SharedRun[] = [];
  for (const dataset of await readDatasets(database)) runs.push(await shown(dataset, database));
  return runs;
}

/**
 * The run a word stands for: its id, the beginning of one and only one id, or `latest`.
 *
 * @throws {InputError} `run_unknown` or `run_ambiguous`, with the ids it may have meant.
 */
export async function findSharedRun(ref: string, database: Database): Promise<SharedRun> {
  const datasets = await readDatasets(database);
  const exact = ref === "latest" ? datasets[0] : datasets.find(({ id }) => id === ref);
  if (exact !== undefined) return await shown(exact, database);
  const begun = datasets.filter(({ id }) => id.startsWith(ref));
  if (begun.length === 1 && begun[0] !== undefined) return await shown(begun[0], database);
  const ids = (begun.length > 1 ? begun : datasets).map(({ id }) => id);
  if (begun.length > 1)
    throw new InputError(
      "run_ambiguous",
      `${JSON.stringify(ref)} is the beginning of several runs.`,
      { hint: `One of: ${ids.join(", ")}.` },
    );
  throw new InputError(
    "run_unknown",
    `There is no run ${JSON.stringify(ref)} in ${database.name}.`,
    {
      hint: ids.length === 0 ? "There are no runs there at all." : didYouMean(ref, ids),
    },
  );
}

async function shown(dataset: Dataset, database: Database): Promise<SharedRun> {
  const run = (dataset.spec as { readonly run: Json }).run;
  const { provider, model, host, column } = readSpec({ spec: run });
  return {
    id: dataset.id,
    model: `${provider}/${model}`,
    host,
    column,
    output: dataset.output,
    capUsd: dataset.capUsd,
    maxFailures: dataset.maxFailures,
    createdAt: new Date(dataset.createdAtMs),
    finishedAt: dataset.finishedAtMs === null ? null : new Date(dataset.finishedAtMs),
    isCancelled: dataset.cancelRequestedAtMs !== null,
    sums: await datasetSums(database, dataset.id),
  };
}

/** Asks workers to stop a run's remote work and to keep every answer that came; gives how many parts are to do it. */
export async function cancelSharedRun(id: string, state: SharedState): Promise<number> {
  return await wake(await cancelDataset(state.database, id), state);
}

/**
 * Asks failed rows again, those with these codes or all of them, and lets parts go on that could not, or
 * that the budget has stopped; gives how many parts are to do it. Pays for what is asked, up to `capUsd`
 * for the whole run where it is given.
 */
export async function retrySharedRun(
  id: string,
  { codes, capUsd }: { readonly codes: readonly string[] | "all"; readonly capUsd?: number },
  state: SharedState,
): Promise<number> {
  const runs = await state.database.transaction(async (connection) => {
    if (capUsd !== undefined) await capDataset(connection, id, capUsd);
    return await retryDataset(connection, id, codes);
  });
  return await wake(runs, state);
}

/**
 * Removes all that is recorded of a run, and the files that workers handed to each other for it. Its
 * output stays. Cancels nothing at the provider.
 *
 * @throws {StoreError} `run_under_way` while a part is open, unless forced; nothing was removed.
 */
export async function removeSharedRun(
  { id, sums }: SharedRun,
  { force }: { readonly force: boolean },
  { database }: Pick<SharedState, "database">,
): Promise<void> {
  if (sums.parts.open > 0 && !force)
    throw new StoreError(
      "run_under_way",
      `Run ${id} has ${String(sums.parts.open)} open parts, so it was not removed: answers under way would be paid for and lost.`,
      { hint: `Cancel it first: batchframe cancel ${id} --state. Or add --force.` },
    );
  const { data } = await readDataset(database, id);
  await database.transaction((connection) => deleteDataset(connection, id));
  const place = openPlace(data);
  try {
    // What is below the run's output folder belongs to whoever asked for it.
    for (const folder of ["chunks", "input"]) {
      const found = await place.list(`${id}/${folder}/`);
      await place.remove(found.map(({ key }) => key));
    }
  } finally {
    await place[Symbol.asyncDispose]();
  }
}

async function wake(runs: readonly string[], { database, ticks }: SharedState): Promise<number> {
  await noteTicks(database, runs, 0);
  await ticks.send(runs, 0);
  return runs.length;
}

/** The receipts of the parts that are done, in their order. */
export function sharedReceipts(
  id: string,
  database: Database,
): AsyncGenerator<{ readonly part: number; readonly output: string; readonly receipt: Json }> {
  return partReceipts(database, id);
}
