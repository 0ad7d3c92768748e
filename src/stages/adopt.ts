/** adopt: what was made elsewhere from a planned chunk's request file becomes that chunk's own. */

import { randomUUID } from "node:crypto";
import { givenIntentId, type Chunk } from "../core/chunk.ts";
import { InputError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { readCustomId } from "../core/tracker.ts";
import type { Ports } from "./ports.ts";

/**
 * Marks a planned chunk as submitted with a batch that was made elsewhere; gives the chunk's number.
 *
 * Without a number the chunk is the one that an ended batch's replies name, or the only planned one.
 * A batch that has ended must hold a reply to the chunk; one that runs is believed, and given back as
 * `planned` when its replies turn out to be others'. Sends nothing.
 *
 * @throws {InputError} `batch_claimed`, `chunk_unknown`, `chunk_not_planned`, `chunk_ambiguous`, `replies_foreign`.
 * @throws {ProviderError} when the provider has no such batch.
 */
export async function adoptBatch(
  { batchId, number }: { readonly batchId: string; readonly number: number | null },
  ports: Ports,
): Promise<number> {
  const { store, provider, signal } = ports;
  const chunks = await store.chunks();
  const owner = chunks.find((chunk) => chunk.batchId === batchId);
  if (owner !== undefined)
    throw new InputError(
      "batch_claimed",
      `Batch ${batchId} is chunk ${String(owner.number)}'s already. Nothing was changed.`,
      { hint: "Leave it out: it is collected with its own chunk." },
    );
  const batch = { batchId, staged: {}, file: null };
  const status = await provider.poll(batch, signal);
  const named =
    status.phase === "ended"
      ? await namedChunks(provider.replies(batch, status.ending, signal), ports, {
          // One batch is one chunk's, so its first reply to this run tells.
          isEnough: (found) => number === null || found === number,
        })
      : null;
  const chunk = chosen(chunks, { number, named, what: `batch ${batchId}` });
  await store.adopted(chunk.number, givenIntentId(randomUUID()), batchId);
  return chunk.number;
}

/**
 * The planned chunk that given reply lines belong to; without a number, the one chunk they name.
 * Records nothing: collecting them does.
 *
 * @throws {InputError} `chunk_unknown`, `chunk_not_planned`, `chunk_ambiguous`, `replies_foreign`.
 */
export async function adoptReplies(
  {
    replies,
    number,
  }: { readonly replies: AsyncIterable<Uint8Array>; readonly number: number | null },
  ports: Ports,
): Promise<Chunk> {
  // With a number one reply to that chunk tells; without, the file might name several.
  const named = await namedChunks(replies, ports, { isEnough: (found) => found === number });
  return chosen(await ports.store.chunks(), { number, named, what: THE_FILE });
}

/** Which chunks of this run some replies are to, and whether there are any replies at all. */
interface Named {
  readonly chunks: ReadonlySet<number>;
  readonly replyCount: number;
}

const THE_FILE = "the file";

async function namedChunks(
  replies: AsyncIterable<Uint8Array>,
  ports: Ports,
  { isEnough }: { readonly isEnough: (chunk: number) => boolean },
): Promise<Named> {
  const named = new Set<number>();
  let replyCount = 0;
  for await (const { text } of linesOf(replies)) {
    replyCount += 1;
    const { customId } = ports.provider.parse(text);
    const address = customId === null ? null : readCustomId(ports.token, customId);
    if (address === null) continue;
    named.add(address.chunk);
    if (isEnough(address.chunk)) break;
  }
  return { chunks: named, replyCount };
}

function chosen(
  chunks: readonly Chunk[],
  given: { readonly number: number | null; readonly named: Named | null; readonly what: string },
): Chunk {
  const { named, what } = given;
  // A batch that failed as a whole has no replies, and is believed like one that still runs.
  const tells = named !== null && (named.replyCount > 0 || what === THE_FILE);
  if (
    tells &&
    (named.chunks.size === 0 || (given.number !== null && !named.chunks.has(given.number)))
  )
    throw foreign(given.number, named, what);
  const planned = chunks.filter(({ state }) => state === "planned").map(({ number }) => number);
  const candidates = tells ? [...named.chunks] : planned;
  const number = given.number ?? candidates[0];
  if (given.number === null && candidates.length > 1) throw ambiguous(candidates, what);
  const chunk = chunks.find((candidate) => candidate.number === number);
  if (chunk === undefined) throw unknown(number, chunks.length);
  if (chunk.state !== "planned" || chunk.bytes === null) throw notPlanned(chunk);
  return chunk;
}

function foreign(number: number | null, { replyCount, chunks }: Named, what: string): InputError {
  const whose = number === null ? "this run" : `chunk ${String(number)}`;
  const others = chunks.size === 0 ? "" : ` (they are to chunk ${[...chunks].join(", ")})`;
  return new InputError(
    "replies_foreign",
    `Of the ${String(replyCount)} replies in ${what} none is to a request of ${whose}${others}. Nothing was changed.`,
    {
      hint: "Custom ids begin with the run's token: give what was made from this run's own request file.",
    },
  );
}

function ambiguous(candidates: readonly number[], what: string): InputError {
  return new InputError(
    "chunk_ambiguous",
    `It cannot be told which of the chunks ${candidates.join(", ")} is meant by ${what}. Nothing was changed.`,
    {
      hint: `Name it with --chunk (chunk in code), such as --chunk ${String(candidates[0] ?? 1)}.`,
    },
  );
}

function unknown(number: number | undefined, count: number): InputError {
  return new InputError(
    "chunk_unknown",
    number === undefined
      ? "No chunk of this run waits to be sent, so there is none to take this for. Nothing was changed."
      : `There is no chunk ${String(number)}; the run has ${String(count)}. Nothing was changed.`,
    { hint: "See what there is with: batchframe status" },
  );
}

function notPlanned({ number, state, bytes }: Chunk): InputError {
  const why =
    state === "planned" && bytes === null ? "has no request file yet" : `is ${state} already`;
  return new InputError(
    "chunk_not_planned",
    `Chunk ${String(number)} ${why}, so nothing made elsewhere can be taken for it. Nothing was changed.`,
    { hint: "See where each chunk stands with: batchframe status" },
  );
}
