/** How far a shared run is: sums over its parts that the database works out, and their receipts. */

import type { Json } from "../core/hash.ts";
import type { Queryable } from "./postgres-client.ts";
import type { PartState } from "./postgres-parts.ts";
import { jsonOf, numberOrNull, text, textOrNull } from "./sqlite-values.ts";

/** Sums over the parts of a dataset. */
export interface DatasetSums {
  readonly parts: Readonly<Record<PartState, number>>;
  /** Parts that are planned; the counts are of these. */
  readonly planned: number;
  readonly rows: number;
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  /** Requests that were left unsent for the budget. */
  readonly unsent: number;
  /** For what was collected, in US dollars; null where nobody knows. */
  readonly spentUsd: number | null;
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
  const [money] = await database.rows(
    `select (select sum(r.spent_usd) from batchframe.part p join batchframe.run r on r.id = p.run
         where p.dataset = $1) as spent,
       (select coalesce(sum(c.request_count), 0)::bigint from batchframe.part p
         join batchframe.chunk c on c.run = p.run
         where p.dataset = $1 and p.state = 'done' and c.state = 'planned') as unsent`,
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
    unsent: Number(money?.["unsent"] ?? 0),
    spentUsd: numberOrNull(money?.["spent"]),
    chunks: Object.fromEntries(chunks.map((row) => [text(row["state"]), Number(row["n"])])),
    errors: errors.map((row) => ({
      part: Number(row["number"]),
      error: jsonOf(row["error"]) as Json,
    })),
  };
}

/** How many requests of a dataset's planned parts there are, and how many have failed. */
export async function failedSoFar(
  database: Queryable,
  id: string,
): Promise<{ readonly failed: number; readonly requests: number }> {
  const [row] = await database.rows(
    `select (select count(*) from batchframe.part p join batchframe.failure f on f.run = p.run
         where p.dataset = $1) as failed,
       (select coalesce(sum((r.plan::json->>'requests')::bigint), 0)::bigint
         from batchframe.part p join batchframe.run r on r.id = p.run
         where p.dataset = $1 and r.plan is not null) as requests`,
    [id],
  );
  return { failed: Number(row?.["failed"] ?? 0), requests: Number(row?.["requests"] ?? 0) };
}

/** The run of a part, and how many rows it has; 0 before they are planned. */
export interface PartRun {
  readonly number: number;
  readonly run: string;
  readonly rows: number;
}

/** The runs of a dataset's parts, in their order, a page at a time. */
export async function* partRuns(database: Queryable, id: string): AsyncGenerator<PartRun> {
  for (let last = 0; ;) {
    const rows = await database.rows(
      `select p.number, p.run, coalesce((r.plan::json->>'rows')::bigint, 0)::bigint as rows
       from batchframe.part p left join batchframe.run r on r.id = p.run
       where p.dataset = $1 and p.number > $2 order by p.number limit 200`,
      [id, last],
    );
    for (const row of rows) {
      last = Number(row["number"]);
      yield { number: last, run: text(row["run"]), rows: Number(row["rows"]) };
    }
    if (rows.length === 0) return;
  }
}

/** The receipts of a dataset's parts that are done, in their order, a page at a time. */
export async function* partReceipts(
  database: Queryable,
  id: string,
): AsyncGenerator<{ readonly part: number; readonly output: string; readonly receipt: Json }> {
  for (let last = 0; ;) {
    const rows = await database.rows(
      `select number, written, receipt from batchframe.part
       where dataset = $1 and number > $2 and state = 'done' order by number limit 200`,
      [id, last],
    );
    for (const row of rows) {
      last = Number(row["number"]);
      yield {
        part: last,
        output: text(row["written"]),
        receipt: jsonOf(textOrNull(row["receipt"]) ?? "null") as Json,
      };
    }
    if (rows.length === 0) return;
  }
}
