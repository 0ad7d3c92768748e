/** The tables of PostgreSQL, in versions; each is made from the one before. */

import { StoreError } from "../core/errors.ts";
import type { Database } from "./postgres-client.ts";

// Times are epoch milliseconds of the database's own clock. JSON is kept as text: a provider's words may
// hold a NUL, which text escaped by JSON can carry and `jsonb` cannot.
const VERSIONS: readonly string[] = [
  `
create table batchframe.dataset (
  id text primary key, identity text not null, spec text not null, data text not null,
  output text not null, created_at_ms bigint not null,
  cap_usd double precision, max_failures text, cancel_requested_at_ms bigint, finished_at_ms bigint
);
create table batchframe.part (
  dataset text not null references batchframe.dataset (id) on delete cascade,
  number integer not null, run text not null unique,
  place text not null, input text not null, input_version text not null, output text not null,
  -- How many of its rows are asked; null for all of them.
  row_limit bigint,
  frame text, state text not null default 'open' check (state in ('open','done','failed')),
  written text, receipt text, error text, retry text, troubles integer not null default 0,
  next_at_ms bigint not null default 0, ticked_at_ms bigint not null default 0,
  primary key (dataset, number)
);
-- When parts were last looked through for ticks that were lost; by whichever worker came first.
create table batchframe.sweep (one boolean primary key check (one), at_ms bigint not null);
insert into batchframe.sweep values (true, 0);
create index part_due on batchframe.part (next_at_ms) where state = 'open';
create table batchframe.account (
  id text primary key, learnt text, max_batches integer, max_tokens bigint,
  requests_a_minute integer, tokens_a_minute bigint, free_at_ms bigint not null default 0
);
create table batchframe.run (
  id text primary key, token text not null unique, spec text not null, identity text not null,
  account text not null references batchframe.account (id),
  created_at_ms bigint not null, cut_rows integer not null default 0, plan text, finished_at_ms bigint, deadline text,
  cap_usd double precision,
  -- What its collected chunks cost, null while nobody could tell, and by how much the dearest has passed its estimate.
  spent_usd double precision, overrun double precision not null default 1,
  owner text, fence bigint not null default 0, lease_until_ms bigint not null default 0
);
create table batchframe.planned_rows (
  run text not null references batchframe.run (id) on delete cascade,
  first_row integer not null, requests bytea not null, primary key (run, first_row)
);
create table batchframe.request_ids (
  run text not null references batchframe.run (id) on delete cascade,
  first_ordinal integer not null, ids bytea not null, primary key (run, first_ordinal)
);
create table batchframe.chunk (
  run text not null references batchframe.run (id) on delete cascade,
  number integer not null, account text not null,
  state text not null check (state in ('planned','submitting','submitted','ended','collected')),
  ordinals bytea not null, request_count integer not null,
  origin text not null default 'plan' check (origin in ('plan','resend','again','retry','cache')),
  lane text not null check (lane in ('batch','realtime')),
  attempt integer not null default 1, resends integer not null default 0, bytes bigint,
  estimate text, tokens bigint,
  -- The most it is expected to cost, while it is sent and not collected.
  most_usd double precision,
  intent_id text, intent_at_ms bigint, staged text,
  batch_id text, submitted_at_ms bigint, look text, ending text, collection text,
  reply_ordinals bytea, reply_offsets bytea, reply_lengths bytea,
  primary key (run, number)
);
create unique index chunk_batch on batchframe.chunk (account, batch_id) where batch_id is not null;
create index chunk_in_flight on batchframe.chunk (account) include (bytes, tokens)
  where state in ('submitting','submitted');
create index chunk_reserved on batchframe.chunk (run) include (most_usd) where most_usd is not null;
-- One row per intent, never deleted while its run is there: what was promised, and how it ended.
create table batchframe.submission (
  intent_id text primary key,
  run text not null references batchframe.run (id) on delete cascade,
  chunk integer not null, account text not null, is_sole boolean not null,
  fence bigint not null, at_ms bigint not null,
  outcome text not null default 'unknown' check (outcome in ('unknown','accepted','adopted','withdrawn')),
  batch_id text, note text
);
create index submission_run on batchframe.submission (run, chunk);
-- Where batches carry no tag, two unresolved ones of an account could not be told apart.
create unique index sole_intent on batchframe.submission (account)
  where outcome = 'unknown' and is_sole;
create table batchframe.failure (
  run text not null references batchframe.run (id) on delete cascade,
  ordinal bigint not null, code text not null, message text not null, retryable boolean not null,
  primary key (run, ordinal)
);
-- Answers that any part has bought, some dozens in a row, and where each is; they outlive their runs.
create table batchframe.reply_pack (
  number bigint generated always as identity primary key,
  provider text not null, model text not null, reading text, saved_at_ms bigint not null,
  ends bytea not null, lines bytea not null
);
create table batchframe.reply (
  id bytea primary key, pack bigint not null references batchframe.reply_pack (number), place integer not null
);
create index reply_of_pack on batchframe.reply (pack);
-- Objects are never changed: what a file's name means is decided here, in one place.
create table batchframe.file (
  run text not null references batchframe.run (id) on delete cascade,
  name text not null, key text not null, bytes bigint not null, primary key (run, name)
);
`,
];

/** The version of the tables that this code reads and writes. */
export const STATE_VERSION = VERSIONS.length;

// Any number, as long as it is always the same: who holds it migrates, the others wait.
const MIGRATION_LOCK = 7_226_384_019;

/**
 * Brings the tables up to date; gives the version they had before. May be called by any number of
 * processes at once, and again at any time.
 *
 * @throws {StoreError} `store_version` where a newer batchframe has been; `state_refused`, `state_unreachable`.
 */
export async function migratePostgres(database: Database): Promise<number> {
  return await database.transaction(async (connection) => {
    await connection.rows("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await connection.change("create schema if not exists batchframe");
    await connection.change(
      "create table if not exists batchframe.migration (version integer primary key, at timestamptz not null default now())",
    );
    const [row] = await connection.rows("select max(version) as version from batchframe.migration");
    const version = Number(row?.["version"] ?? 0);
    if (version > STATE_VERSION)
      throw new StoreError(
        "store_version",
        `${database.name} was written by a newer batchframe (version ${String(version)} of its tables; this one knows ${String(STATE_VERSION)}).`,
        { hint: "Update batchframe: npm install batchframe@latest" },
      );
    for (const [at, statements] of VERSIONS.entries()) {
      if (at < version) continue;
      await connection.change(statements);
      await connection.change("insert into batchframe.migration (version) values ($1)", [at + 1]);
    }
    return version;
  });
}
