/** The budget of a shared run: one purse for all its parts, whichever workers drive them. */

import { chunkUsd, mostUsd } from "../core/budget.ts";
import type { Chunk, Ending } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import type { Price } from "../core/price.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import type { DatabaseRow, Queryable } from "./postgres-client.ts";
import { jsonOf, numberOrNull, text } from "./sqlite-values.ts";
import type { CollectedChunk } from "./store.ts";

/** What the chunks of a part are paid from, and at which price. */
export interface PartPurse {
  readonly dataset: string;
  readonly price: Price;
}

/** Where the money of a dataset stands, in US dollars. */
export interface DatasetBooks {
  /** The most that may be spent; null for any amount. */
  readonly capUsd: number | null;
  /** For what was collected; null where nothing was whose price is known. */
  readonly spentUsd: number | null;
  /** For what was sent and is not collected, at the most it is expected to cost, by all parts but `own`. */
  readonly reservedUsd: number;
  /** The same by the part that asks. */
  readonly ownReservedUsd: number;
  /** By how much the dearest chunk has passed its estimate: 1 where none has. */
  readonly overrun: number;
}

/** Where the money of a dataset stands; what the run `own` has set aside is told apart. */
export async function readBooks(
  connection: Queryable,
  dataset: string,
  own: string,
): Promise<DatasetBooks> {
  const [row] = await connection.rows(
    `select cap_usd, spent, overrun, others, mine from batchframe.dataset d,
       lateral (select sum(r.spent_usd) as spent, coalesce(max(r.overrun), 1) as overrun
         from batchframe.part p join batchframe.run r on r.id = p.run where p.dataset = d.id) r,
       lateral (select coalesce(sum(c.most_usd) filter (where c.run <> $2), 0) as others,
           coalesce(sum(c.most_usd) filter (where c.run = $2), 0) as mine
         from batchframe.part p join batchframe.chunk c on c.run = p.run
         where p.dataset = d.id and c.most_usd is not null) c
     where d.id = $1`,
    [dataset, own],
  );
  const overrun = Number(row?.["overrun"] ?? 1);
  return {
    capUsd: numberOrNull(row?.["cap_usd"]),
    spentUsd: numberOrNull(row?.["spent"]),
    reservedUsd: Number(row?.["others"] ?? 0) * overrun,
    ownReservedUsd: Number(row?.["mine"] ?? 0) * overrun,
    overrun,
  };
}

/** What is neither spent nor set aside. */
export function roomIn({ capUsd, spentUsd, reservedUsd, ownReservedUsd }: DatasetBooks): number {
  return (capUsd ?? Number.POSITIVE_INFINITY) - (spentUsd ?? 0) - reservedUsd - ownReservedUsd;
}

/** Sets the most that may be spent on a dataset from now on; gives whether that is more than before. */
export async function capDataset(
  connection: Queryable,
  dataset: string,
  capUsd: number,
): Promise<boolean> {
  const [before] = await connection.rows(
    "select cap_usd from batchframe.dataset where id = $1 for update",
    [dataset],
  );
  await connection.change("update batchframe.dataset set cap_usd = $2 where id = $1", [
    dataset,
    capUsd,
  ]);
  return capUsd > (numberOrNull(before?.["cap_usd"]) ?? Number.POSITIVE_INFINITY);
}

// Sums of fractions of cents differ in their last digits by the order they are added in.
const DUST_USD = 1e-9;

/**
 * What is to be set aside for a chunk that is about to be sent; null when there is no room for it. Part
 * of the caller's transaction, in which the dataset stays locked where it has a cap, so that no two
 * workers are both given the last dollar.
 */
export async function affordable(
  connection: Queryable,
  { dataset, price }: PartPurse,
  { run, chunk }: { readonly run: string; readonly chunk: number },
): Promise<number | null> {
  const [row] = await connection.rows(
    "select estimate, lane from batchframe.chunk where run = $1 and number = $2",
    [run, chunk],
  );
  const most = mostUsd(moneyOf(row), price);
  await connection.rows(
    "select 1 from batchframe.dataset where id = $1 and cap_usd is not null for update",
    [dataset],
  );
  const books = await readBooks(connection, dataset, run);
  const isOver = books.capUsd !== null && most * books.overrun > roomIn(books) + DUST_USD;
  return isOver ? null : most;
}

/** Notes what a chunk has cost in place of what was set aside for it; part of the transaction that collects it. */
export async function spend(
  connection: Queryable,
  { price }: PartPurse,
  { run, chunk }: { readonly run: string; readonly chunk: number },
  { collection }: Pick<CollectedChunk, "collection">,
): Promise<void> {
  const [row] = await connection.rows(
    "select estimate, lane, ending from batchframe.chunk where run = $1 and number = $2",
    [run, chunk],
  );
  const collected = { ...moneyOf(row), collection };
  const usd = chunkUsd(collected, price);
  const most = collected.estimate === null ? 0 : mostUsd(collected, price);
  await connection.change(
    `update batchframe.run set spent_usd = coalesce(spent_usd, 0) + $2, overrun = greatest(overrun, $3)
     where id = $1`,
    [run, usd, most === 0 ? 1 : usd / most],
  );
}

type ChunkMoney = Pick<Chunk, "estimate" | "lane" | "ending">;

function moneyOf(row: DatabaseRow | undefined): ChunkMoney {
  return {
    estimate: jsonOf(row?.["estimate"]) as TokenEstimate | null,
    lane: text(row?.["lane"]) as Lane,
    ending: jsonOf(row?.["ending"]) as Ending | null,
  };
}
