/** The loop: asks the store where each chunk stands, and calls one stage for it. */

import { setTimeout as sleep } from "node:timers/promises";
import { isGiven, type Chunk, type Ending } from "./core/chunk.ts";
import { InvariantError, ProviderError, StoreError } from "./core/errors.ts";
import { paceOf, type Pace } from "./core/pace.ts";
import { progressOf, type LastLook, type Progress } from "./core/progress.ts";
import type { Price } from "./core/price.ts";
import type { RowErrorCode } from "./core/result.ts";
import { collect, RESULTS_GONE, type CollectOptions, type EndedChunk } from "./stages/collect.ts";
import { poll } from "./stages/poll.ts";
import { batchOf, type Ports, type SubmittedChunk } from "./stages/ports.ts";
import { resolve } from "./stages/resolve.ts";
import { submit } from "./stages/submit.ts";
import { writeRequests } from "./stages/write-requests.ts";
import type { RunRecord } from "./store/store.ts";

/** How a run is driven; nothing here decides what is asked. */
export interface DriveOptions {
  /** How answers are read and checked. */
  readonly reading: CollectOptions["reading"];
  /** Time between looks at a batch, in milliseconds; it widens up to tenfold while nothing changes. */
  readonly pollEveryMs: number;
  /** How often a request that was not answered may be sent again. */
  readonly maxResends: number;
  /** The kinds of unusable answer that are asked once more in other words. */
  readonly amendable: ReadonlySet<RowErrorCode>;
  /** The model's price; null or left out where it is not known. */
  readonly price?: Price | null;
  /** A batch that stands still this long is cancelled and its rest sent again; null waits for ever. */
  readonly stallMs: number | null;
  /** Leaves the provider's copies of requests and results where they are. */
  readonly keepRemote: boolean;
  /** Takes what is ready now and does not wait for the rest. */
  readonly once: boolean;
  /** False leaves planned chunks alone; they are sent when left out. Only together with `once`. */
  readonly sends?: boolean;
  /** Told after every step that changed something. */
  readonly onProgress: (progress: Progress) => void;
  /** Told what went wrong and is being dealt with; nothing for the caller to do. */
  readonly onWarning: (warning: Warning) => void;
}

/** Something that went wrong on the way and did not stop the run. */
export interface Warning {
  readonly chunk: number;
  readonly code: string;
  readonly message: string;
}

// Uploads and downloads share one line; more at once only makes each slower.
const STEPS_AT_ONCE = 4;

/**
 * Drives a planned run until every chunk is collected; gives false when `once` left some open.
 *
 * May be called again after any interruption and goes on where the store says things stand. Passing
 * troubles (lost connections, overload) are waited out for as long as they last; the signal ends the
 * waiting without stopping remote work. A run whose cancelling was asked for, by whatever process,
 * stops its batches, keeps every answer that came, and ends.
 *
 * @throws {ProviderError} when the provider refuses for good; what was bought is kept and the run can be resumed.
 */
export async function driveRun(
  ports: Ports,
  requests: number,
  options: DriveOptions,
): Promise<boolean> {
  const pace = paceOf({
    pollEveryMs: options.pollEveryMs,
    learnt: (await ports.store.run()).learnt,
    now: () => performance.now(),
    random: Math.random,
  });
  const driver: Driver = {
    ports,
    options,
    pace,
    looks: new Map(),
    stopped: new Set(),
    unclear: new Set(),
  };
  for (;;) {
    const run = await ports.store.run();
    const chunks = await ports.store.chunks();
    options.onProgress(progressOf(requests, chunks, driver.looks));
    const open = chunks.filter(({ state }) => state !== "collected");
    if (open.length === 0) break;
    ports.signal.throwIfAborted();
    const steps = pace.due(movable(open, run, options), room(run, driver)).slice(0, STEPS_AT_ONCE);
    if (steps.length > 0) await together(steps.map((chunk) => step(chunk, run, driver)));
    else if (options.once) return false;
    else await rest(pace.restMs(open, room(run, driver)), ports.signal);
  }
  await ports.store.finished();
  return true;
}

/** The chunks that may take a step: where nothing is to be sent, those that are planned stay so. */
function movable(
  open: readonly Chunk[],
  { cancelRequestedAtMs }: RunRecord,
  { sends = true }: DriveOptions,
): readonly Chunk[] {
  if (sends || cancelRequestedAtMs !== null) return open;
  return open.filter(({ state }) => state !== "planned");
}

