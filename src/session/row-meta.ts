/** What is told of each answer beside the answer: worked out from stored replies and chunks, for nothing. */

import { isRecalled, type Chunk } from "../core/chunk.ts";
import type { MetaColumn, MetaValues } from "../core/meta.ts";
import { costUsd, roundedUsd, type Price } from "../core/price.ts";
import { customId } from "../core/tracker.ts";
import type { RequestFacts, StoredReply } from "../stages/join.ts";
import type { Store } from "../store/store.ts";

/** What the values are worked out from. */
export interface RowMetaInput {
  readonly store: Pick<Store, "chunks" | "ordinals" | "idsOf">;
  /** The run's token. */
  readonly token: string;
  readonly columns: readonly MetaColumn[];
  /** The price of what was asked; null where it is not known. */
  readonly price: Price | null;
  /** Whether the provider charges nothing. */
  readonly free: boolean;
  /** The number of distinct requests in the plan. */
  readonly requests: number;
  /** The run's id. */
  readonly run: string;
}

/** Gives the values of one row. */
export type RowMeta = (facts: RequestFacts) => Promise<MetaValues>;

/** Opens the books of a run whose chunks are collected. */
export async function openRowMeta(input: RowMetaInput): Promise<RowMeta> {
  const { store, columns } = input;
  const chunks = new Map((await store.chunks()).map((chunk) => [chunk.number, chunk] as const));
  const sendings = columns.some((name) => FROM_SENDINGS.has(name))
    ? await sendingsOf(input, chunks.values())
    : null;
  const tellsIds = columns.includes("prompt_hash");
  const books: Books = { input, chunks, sendings };
  return async (facts) => {
    const id = tellsIds ? Buffer.from(await store.idsOf([facts.ordinal])) : null;
    return { ...valuesOf(facts, books), prompt_hash: id?.toString("hex") ?? null, run: input.run };
  };
}

interface Books {
  readonly input: RowMetaInput;
  readonly chunks: ReadonlyMap<number, Chunk>;
  readonly sendings: Sendings | null;
}

/** By request: how often it was sent, and in which chunk last. */
interface Sendings {
  readonly counts: Uint16Array;
  readonly last: Uint32Array;
}

const FROM_SENDINGS: ReadonlySet<MetaColumn> = new Set([
  ...(["attempts", "custom_id", "batch_id", "latency"] as const),
]);

async function sendingsOf(
  { store, requests }: RowMetaInput,
  chunks: Iterable<Chunk>,
): Promise<Sendings> {
  const counts = new Uint16Array(requests);
  const last = new Uint32Array(requests);
  for (const { number, intent } of chunks) {
    // What was planned, and divided or given up before it was sent, is no sending.
    if (intent === null) continue;
    for (const ordinal of await store.ordinals(number)) {
      counts[ordinal] = (counts[ordinal] ?? 0) + 1;
      last[ordinal] = number;
    }
  }
  return { counts, last };
}

function valuesOf(facts: RequestFacts, books: Books): Omit<MetaValues, "prompt_hash" | "run"> {
  const { ordinal, shown } = facts;
  const result = shown?.result ?? null;
  const answer = result?.status === "succeeded" ? result : null;
  const usage = result?.usage ?? null;
  const number = shown?.chunk ?? books.sendings?.last[ordinal] ?? 0;
  const sent = isRecalled(number) ? undefined : books.chunks.get(number);
  const madeUp =
    sent === undefined ? null : customId(books.input.token, { chunk: number, ordinal });
  return {
    model: answer?.model ?? null,
    input_tokens: usage?.inputTokens ?? null,
    cached_tokens: usage?.cachedInputTokens ?? null,
    cache_write_tokens: usage?.cacheWriteTokens ?? null,
    output_tokens: usage?.outputTokens ?? null,
    reasoning_tokens: usage?.reasoningTokens ?? null,
    cost: costOf(facts, books),
    latency: latencyOf(sent),
    attempts: books.sendings?.counts[ordinal] ?? null,
    finish_reason: result?.finishReason ?? null,
    custom_id: result?.customId ?? madeUp,
    batch_id: sent?.batchId ?? null,
    confidence: facts.confidence ?? answer?.confidence ?? null,
    raw: answer === null || answer.embedding !== undefined ? null : answer.text,
  };
}

function costOf({ isFirst, replies }: RequestFacts, { input, chunks }: Books): number | null {
  const { price, free } = input;
  if (free) return 0;
  if (price === null) return null;
  return isFirst
    ? roundedUsd(replies.reduce((sum, reply) => sum + chargeOf(reply, price, chunks), 0))
    : 0;
}

/** What was paid for a reply in this run: nothing for one that an earlier run had bought. */
function chargeOf({ chunk, result }: StoredReply, price: Price, chunks: Books["chunks"]): number {
  if (isRecalled(chunk) || result.usage === null) return 0;
  return costUsd(result.usage, price, chunks.get(chunk)?.lane ?? "batch");
}

function latencyOf(chunk: Chunk | undefined): number | null {
  const { submittedAtMs = null, ending = null } = chunk ?? {};
  if (submittedAtMs === null || ending?.seenAtMs === undefined) return null;
  return Math.max(0, Math.round(ending.seenAtMs - submittedAtMs));
}
