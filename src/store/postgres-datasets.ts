/** Runs over many parts: what each is about, and where each part of it stands. */

import type { Json } from "../core/hash.ts";
import { StoreError } from "../core/errors.ts";
import type { DatabaseRow, Queryable } from "./postgres-client.ts";
import { NOW_MS } from "./postgres-lease.ts";
import { jsonOf, numberOrNull, text, textOrNull } from "./sqlite-values.ts";

/** A run that many machines share. */
export interface Dataset {
  readonly id: string;
  /** A hash of the settings and of the names and versions of the parts. */
  readonly identity: string;
  readonly spec: Json;
  /** The places of chunk files and of the output, as addresses. */
  readonly data: string;
  readonly output: string;
  readonly createdAtMs: number;
  readonly cancelRequestedAtMs: number | null;
  readonly finishedAtMs: number | null;
}

/** A new part: an object to read, and the one to write. */
export interface NewPart {
  /** The id of the run over this part alone. */
  readonly run: string;
  readonly input: string;
  readonly inputVersion: string;
  readonly output: string;
}

/** `open` has work left · `done` its output is written · `failed` it cannot go on until somebody acts. */
export type PartState = "open" | "done" | "failed";

/** A part as it stands. */
export interface Part extends NewPart {
  readonly dataset: string;
  readonly number: number;
  /** What is known of its input once it was opened; null before. */
  readonly frame: Json | null;
  readonly state: PartState;
  /** Codes whose failed rows are to be asked again, `all` for any; null for none. */
  readonly retry: readonly string[] | "all" | null;
  /** Ticks in a row that ended with a passing trouble. */
  readonly troubles: number;
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
    `insert into batchframe.part (dataset, number, run, input, input_version, output)
     select $1, n, run, input, version, output
     from unnest($2::text[], $3::text[], $4::text[], $5::text[])
       with ordinality as p (run, input, version, output, n)`,
    [
      id,
      parts.map(({ run }) => run),
      parts.map(({ input }) => input),
      parts.map(({ inputVersion }) => inputVersion),
      parts.map((part) => part.output),
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
    createdAtMs: Number(row["created_at_ms"]),
    cancelRequestedAtMs: numberOrNull(row["cancel_requested_at_ms"]),
    finishedAtMs: numberOrNull(row["finished_at_ms"]),
  };
}

/** The part whose run this is; null when there is none (any more). */
export async function readPart(database: Queryable, run: string): Promise<Part | null> {
  const [row] = await database.rows("select * from batchframe.part where run = $1", [run]);
  if (row === undefined) return null;
  return {
    dataset: text(row["dataset"]),
    number: Number(row["number"]),
    run: text(row["run"]),
    input: text(row["input"]),
    inputVersion: text(row["input_version"]),
    output: text(row["output"]),
    frame: jsonOf(row["frame"]) as Json | null,
    state: text(row["state"]) as PartState,
    retry: jsonOf(row["retry"]) as Part["retry"],
    troubles: Number(row["troubles"]),
  };
}

/** Whether some worker holds the run of a part now. */
export async function isHeld(connection: Queryable, run: string): Promise<boolean> {
  const rows = await connection.rows(
    `select 1 from batchframe.run where id = $1 and lease_until_ms >= ${NOW_MS}`,
    [run],
  );
  return rows.length > 0;
}

/** What is recorded of a part from now on; what is left out stays. */
export interface PartChange {
  readonly state?: PartState;
  readonly frame?: Json;
  readonly receipt?: Json;
  readonly error?: Json | null;
  readonly retry?: null;
  readonly troubles?: number;
  /** How long nothing is to be done for it. */
  readonly restMs?: number;
}

/** Changes a part; part of the caller's transaction, which holds its run. */
export async function changePart(
  connection: Queryable,
  run: string,
  change: PartChange,
): Promise<void> {
  const { restMs, ...fields } = change;
  const names = Object.keys(fields);
  const set = names.map((name, at) => `${name} = $${String(at + 3)}`);
  await connection.change(
    `update batchframe.part set ${[...set, `next_at_ms = ${NOW_MS} + $2`].join(", ")} where run = $1`,
    [
      ...[run, Math.round(restMs ?? 0)],
      ...Object.entries(fields).map(([name, value]) => columnValue(name, value)),
    ],
  );
}