/** Waits, and throws the signal's own reason when it ends the waiting. */
async function rest(waitMs: number, signal: AbortSignal): Promise<void> {
  await sleep(waitMs, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

interface Driver {
  readonly ports: Ports;
  readonly options: DriveOptions;
  readonly pace: Pace;
  readonly looks: Map<number, LastLook>;
  /** Chunks whose batch this process has asked the provider to cancel. */
  readonly stopped: Set<number>;
  /** Chunks of which it has been said that nobody knows yet whether their batch exists. */
  readonly unclear: Set<number>;
}

/** How many batches may be under way at once. */
function room(run: RunRecord, { ports, pace }: Driver): number {
  // A cancelled run sends nothing, so every planned chunk may take its last step at once.
  if (run.cancelRequestedAtMs !== null) return Number.POSITIVE_INFINITY;
  const provider = ports.provider.limits.maxBatchesInFlight ?? Number.POSITIVE_INFINITY;
  return Math.min(provider, pace.learnt().maxBatchesInFlight ?? Number.POSITIVE_INFINITY);
}

/** Waits for all, even when one fails: a step left running would write to a store that is being closed. */
async function together(steps: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(steps)).find(({ status }) => status === "rejected");
  if (failure?.status === "rejected") throw failure.reason;
}

async function step(chunk: Chunk, run: RunRecord, driver: Driver): Promise<void> {
  const { ports, options, pace } = driver;
  try {
    await advance(chunk, run, driver);
  } catch (error) {
    // A call that is cut off fails in as many ways as there are libraries; the caller is told its own reason.
    if (!(error instanceof StoreError || error instanceof InvariantError))
      ports.signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    const isGone = error.httpStatus === 404 && chunk.batchId !== null;
    if (!error.retryable && !isGone) throw error;
    options.onWarning({ chunk: chunk.number, code: error.code, message: error.message });
    const troubles = pace.trouble(chunk.number, error.retryAfterMs);
    if (isGone && troubles >= LOOKS_UNTIL_GONE) await giveUp(chunk, driver);
  }
}

// Hosts are known to answer 404 for a batch that exists, now and then; not this often in a row.
const LOOKS_UNTIL_GONE = 6;

/** Ends a batch the provider has no memory of any more; its requests fail, and are bought again only on request. */
async function giveUp(chunk: Chunk, driver: Driver): Promise<void> {
  const message =
    "The provider no longer has this batch or its results, so the answers are lost though they may have been paid for.";
  const reason = { code: RESULTS_GONE, message, again: "never" } as const;
  const ending: Ending = { outcome: "failed", results: {}, reason };
  if (chunk.state === "submitted") await driver.ports.store.ended(chunk.number, ending);
  else await gather({ ...asSubmitted(chunk), ending }, driver);
}

/** Takes the one step the chunk's state calls for. */
async function advance(chunk: Chunk, run: RunRecord, driver: Driver): Promise<void> {
  const { ports } = driver;
  switch (chunk.state) {
    case "planned":
      if (run.cancelRequestedAtMs !== null) await ports.store.abandoned(chunk.number);
      else await send(chunk, driver);
      return;
    case "submitting": {
      const outcome = await resolve({ ...chunk, intent: intentOf(chunk) }, ports);
      if (outcome === "unclear") keepLooking(chunk, driver);
      return;
    }
    case "submitted":
      await look(asSubmitted(chunk), run, driver);
      return;
    case "ended":
      await gather({ ...asSubmitted(chunk), ending: endingOf(chunk) }, driver, run);
      return;
    case "collected":
      return;
  }
}

/** Waits before the next look for a batch that may exist, and says so when it takes long. */
function keepLooking(chunk: Chunk, { ports, options, pace, unclear }: Driver): void {
  pace.waitToResolve(chunk.number);
  const isLong = Date.now() - intentOf(chunk).atMs > 2 * ports.provider.settleMs;
  if (!isLong || unclear.has(chunk.number)) return;
  unclear.add(chunk.number);
  options.onWarning({
    chunk: chunk.number,
    code: "batch_unclear",
    message: `The answer to sending chunk ${String(chunk.number)} was lost, and the provider cannot tell yet whether the batch exists. It is looked for until that is certain, and not sent again before.`,
  });
}

async function send(chunk: Chunk, driver: Driver): Promise<void> {
  const { ports, options, pace } = driver;
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
  const { error } = sent;
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

// More in a row than a passing overload explains, few enough to waste little on uploads.
const REFUSALS_UNTIL_SMALLER = 5;

/** Learns from a refusal for lack of room: fewer batches at once, or a smaller one when it was alone. */
async function learnRoom(chunk: Chunk, { ports, pace }: Driver): Promise<number> {
  const others = (await ports.store.chunks()).filter(
    ({ number, state }) => number !== chunk.number && (state === "submitted" || state === "ended"),
  ).length;
  pace.refused(others, chunk.requestCount);
  await ports.store.learn(pace.learnt());
  return others;
}

async function look(chunk: SubmittedChunk, run: RunRecord, driver: Driver): Promise<void> {
  const { ports, options, pace } = driver;
  const status = await poll(chunk, ports);
  if (status.phase === "ended") {
    pace.moved(chunk.number);
    return;
  }
  const before = driver.looks.get(chunk.number);
  driver.looks.set(chunk.number, { phase: status.phase, done: status.done });
  const stillMs = pace.looked(chunk.number, {
    moved: before?.phase !== status.phase || before.done !== status.done,
    ageMs: Math.max(0, Date.now() - (chunk.submittedAtMs ?? Date.now())),
  });
  const isStalled = options.stallMs !== null && stillMs >= options.stallMs;
  if ((isStalled || run.cancelRequestedAtMs !== null) && !driver.stopped.has(chunk.number)) {
    await stop(chunk, ports);
    driver.stopped.add(chunk.number);
    pace.moved(chunk.number);
    if (isStalled)
      options.onWarning({
        chunk: chunk.number,
        code: "batch_stalled",
        message: `Chunk ${String(chunk.number)} made no progress for ${String(Math.round(stillMs / 1000))} s; its batch is cancelled, answers that came are kept, the rest is sent again.`,
      });
  }
}

/** Asks the provider to cancel; a batch that has ended meanwhile refuses, and the next look shows it. */
async function stop(chunk: SubmittedChunk, ports: Ports): Promise<void> {
  try {
    await ports.provider.cancel(batchOf(chunk, ports), ports.signal);
  } catch (error) {
    const isRefused = error instanceof ProviderError && error.code === "provider_refused";
    if (!isRefused && !(error instanceof ProviderError && error.httpStatus === 409)) throw error;
  }
}

async function gather(chunk: EndedChunk, driver: Driver, run?: RunRecord): Promise<void> {
  const { ports, options, pace } = driver;
  const isCancelled = run !== undefined && run.cancelRequestedAtMs !== null;
  const { ending } = chunk;
  const collection = await collect(chunk, ports, {
    reading: options.reading,
    maxResends: isCancelled ? 0 : options.maxResends,
    amendable: isCancelled ? new Set() : options.amendable,
    keepsRoomless: !isCancelled,
    price: options.price ?? null,
  });
  driver.looks.delete(chunk.number);
  pace.moved(chunk.number);
  if (ending.reason?.again === "room") await makeRoom(chunk, driver);
  else if (collection.succeeded > 0) pace.succeeded();
  warnAbout(chunk, collection, options);
  // What was made elsewhere is its maker's to delete.
  if (!options.keepRemote && !isGiven(chunk.intent)) await cleanUp(chunk, driver);
}

/** Makes room after a batch the provider accepted and then had no room for. */
async function makeRoom(chunk: EndedChunk, driver: Driver): Promise<void> {
  const { ports, pace } = driver;
  const others = await learnRoom(chunk, driver);
  if (others > 0 || chunk.requestCount > 1 || pace.refusals() <= MOST_LONE_REFUSALS) return;
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

function warnAbout(
  chunk: EndedChunk,
  collection: Awaited<ReturnType<typeof collect>>,
  options: DriveOptions,
): void {
  const { outcome, reason } = chunk.ending;
  const { unknown, duplicates, missing } = collection.match;
  if (unknown + duplicates + missing === 0 && outcome === "completed") return;
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
    await ports.provider.discard(batchOf(chunk, ports), chunk.ending, ports.signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    options.onWarning({ chunk: chunk.number, code: error.code, message: error.message });
  }
}

function intentOf(chunk: Chunk): NonNullable<Chunk["intent"]> {
  return chunk.intent ?? unknownBatch(chunk);
}

function endingOf(chunk: Chunk): Ending {
  return chunk.ending ?? unknownBatch(chunk);
}

function asSubmitted(chunk: Chunk): SubmittedChunk {
  return { ...chunk, intent: intentOf(chunk), batchId: chunk.batchId ?? unknownBatch(chunk) };
}

function unknownBatch(chunk: Chunk): never {
  throw new InvariantError(
    "batch_unknown",
    `Chunk ${String(chunk.number)} is ${chunk.state}, yet its batch is not known.`,
  );
}
