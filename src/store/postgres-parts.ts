/** The parts of a shared run: what each is, where it stands, and who is reminded of it. */

import type { Json } from "../core/hash.ts";
import type { Queryable } from "./postgres-client.ts";
import { NOW_MS } from "./postgres-lease.ts";
import { jsonOf, numberOrNull, text } from "./sqlite-values.ts";

/** A new part: an object to read, and the one to write. */
export interface NewPart {
  /** The id of the run over this part alone. */
  readonly run: string;
  /** The place that its input is in, as an address. */
  readonly place: string;
  readonly input: string;
  readonly inputVersion: string;
  /** What its output is called; each time it is written it has a name of its own that begins like this. */
  readonly output: string;
  /** How many of its rows, from the first, are asked; null for all. */
  readonly rowLimit: number | null;
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

/** The part whose run this is; null when there is none (any more). */
export async function readPart(database: Queryable, run: string): Promise<Part | null> {
  const [row] = await database.rows("select * from batchframe.part where run = $1", [run]);
  if (row === undefined) return null;
  return {
    dataset: text(row["dataset"]),
    number: Number(row["number"]),
    run: text(row["run"]),
    place: text(row["place"]),
    input: text(row["input"]),
    inputVersion: text(row["input_version"]),
    output: text(row["output"]),
    rowLimit: numberOrNull(row["row_limit"]),
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

/** The states of parts, by their runs' ids, a hyphen and their runs' tokens; those that are not known are left out. */
export async function partStates(
  database: Queryable,
  names: readonly string[],
): Promise<ReadonlyMap<string, PartState>> {
  const rows = await database.rows(
    `select p.run || '-' || r.token as name, p.state from batchframe.part p
     join batchframe.run r on r.id = p.run where p.run || '-' || r.token = any($1::text[])`,
    [names],
  );
  return new Map(rows.map((row) => [text(row["name"]), text(row["state"]) as PartState]));
}

/** What is recorded of a part from now on; what is left out stays. */
export interface PartChange {
  readonly state?: PartState;
  readonly frame?: Json;
  readonly receipt?: Json;
  /** The object that its output is. */
  readonly written?: string;
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
  if (value === null || name === "state" || name === "written" || name === "troubles") return value;
  return JSON.stringify(value);
}

/**
 * Records the receipt of a part that is done; true when it was the last one its dataset waited for, which
 * is finished then. Part of the caller's transaction, which holds the part's run.
 */
export async function finishPart(
  connection: Queryable,
  { dataset, run }: Pick<Part, "dataset" | "run">,
  done: { readonly written: string; readonly receipt: Json },
): Promise<boolean> {
  // Of two last parts that end at the same time each would see the other one open, and neither the end.
  await connection.rows("select id from batchframe.dataset where id = $1 for update", [dataset]);
  await changePart(connection, run, { state: "done", ...done, error: null, troubles: 0 });
  const finished = await connection.change(
    `update batchframe.dataset set finished_at_ms = coalesce(finished_at_ms, ${NOW_MS})
     where id = $1 and not exists
       (select 1 from batchframe.part where dataset = $1 and state <> 'done')`,
    [dataset],
  );
  return finished === 1;
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

/** How many parts a dataset has. */
export async function countParts(database: Queryable, id: string): Promise<number> {
  const [row] = await database.rows(
    "select count(*) as n from batchframe.part where dataset = $1",
    [id],
  );
  return Number(row?.["n"] ?? 0);
}

/** The runs of all parts of a dataset that have work left. */
export async function openParts(database: Queryable, id: string): Promise<readonly string[]> {
  const rows = await database.rows(
    "select run from batchframe.part where dataset = $1 and state = 'open' order by number",
    [id],
  );
  return rows.map((row) => text(row["run"]));
}
