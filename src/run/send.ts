/** Sending a planned chunk, and learning from refusals how much the provider has room for. */

import type { Chunk } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import type { EndedChunk } from "../stages/collect.ts";
import { providerOf } from "../stages/ports.ts";
import { submit } from "../stages/submit.ts";
import { writeRequests } from "../stages/write-requests.ts";
import type { Driver } from "./driver.ts";
import { noteMiss } from "./reach.ts";

/** Takes a planned chunk's next step: divides it, writes its requests, or sends it. */
export async function send(chunk: Chunk, driver: Driver): Promise<void> {
  const { ports, options, paces } = driver;
  const pace = paces.of(chunk);
  const most = pace.learnt().maxRequestsPerBatch;
  if (most !== null && chunk.requestCount > most) {
    await ports.store.divided(chunk.number, most);
    return;
  }
  if (chunk.bytes === null) {
    await writeRequests(chunk, ports);
    return;
  }
  const sent = await submit(chunk, ports);
  if (sent.outcome === "submitted") {
    pace.moved(chunk.number);
    return;
  }
  if (sent.outcome === "waits") {
    pace.hold(undefined);
    return;
  }
  const { error } = sent;
  if (await missed(chunk, error, driver)) return;
  options.onWarning({ chunk: chunk.number, code: error.code, message: error.message });
  if (sent.outcome === "unclear") {
    pace.waitToResolve(chunk.number);
    return;
  }
  const refusals = pace.trouble(chunk.number, error.retryAfterMs);
  // The upload was refused, not this chunk: none of the others would fare better right now.
  pace.hold(error.retryAfterMs);
  // Some hosts say with the same status that they are called too often and that a batch is too large.
  if (error.httpStatus === 429 && refusals >= REFUSALS_UNTIL_SMALLER)
    await learnRoom(chunk, driver);
}

/**
 * Whether no connection came about for a step of a chunk; its next one is due after a wait then.
 *
 * @throws {ProviderError} `provider_unreachable` once a run that has sent nothing has tried often enough.
 */
export async function missed(
  chunk: Chunk,
  error: ProviderError,
  { ports, options, paces, reach, looks }: Driver,
): Promise<boolean> {
  const { host } = providerOf(chunk, ports);
  const warn = (message: string): void => {
    options.onWarning({ chunk: chunk.number, code: error.code, message });
  };
  const fate = await noteMiss(reach, error, {
    ...{ host, warn, signal: ports.signal, pollEveryMs: options.pollEveryMs },
    chunks: () => ports.store.chunks(),
    hasAnswered: [...looks.values()].some(({ done }) => (done ?? 0) > 0),
    isWaiting: !options.once,
  });
  if (fate === "patient") paces.of(chunk).trouble(chunk.number, error.retryAfterMs);
  return fate !== "none";
}

// More in a row than a passing overload explains, few enough to waste little on uploads.
const REFUSALS_UNTIL_SMALLER = 5;

/** Learns from a refusal for lack of room: fewer batches at once, or a smaller one when it was alone. */
async function learnRoom(chunk: Chunk, { ports, paces }: Driver): Promise<number> {
  const others = (await ports.store.chunks()).filter(
    ({ number, state, lane }) =>
      number !== chunk.number && lane === "batch" && (state === "submitted" || state === "ended"),
  ).length;
  paces.of(chunk).refused(others, chunk.requestCount);
  await ports.store.learn(paces.batch.learnt());
  return others;
}

/**
 * Makes room after a batch the provider accepted and then had no room for.
 *
 * @throws {ProviderError} `provider_no_room` when there is none even for one request, after many tries.
 */
export async function makeRoom(chunk: EndedChunk, driver: Driver): Promise<void> {
  const { ports, paces } = driver;
  const others = await learnRoom(chunk, driver);
  const refusals = paces.of(chunk).refusals();
  if (others > 0 || chunk.requestCount > 1 || refusals <= MOST_LONE_REFUSALS) return;
  throw new ProviderError(
    "provider_no_room",
    `${ports.provider.host} has no room even for a batch of one request: ${chunk.ending.reason?.message ?? ""}`,
    {
      hint: "Nothing was bought by it. Wait or raise the account's limit, then run the same command again.",
    },
  );
}

// Room for one request may be taken by runs elsewhere for a while.
const MOST_LONE_REFUSALS = 20;