function columnValue(name: string, value: unknown): unknown {
  if (value === null || name === "state" || name === "troubles") return value;
  return JSON.stringify(value);
}

/**
 * Records the receipt of a part that is done; true when it was the last one its dataset waited for, which
 * is finished then. Part of the caller's transaction, which holds the part's run.
 */
export async function finishPart(
  connection: Queryable,
  { dataset, run }: Pick<Part, "dataset" | "run">,
  receipt: Json,
): Promise<boolean> {
  // Of two last parts that end at the same time each would see the other one open, and neither the end.
  await connection.rows("select id from batchframe.dataset where id = $1 for update", [dataset]);
  await changePart(connection, run, { state: "done", receipt, error: null, troubles: 0 });
  const finished = await connection.change(
    `update batchframe.dataset set finished_at_ms = coalesce(finished_at_ms, ${NOW_MS})
     where id = $1 and not exists
       (select 1 from batchframe.part where dataset = $1 and state <> 'done')`,
    [dataset],
  );
  return finished === 1;
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

/** Asks failed rows of a dataset again, takes back a wish to cancel, and lets failed parts go on; gives the runs of the parts. */
export async function retryDataset(
  connection: Queryable,
  id: string,
  retry: readonly string[] | "all",
): Promise<readonly string[]> {
  await connection.change(
    `update batchframe.dataset set cancel_requested_at_ms = null, finished_at_ms = null where id = $1`,
    [id],
  );
  const failed = await wakeParts(connection, id, { state: "failed", retry });
  return [...failed, ...(await wakeParts(connection, id, { state: "done", retry }))];
}

async function wakeParts(
  connection: Queryable,
  id: string,
  { state, retry }: { readonly state: PartState; readonly retry: readonly string[] | "all" | null },
): Promise<readonly string[]> {
  const rows = await connection.rows(
    `update batchframe.part p set state = 'open', next_at_ms = 0, troubles = 0, error = null,
       retry = coalesce($3, retry)
     where dataset = $1 and state = $2
       and (state <> 'done' or exists (select 1 from batchframe.failure f where f.run = p.run))
     returning run`,
    [id, state, retry === null ? null : JSON.stringify(retry)],
  );
  return rows.map((row) => text(row["run"]));
}

/** When a sweep finds a part neglected. */
export interface SweepRule {
  /** No sooner than this after the last sweep by whatever worker. */
  readonly everyMs: number;
  /** Parts that were sent a tick more recently than this are left alone, unless their worker died. */
  readonly patienceMs: number;
  /** The same where the worker that held the part fell silent. */
  readonly leaseMs: number;
}

const MOST_SWEPT = 500;

/**
 * The runs of parts that something should be done for and nobody does: their worker died, or their tick
 * was lost. Each is noted as sent a tick now. None while the last sweep was a moment ago.
 */
export async function sweepParts(
  database: Queryable,
  { everyMs, patienceMs, leaseMs }: SweepRule,
): Promise<readonly string[]> {
  const mine = await database.change(
    `update batchframe.sweep set at_ms = ${NOW_MS} where at_ms < ${NOW_MS} - $1`,
    [everyMs],
  );
  if (mine === 0) return [];
  const rows = await database.rows(
    `update batchframe.part set ticked_at_ms = ${NOW_MS} where run in (
       select p.run from batchframe.part p left join batchframe.run r on r.id = p.run
       where p.state = 'open' and p.next_at_ms <= ${NOW_MS}
         and coalesce(r.lease_until_ms, 0) < ${NOW_MS}
         and p.ticked_at_ms < ${NOW_MS} - case when r.owner is null then $1::bigint else $2::bigint end
       order by p.next_at_ms limit ${String(MOST_SWEPT)})
     returning run`,
    [patienceMs, leaseMs],
  );
  return rows.map((row) => text(row["run"]));
}

/** Notes that ticks are on their way for these runs. */
export async function noteTicks(
  database: Queryable,
  runs: readonly string[],
  waitMs: number,
): Promise<void> {
  await database.change(
    `update batchframe.part set ticked_at_ms = ${NOW_MS} + $2 where run = any($1::text[])`,
    [runs, Math.round(waitMs)],
  );
}

/** The runs of all parts of a dataset that have work left. */
export async function openParts(database: Queryable, id: string): Promise<readonly string[]> {
  const rows = await database.rows(
    "select run from batchframe.part where dataset = $1 and state = 'open' order by number",
    [id],
  );
  return rows.map((row) => text(row["run"]));
}

/** Sums over the parts of a dataset. */
export interface DatasetSums {
  readonly parts: Readonly<Record<PartState, number>>;
  /** Parts that are planned; the counts are of these. */
  readonly planned: number;
  readonly rows: number;
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  readonly chunks: Readonly<Record<string, number>>;
  /** Why parts cannot go on, the first few. */
  readonly errors: readonly { readonly part: number; readonly error: Json }[];
}

/** How far a dataset is, by sums that the database works out. */
export async function datasetSums(database: Queryable, id: string): Promise<DatasetSums> {
  const states = await database.rows(
    "select state, count(*) as n from batchframe.part where dataset = $1 group by state",
    [id],
  );
  const plans = await database.rows(
    `select count(*) as planned, coalesce(sum((r.plan::json->>'rows')::bigint), 0)::bigint as rows,
       coalesce(sum((r.plan::json->>'requests')::bigint), 0)::bigint as requests
     from batchframe.part p join batchframe.run r on r.id = p.run
     where p.dataset = $1 and r.plan is not null`,
    [id],
  );
  const chunks = await database.rows(
    `select c.state, count(*) as n,
       coalesce(sum((c.collection::json->>'succeeded')::bigint), 0)::bigint as answered,
       coalesce(sum((c.collection::json->>'failed')::bigint), 0)::bigint
         - coalesce(sum(c.request_count) filter (where c.origin = 'retry'), 0)::bigint as failed
     from batchframe.part p join batchframe.chunk c on c.run = p.run
     where p.dataset = $1 group by c.state`,
    [id],
  );
  const errors = await database.rows(
    `select number, error from batchframe.part
     where dataset = $1 and error is not null order by number limit 5`,
    [id],
  );
  const sum = (name: string): number => chunks.reduce((total, row) => total + Number(row[name]), 0);
  const count = (state: PartState): number =>
    Number(states.find((row) => row["state"] === state)?.["n"] ?? 0);
  return {
    parts: { open: count("open"), done: count("done"), failed: count("failed") },
    planned: Number(plans[0]?.["planned"] ?? 0),
    rows: Number(plans[0]?.["rows"] ?? 0),
    requests: Number(plans[0]?.["requests"] ?? 0),
    answered: sum("answered"),
    failed: sum("failed"),
    chunks: Object.fromEntries(chunks.map((row) => [text(row["state"]), Number(row["n"])])),
    errors: errors.map((row) => ({
      part: Number(row["number"]),
      error: jsonOf(row["error"]) as Json,
    })),
  };
}

/** The receipts of a dataset's parts that are done, in their order, a page at a time. */
export async function* partReceipts(
  database: Queryable,
  id: string,
): AsyncGenerator<{ readonly part: number; readonly output: string; readonly receipt: Json }> {
  for (let last = 0; ;) {
    const rows = await database.rows(
      `select number, output, receipt from batchframe.part
       where dataset = $1 and number > $2 and state = 'done' order by number limit 200`,
      [id, last],
    );
    for (const row of rows) {
      last = Number(row["number"]);
      yield {
        part: last,
        output: text(row["output"]),
        receipt: jsonOf(textOrNull(row["receipt"]) ?? "null") as Json,
      };
    }
    if (rows.length === 0) return;
  }
}
