/** Admission: a chunk is sent only while the account that all runs share has room for it. */

import type { Learnt } from "../core/chunk.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import type { Queryable } from "./postgres-client.ts";
import { NOW_MS } from "./postgres-lease.ts";
import { jsonOf, numberOrNull } from "./sqlite-values.ts";

/** The account that batches of a run are made under, and what its provider says of it. */
export interface Account {
  /** The same for every run that shares the provider's limits; holds no key. */
  readonly id: string;
  /** Batches that may be under way at once; null when the provider sets no such limit. */
  readonly maxBatches: number | null;
  /** Whether batches carry no tag, so that only one may be unresolved at a time. */
  readonly isSole: boolean;
}

/** Limits of an account that a person has set; null for none. */
export interface AccountLimits {
  /** Batches under way at once, over all workers. */
  readonly maxBatches: number | null;
  /** Input tokens of the batches under way at once, over all workers. */
  readonly maxTokens: number | null;
  /** Requests sent in a minute, over all workers and on average. */
  readonly requestsAMinute: number | null;
  /** Input tokens sent in a minute, over all workers and on average. */
  readonly tokensAMinute: number | null;
}

/** An intent that asks for admission. */
export interface AskedIntent {
  readonly run: string;
  readonly chunk: number;
  readonly intentId: string;
  readonly fence: number;
}

/** Makes an account known, with what it was known by before left as it is. */
export async function knowAccount(connection: Queryable, id: string): Promise<void> {
  await connection.change(
    "insert into batchframe.account (id) values ($1) on conflict (id) do nothing",
    [id],
  );
}

/** Sets the limits of an account, in place of those set before. */
export async function limitAccount(
  connection: Queryable,
  id: string,
  limits: AccountLimits,
): Promise<void> {
  await connection.change(
    `insert into batchframe.account (id, max_batches, max_tokens, requests_a_minute, tokens_a_minute)
     values ($1, $2, $3, $4, $5)
     on conflict (id) do update set max_batches = excluded.max_batches, max_tokens = excluded.max_tokens,
       requests_a_minute = excluded.requests_a_minute, tokens_a_minute = excluded.tokens_a_minute`,
    [id, limits.maxBatches, limits.maxTokens, limits.requestsAMinute, limits.tokensAMinute],
  );
}

/**
 * Whether the chunk may be sent now; if so the ledger holds its intent. Part of the caller's
 * transaction, in which the account stays locked, so that no two workers are admitted to one place.
 */
export async function admit(
  connection: Queryable,
  account: Account,
  asked: AskedIntent,
): Promise<boolean> {
  const [limits] = await connection.rows(
    `select learnt, max_batches, max_tokens, free_at_ms > ${NOW_MS} as is_held
     from batchframe.account where id = $1 for no key update`,
    [account.id],
  );
  if (Boolean(limits?.["is_held"])) return false;
  const learnt = jsonOf(limits?.["learnt"]) as Learnt | null;
  const maxBatches = Math.min(
    account.maxBatches ?? Number.POSITIVE_INFINITY,
    learnt?.maxBatchesInFlight ?? Number.POSITIVE_INFINITY,
    numberOrNull(limits?.["max_batches"]) ?? Number.POSITIVE_INFINITY,
  );
  const maxTokens = numberOrNull(limits?.["max_tokens"]) ?? Number.POSITIVE_INFINITY;
  if (Number.isFinite(maxBatches) || Number.isFinite(maxTokens)) {
    const [load] = await connection.rows(
      `select count(*) as batches, coalesce(sum(${TOKENS}), 0)::bigint as tokens,
         (select ${TOKENS} from batchframe.chunk where run = $2 and number = $3) as own
       from batchframe.chunk where account = $1 and state in ('submitting','submitted')`,
      [account.id, asked.run, asked.chunk],
    );
    const batches = Number(load?.["batches"] ?? 0);
    const tokens = Number(load?.["tokens"] ?? 0) + Number(load?.["own"] ?? 0);
    // One that is too large by itself is the provider's to refuse; it would wait here for ever.
    if (batches >= maxBatches || (batches > 0 && tokens > maxTokens)) return false;
  }
  const recorded = await connection.change(
    `insert into batchframe.submission (intent_id, run, chunk, account, is_sole, fence, at_ms)
     values ($1, $2, $3, $4, $5, $6, ${NOW_MS})
     on conflict (account) where outcome = 'unknown' and is_sole do nothing`,
    [asked.intentId, asked.run, asked.chunk, account.id, account.isSole, asked.fence],
  );
  if (recorded === 0) return false;
  // A chunk goes whole: it takes the room of as many minutes as it has, and the next one waits for their end.
  await connection.change(
    `update batchframe.account a set free_at_ms = greatest(a.free_at_ms, ${NOW_MS})
       + ceil(60000 * greatest(c.request_count::float8 / a.requests_a_minute, ${TOKENS}::float8 / a.tokens_a_minute))::bigint
     from batchframe.chunk c where a.id = $1 and c.run = $2 and c.number = $3
       and coalesce(a.requests_a_minute, a.tokens_a_minute) is not null`,
    [account.id, asked.run, asked.chunk],
  );
  return true;
}

// Where nobody has estimated a chunk its bytes are counted: few tokens are shorter than three.
const TOKENS = "coalesce(tokens, (bytes + 2) / 3, 0)";

/** The most input tokens that an estimate allows for, as the account's limit counts them; null without one. */
export function admittedTokens(estimate: TokenEstimate | null): number | null {
  return estimate === null ? null : Math.ceil(estimate.inputTokens * (1 + estimate.inputError));
}
