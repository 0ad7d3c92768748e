/** The SQLite schemas, each versioned by `user_version`. */

/** The tables of a database. */
export interface Schema {
  /** The version this code reads and writes. */
  readonly version: number;
  /** Statements that make empty tables of that version. */
  readonly statements: string;
}

/** A run's tables. */
export const RUN_SCHEMA: Schema = {
  version: 1,
  statements: `
create table run (
  id text primary key, token text not null, spec text not null, identity text not null,
  created_at_ms integer not null, cut_rows integer not null default 0, plan text, finished_at_ms integer,
  cancel_requested_at_ms integer, learnt text, deadline text, cap_usd real
) strict;
create table planned_rows (first_row integer primary key, requests blob not null) strict;
-- 16 bytes a request, some thousands in a row, so that one is found without reading all.
create table request_ids (first_ordinal integer primary key, ids blob not null) strict;
create table chunk (
  number integer primary key,
  state text not null check (state in ('planned','submitting','submitted','ended','collected')),
  request_count integer not null,
  origin text not null default 'plan' check (origin in ('plan','resend','again','retry','cache')),
  lane text not null check (lane in ('batch','realtime')),
  attempt integer not null default 1, resends integer not null default 0, bytes integer,
  estimate text,
  intent_id text, intent_at_ms integer, staged text,
  batch_id text, submitted_at_ms integer, look text, ending text, collection text,
  -- The large ones last: what stands after them is read through all of their pages.
  ordinals blob not null, reply_ordinals blob, reply_offsets blob, reply_lengths blob
) strict;
create unique index chunk_batch on chunk (batch_id) where batch_id is not null;
-- One row per intent, never deleted: what was promised, and how it ended.
create table submission (
  intent_id text primary key, chunk integer not null, at_ms integer not null,
  outcome text not null default 'unknown' check (outcome in ('unknown','accepted','adopted','withdrawn')),
  batch_id text, note text
) strict;
create table failure (
  ordinal integer primary key, code text not null, message text not null, retryable integer not null
) strict;
create table lock (
  one integer primary key check (one = 1), owner text not null, pid integer not null, host text not null,
  beat_at_ms integer not null
) strict;
`,
};

/** The tables of a cache of replies. */
export const CACHE_SCHEMA: Schema = {
  version: 6,
  // Lines stand together in the order they came, each with a line feed, as one frame of zstd that runs take over
  // whole, and their ids beside them: put into the index one pack at a time, ids, which are random, would rewrite a
  // page of others each. Numbers of packs are never used again, so that `indexed` says for good up to where the
  // index goes.
  statements: `
create table pack (
  number integer primary key autoincrement, provider text not null, model text not null,
  reading text, saved_at_ms integer not null, ids blob not null, ends blob not null, lines blob not null
) strict;
-- The first 64 bits of an id, and where its line is: the pack's number times 128, and the place in it.
create table reply (id integer primary key, place integer not null) strict;
-- Packs with a line to whose request a later one was kept: what they hold is found by the index alone.
create table outdated (pack integer primary key) strict;
create table indexed (one integer primary key check (one = 1), up_to integer not null) strict;
insert into indexed values (1, 0);
`,
};
