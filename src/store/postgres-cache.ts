/** The cache of replies that all shared runs of a database have: what one part has bought no other buys again. */

import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { LinePack } from "../core/kept-lines.ts";
import type { Database } from "./postgres-client.ts";
import { NOW_MS } from "./postgres-lease.ts";
import type {
  CacheFilter,
  CacheShare,
  KeptUnder,
  ReplyBatch,
  SessionCache,
} from "./reply-cache.ts";
import { LINES_PER_PACK, packedLines, packHanding, unpackedOnce } from "./reply-packs.ts";
import { bytesOf, text, textOrNull, uint32 } from "./sqlite-values.ts";

const PACKS_HELD = 64;

/** The cache in a database, for one drive of one part. Nothing of it is lost with the process. */
export function postgresCache(database: Database): SessionCache {
  const held = new Map<number, LinePack>();
  const handOn = packHanding();
  return {
    isEmpty: async () =>
      (await database.rows("select 1 from batchframe.reply_pack limit 1")).length === 0,
    find: async (ids) => {
      const count = ids.length / REQUEST_ID_BYTES;
      const packs = new Array<LinePack | null>(count).fill(null);
      const places = new Uint32Array(count);
      if (count === 0) return { packs, places };
      const rows = await database.rows(
        `select wanted.i::integer as i, r.pack, r.place
         from unnest($1::bytea[]) with ordinality as wanted (id, i)
           join batchframe.reply r on r.id = wanted.id`,
        [eachOf(ids)],
      );
      await hold(rows.map((row) => Number(row["pack"])));
      for (const row of rows) {
        const at = Number(row["i"]) - 1;
        // Somebody may have cleared it just now.
        packs[at] = held.get(Number(row["pack"])) ?? null;
        places[at] = Number(row["place"]);
      }
      return handOn(packs, places);
    },
    put: (replies, under) => put(database, replies, under),
    index: () => undefined,
    [Symbol.dispose]: () => {
      held.clear();
    },
  };

  /** Fetches the packs that are not here, and forgets the oldest beyond what may be held. */
  async function hold(wanted: readonly number[]): Promise<void> {
    const missing = [...new Set(wanted)].filter((number) => !held.has(number));
    if (missing.length === 0) return;
    const rows = await database.rows(
      "select number, ends, lines, reading from batchframe.reply_pack where number = any($1::bigint[])",
      [missing],
    );
    // Those that were asked for now must stay, however many they are.
    for (const number of held.keys())
      if (held.size + rows.length > PACKS_HELD && !wanted.includes(number)) held.delete(number);
    for (const row of rows) {
      const ends = uint32(row["ends"]);
      const packed = row["lines"] as Uint8Array;
      held.set(Number(row["number"]), {
        packed,
        ends,
        lines: unpackedOnce(packed, ends.at(-1) ?? 0),
        reading: textOrNull(row["reading"]),
      });
    }
  }
}

/** Identities that stand one after another, one by one. */
function eachOf(ids: Uint8Array): readonly Buffer[] {
  return Array.from({ length: ids.length / REQUEST_ID_BYTES }, (_, at) =>
    Buffer.from(ids.subarray(at * REQUEST_ID_BYTES, (at + 1) * REQUEST_ID_BYTES)),
  );
}

async function put(
  database: Database,
  { ids, lines, ends }: ReplyBatch,
  { provider, model, reading }: KeptUnder,
): Promise<void> {
  for (let first = 0; first < ends.length; first += LINES_PER_PACK) {
    const last = Math.min(first + LINES_PER_PACK, ends.length);
    const start = first === 0 ? 0 : (ends[first - 1] ?? 0);
    const some = lines.subarray(start, ends[last - 1]);
    const own = ends.slice(first, last).map((end) => end - start);
    const named = eachOf(ids.subarray(first * REQUEST_ID_BYTES, last * REQUEST_ID_BYTES));
    // In the order of the ids: two who keep the same replies would wait for each other in any other.
    await database.change(
      `with pack as (
         insert into batchframe.reply_pack (provider, model, reading, saved_at_ms, ends, lines)
         values ($1, $2, $3, ${NOW_MS}, $4, $5) returning number)
       insert into batchframe.reply (id, pack, place)
       select id, number, place - 1 from pack, unnest($6::bytea[]) with ordinality as own (id, place)
       order by id
       on conflict (id) do update set pack = excluded.pack, place = excluded.place`,
      [provider, model, reading, bytesOf(own), packedLines(some), named],
    );
  }
}

/** What the cache of a database holds, model by model, the largest first, and what its tables take. */
export async function sharedCacheShares(
  database: Database,
): Promise<{ readonly bytes: number; readonly shares: readonly CacheShare[] }> {
  const rows = await database.rows(
    `select provider, model, sum(kept)::bigint as replies, sum(length(lines))::bigint as bytes,
       min(saved_at_ms) as oldest, max(saved_at_ms) as newest
     from batchframe.reply_pack
       join (select pack, count(*) as kept from batchframe.reply group by pack) k on pack = number
     group by provider, model order by replies desc, provider, model`,
  );
  const [size] = await database.rows(
    `select pg_total_relation_size('batchframe.reply_pack')
       + pg_total_relation_size('batchframe.reply') as bytes`,
  );
  return {
    bytes: Number(size?.["bytes"] ?? 0),
    shares: rows.map((row) => ({
      provider: text(row["provider"]),
      model: text(row["model"]),
      replies: Number(row["replies"]),
      bytes: Number(row["bytes"]),
      oldest: new Date(Number(row["oldest"])),
      newest: new Date(Number(row["newest"])),
    })),
  };
}

/** Deletes the replies that are meant from the cache of a database, and gives how many there were. */
export async function clearSharedReplies(
  database: Database,
  { provider, model, savedBeforeMs }: CacheFilter,
): Promise<number> {
  const meant = [provider ?? null, model ?? null, savedBeforeMs ?? null];
  return await database.transaction(async (connection) => {
    const packs = `select number from batchframe.reply_pack
       where ($1::text is null or provider = $1) and ($2::text is null or model = $2)
         and ($3::bigint is null or saved_at_ms < $3)`;
    const cleared = await connection.change(
      `delete from batchframe.reply where pack in (${packs})`,
      meant,
    );
    await connection.change(
      `delete from batchframe.reply_pack where number in (${packs})
         and not exists (select 1 from batchframe.reply where pack = number)`,
      meant,
    );
    return cleared;
  });
}
