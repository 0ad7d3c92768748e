/** Taking in an ended batch: its replies, what they teach of the provider's room, and the remote files. */

import { isGiven } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { collect, type EndedChunk } from "../stages/collect.ts";
import { batchOf, providerOf } from "../stages/ports.ts";
import type { RunRecord } from "../store/store.ts";
import { CANCEL_UNENDED } from "./deadline.ts";
import type { Driver, DriveOptions } from "./driver.ts";
import { makeRoom } from "./send.ts";

/** Collects an ended chunk, says what was odd about it, and deletes the provider's copies. */
export async function gather(chunk: EndedChunk, driver: Driver, run?: RunRecord): Promise<void> {
  const { ports, options, paces } = driver;
  const pace = paces.of(chunk);
  const isCancelled = run !== undefined && run.cancelRequestedAtMs !== null;
  const isHandedOver = chunk.lane === "batch" && run?.deadline?.handedOver === true;
  const { ending } = chunk;
  const isUnended = ending.reason?.code === CANCEL_UNENDED;
  const collection = await collect(chunk, ports, {
    reading: options.reading,
    // What is asked in realtime for the deadline's sake has not been given up before.
    maxResends: isCancelled ? 0 : isHandedOver ? Number.POSITIVE_INFINITY : options.maxResends,
    amendable: isCancelled ? new Set() : options.amendable,
    keepsRoomless: !isCancelled,
    price: options.price ?? null,
    unread: isUnended,
    ...(isHandedOver ? { lane: "realtime" } : {}),
  });
  driver.looks.delete(chunk.number);
  pace.moved(chunk.number);
  if (ending.reason?.again === "room") await makeRoom(chunk, driver);
  else if (collection.succeeded > 0) pace.succeeded();
  warnAbout(chunk, collection, options);
  // What was made elsewhere is its maker's to delete.
  if (!options.keepRemote && !isGiven(chunk.intent) && !isUnended) await cleanUp(chunk, driver);
}

function warnAbout(
  chunk: EndedChunk,
  collection: Awaited<ReturnType<typeof collect>>,
  options: DriveOptions,
): void {
  const { outcome, reason } = chunk.ending;
  const { unknown, duplicates, missing } = collection.match;
  if (unknown + duplicates + missing === 0 && outcome === "completed") return;
  // Why it was left is told where the run ends for it.
  if (reason?.again === "unasked" || reason?.code === CANCEL_UNENDED) return;
  options.onWarning({
    chunk: chunk.number,
    code: `batch_${outcome}`,
    message:
      `Chunk ${String(chunk.number)}'s batch ${outcome}${reason === null ? "" : ` (${reason.message})`}: ` +
      `${requestsText(missing)} without a reply, ${String(duplicates)} repeated and ${String(unknown)} unknown ` +
      `reply lines; ${requestsText(collection.resent)} sent again.`,
  });
}

function requestsText(count: number): string {
  return `${String(count)} ${count === 1 ? "request" : "requests"}`;
}

/** Deletes the remote files; that they stay is a pity and no reason to stop. */
async function cleanUp(chunk: EndedChunk, driver: Driver): Promise<void> {
  const { ports, options } = driver;
  try {
    await providerOf(chunk, ports).discard(batchOf(chunk, ports), chunk.ending, ports.signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    options.onWarning({ chunk: chunk.number, code: error.code, message: error.message });
  }
}
