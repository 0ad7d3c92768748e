/** Runs over many parts: what each is about, and what is asked of all its parts at once. */

import type { MaxFailures } from "../core/failure-limit.ts";
import type { Json } from "../core/hash.ts";
import { StoreError } from "../core/errors.ts";
import type { DatabaseRow, Queryable } from "./postgres-client.ts";
import { NOW_MS } from "./postgres-lease.ts";
import type { NewPart, PartState } from "./postgres-parts.ts";
import { jsonOf, numberOrNull, text } from "./sqlite-values.ts";

/** A run that many machines share. */
export interface Dataset {
  readonly id: string;
  /** A hash of the settings and of the names and versions of the parts. */
  readonly identity: string;
  readonly spec: Json;
  /** The places of chunk files and of the output, as addresses. */
  readonly data: string;
  readonly output: string;
  /** The most that may be spent on it, in US dollars; null for any amount. */
  readonly capUsd: number | null;
  /** How many requests of all parts may fail before nothing more is sent; null where nobody said so. */
  readonly maxFailures: MaxFailures | null;
  readonly createdAtMs: number;
  readonly cancelRequestedAtMs: number | null;
  readonly finishedAtMs: number | null;
}

/** Records a dataset with its parts, unless it is there already; gives whether it was new. */
export async function addDataset(
  connection: Queryable,
  dataset: Pick<Dataset, "id" | "identity" | "spec" | "data" | "output">,
  parts: readonly NewPart[],
): Promise<boolean> {
  const { id, identity, spec, data, output } = dataset;
  const added = await connection.change(
    `insert into batchframe.dataset (id, identity, spec, data, output, created_at_ms)
     values ($1, $2, $3, $4, $5, ${NOW_MS}) on conflict (id) do nothing`,
    [id, identity, JSON.stringify(spec), data, output],
  );
  if (added === 0) return false;
  await connection.change(
    `insert into batchframe.part (dataset, number, run, place, input, input_version, output, row_limit)
     select $1, n, run, place, input, version, output, row_limit
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
       with ordinality as p (run, place, input, version, output, row_limit, n)`,
    [
      id,
      parts.map(({ run }) => run),
      parts.map(({ place }) => place),
      parts.map(({ input }) => input),
      parts.map(({ inputVersion }) => inputVersion),
      parts.map((part) => part.output),
      parts.map(({ rowLimit }) => rowLimit),
    ],
  );
  return true;
}

/** Every dataset, the newest first. */
export async function readDatasets(database: Queryable): Promise<readonly Dataset[]> {
  const rows = await database.rows(
    "select * from batchframe.dataset order by created_at_ms desc, id",
  );
  return rows.map(datasetOf);
}

/** The dataset of this id. @throws {StoreError} `run_missing` */
export async function readDataset(database: Queryable, id: string): Promise<Dataset> {
  const [row] = await database.rows("select * from batchframe.dataset where id = $1", [id]);
  if (row !== undefined) return datasetOf(row);
  throw new StoreError("run_missing", `There is no run ${id}.`, {
    hint: "batchframe ls --state shows the runs there are.",
  });
}

function datasetOf(row: DatabaseRow): Dataset {
  return {
    id: text(row["id"]),
    identity: text(row["identity"]),
    spec: jsonOf(row["spec"]) as Json,
    data: text(row["data"]),
    output: text(row["output"]),
    capUsd: numberOrNull(row["cap_usd"]),
    maxFailures: jsonOf(row["max_failures"]) as MaxFailures | null,
    createdAtMs: Number(row["created_at_ms"]),
    cancelRequestedAtMs: numberOrNull(row["cancel_requested_at_ms"]),
    finishedAtMs: numberOrNull(row["finished_at_ms"]),
  };
}

/** Asks for the remote work of a dataset to be stopped; gives the runs of the parts that are to do it. */
export async function cancelDataset(database: Queryable, id: string): Promise<readonly string[]> {
  await database.change(
    `update batchframe.dataset set cancel_requested_at_ms = ${NOW_MS}
     where id = $1 and finished_at_ms is null`,
    [id],
  );
  return await wakeParts(database, id, { state: "open", retry: null });
}

/** Deletes all that is recorded of a dataset and of its parts' runs; whoever drives one of them loses it. */
export async function deleteDataset(connection: Queryable, id: string): Promise<void> {
  await connection.change(
    "delete from batchframe.run where id in (select run from batchframe.part where dataset = $1)",
    [id],
  );
  await connection.change("delete from batchframe.dataset where id = $1", [id]);
}

/** Sets how many requests of a dataset may fail from now on; null for no limit of its own. */
export async function limitFailures(
  connection: Queryable,
  id: string,
  maxFailures: MaxFailures | null,
): Promise<void> {
  await connection.change("update batchframe.dataset set max_failures = $2 where id = $1", [
    id,
    maxFailures === null ? null : JSON.stringify(maxFailures),
  ]);
}

/** Lets parts go on that were stopped because too much had failed. */
export async function reopenFailing(connection: Queryable, id: string): Promise<void> {
  await connection.change(
    `update batchframe.part set state = 'open', error = null, troubles = 0, next_at_ms = 0
     where dataset = $1 and state = 'failed' and error::json->>'code' = 'too_many_failures'`,
    [id],
  );
}

/** Lets parts go on that the budget has stopped; gives the runs of the parts. */
export async function reopenShort(connection: Queryable, id: string): Promise<readonly string[]> {
  const runs = await wakeParts(connection, id, { state: "done", retry: null, left: "unsent" });
  if (runs.length > 0) await unfinish(connection, id);
  return runs;
}

/**
 * Asks failed rows of a dataset again, takes back a wish to cancel, and lets parts go on that failed or
 * that the budget has stopped; gives the runs of the parts.
 */
export async function retryDataset(
  connection: Queryable,
  id: string,
  retry: readonly string[] | "all",
): Promise<readonly string[]> {
  await connection.change(
    "update batchframe.dataset set cancel_requested_at_ms = null where id = $1",
    [id],
  );
  const failed = await wakeParts(connection, id, { state: "failed", retry });
  const done = await wakeParts(connection, id, { state: "done", retry, left: "any" });
  const runs = [...failed, ...done];
  if (runs.length > 0) await unfinish(connection, id);
  return runs;
}

async function unfinish(connection: Queryable, id: string): Promise<void> {
  await connection.change("update batchframe.dataset set finished_at_ms = null where id = $1", [
    id,
  ]);
}

async function wakeParts(
  connection: Queryable,
  id: string,
  {
    state,
    retry,
    left,
  }: {
    readonly state: PartState;
    readonly retry: readonly string[] | "all" | null;
    /** What a part must have left to be woken: requests that were never sent, or those and failed ones. */
    readonly left?: "unsent" | "any";
  },
): Promise<readonly string[]> {
  const rows = await connection.rows(
    `update batchframe.part p set state = 'open', next_at_ms = 0, troubles = 0, error = null,
       retry = coalesce($3, retry)
     where dataset = $1 and state = $2
       and ($4::text is null
         or exists (select 1 from batchframe.chunk c where c.run = p.run and c.state = 'planned')
         or ($4 = 'any' and exists (select 1 from batchframe.failure f where f.run = p.run)))
     returning run`,
    [id, state, retry === null ? null : JSON.stringify(retry), left ?? null],
  );
  return rows.map((row) => text(row["run"]));
}
