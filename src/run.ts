/** The loop: asks the store where each chunk stands, and calls one stage for it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Chunk, Ending } from "./core/chunk.ts";
import { InvariantError, ProviderError, StoreError } from "./core/errors.ts";
import { progressOf, type Progress } from "./core/progress.ts";
import { canaryOf } from "./run/canary.ts";
import { driveMemory, type Driver, type DriveOptions, type Warning } from "./run/driver.ts";
import { msUntilHandOver, handOver } from "./run/deadline.ts";
import { failureWatch, tooManyFailures } from "./run/failure-limit.ts";
import { gather } from "./run/gather.ts";
import { asSubmitted, endingOf, intentOf } from "./run/known.ts";
import { lanePaces } from "./run/lane-paces.ts";
import { look } from "./run/look.ts";
import { missed, send } from "./run/send.ts";
import { allowance, makeDo, noteBooks } from "./run/spending.ts";
import { RESULTS_GONE } from "./stages/collect.ts";
import { providerOf, type Ports } from "./stages/ports.ts";
import { resolve } from "./stages/resolve.ts";
import type { RunRecord } from "./store/store.ts";

export type { DriveOptions, Warning };

// Uploads and downloads share one line; more at once only makes each slower.
const STEPS_AT_ONCE = 4;
// While one chunk waits for the disk another is read, without the loop's looking at all chunks in between.
const STEPS_IN_TURN = 16;

/**
 * Drives a planned run until every chunk is collected; gives false when `once` left some open.
 *
 * May be called again after any interruption and goes on where the store says things stand. Passing
 * troubles (lost connections, overload) are waited out for as long as they last, but for an address where
 * nobody answers before anything was sent; the signal ends the waiting without stopping remote work. A run whose cancelling was asked for, by whatever process,
 * stops its batches, keeps every answer that came, and ends.
 *
 * @throws {ProviderError} when the provider refuses for good; what was bought is kept and the run can be resumed.
 * @throws {BudgetError} when what is left may cost more than the run may spend, once everything that was sent is collected.
 */
export async function driveRun(
  ports: Ports,
  requests: number,
  options: DriveOptions,
): Promise<boolean> {
  const memory = options.memory ?? driveMemory();
  const paces = (memory.paces ??= lanePaces(ports, {
    pollEveryMs: options.pollEveryMs,
    learnt: (await ports.store.run()).learnt,
    now: () => performance.now(),
    random: Math.random,
  }));
  const { looks, stopped, firstLooks, unclear, troubled, reach } = memory;
  const kept = { looks, stopped, firstLooks, unclear, troubled, reach };
  const driver: Driver = { ports, options, paces, ...kept };
  const canary = (memory.canary ??= canaryOf(ports, requests));
  const failures = (memory.failures ??= await failureWatch(ports, options, requests));
  for (;;) {
    const run = await ports.store.run();
    const chunks = await ports.store.chunks();
    const progress = progressNow(requests, chunks, driver);
    options.onProgress(progress);
    const open = chunks.filter(({ state }) => state !== "collected");
    // Rows that are still being read will bring more.
    if (open.length === 0 && run.plan === null) return false;
    if (open.length === 0) {
      // What was set aside for the last chunk is there for others that share the purse.
      noteBooks(options.spending ?? null, chunks);
      break;
    }
    ports.signal.throwIfAborted();
    if (options.leaves?.() === true) return false;
    // What was read is no longer so: chunks have changed their lanes.
    if (await handOver(run, open, driver)) continue;
    const isCancelled = run.cancelRequestedAtMs !== null;
    const first = isCancelled ? [] : canary.waitedFor(run, chunks);
    await canary.judge();
    const isPast = await failures.isPast(progress, chunks);
    const waiting = first.length > 0 ? first : open;
    const spends = isCancelled ? null : (options.spending ?? null);
    await spends?.purse.refresh?.();
    const { fits, takes } = allowance(spends, chunks);
    const ready = movable(waiting, run, isPast ? { sends: false } : options).filter(fits);
    const steps = inTurn(paces.due(ready, isCancelled)).filter(takes);
    if (steps.length > 0)
      await together(steps, (chunk) => step(chunk, run, driver)).catch((error: unknown) => {
        throw canary.refusal(error);
      });
    // What was sent is collected first where it is ready: it is paid for.
    else if (isPast && open.some(({ state }) => state === "planned"))
      throw await tooManyFailures(run, chunks, { driver, progress });
    else if (spends !== null && isTooDear(ready, open, options)) {
      if (await makeDo(spends, chunks, ports)) continue;
      // The other runs that share the purse may yet give back what they have set aside.
      if (options.once) {
        memory.restMs = options.pollEveryMs;
        return false;
      }
      await rest(options.pollEveryMs, ports.signal);
    } else {
      const restMs = paces.restMs(ready.length === 0 ? open : ready, isCancelled);
      if (options.once && !isAsking(open, driver)) {
        memory.restMs = restMs;
        return false;
      }
      await rest(Math.min(msUntilHandOver(run, open, driver), restMs), ports.signal);
    }
  }
  await ports.store.finished();
  return true;
}

function progressNow(
  requests: number,
  chunks: readonly Chunk[],
  { ports, options, looks }: Driver,
): Progress {
  const { sends = true, price = null, spending = null } = options;
  const { free } = ports.provider;
  const progress = progressOf({ requests, chunks, looks, sends, free, price });
  return spending === null ? progress : { ...progress, capUsd: spending.purse.capUsd };
}

/** Whether all that is left waits to be sent, and there is no room for any of it. */
function isTooDear(
  ready: readonly Chunk[],
  open: readonly Chunk[],
  { sends = true }: DriveOptions,
): boolean {
  return sends && ready.length === 0 && open.every(({ state }) => state === "planned");
}

/** Whether this process is asking: nobody else goes on with that, so it is waited for, as an upload is. */
function isAsking(open: readonly Chunk[], { troubled }: Driver): boolean {
  return open.some(
    ({ number, lane, state }) =>
      lane === "realtime" && state !== "planned" && !troubled.has(number),
  );
}

/**
 * The chunks that may take a step: where nothing is to be sent, those that are planned stay so, and while
 * the plan is incomplete none that would hand requests on.
 */
function movable(
  open: readonly Chunk[],
  { cancelRequestedAtMs, plan, learnt }: RunRecord,
  { sends = true }: Pick<DriveOptions, "sends">,
): readonly Chunk[] {
  // Chunks that others hand their requests on to get the numbers after the plan's.
  const most = learnt.maxRequestsPerBatch ?? Number.POSITIVE_INFINITY;
  if (plan === null)
    return open.filter(
      ({ state, requestCount }) =>
        state !== "ended" && (state !== "planned" || requestCount <= most),
    );
  if (sends || cancelRequestedAtMs !== null) return open;
  return open.filter(({ state }) => state !== "planned");
}

/** Waits, and throws the signal's own reason when it ends the waiting. */
async function rest(waitMs: number, signal: AbortSignal): Promise<void> {
  await sleep(waitMs, undefined, { signal }).catch(() => {
    signal.throwIfAborted();
  });
}

/** The chunks whose steps come next: the first few, and of the others those that are under way already. */
function inTurn(due: readonly Chunk[]): readonly Chunk[] {
  const others = due
    .slice(STEPS_AT_ONCE)
    .filter(({ state }) => state === "submitted" || state === "ended");
  return [...due.slice(0, STEPS_AT_ONCE), ...others].slice(0, STEPS_IN_TURN);
}

/**
 * Takes the steps, a few at a time. When one fails no other is begun, and those that were are waited for: a step
 * left running would write to a store that is being closed.
 */
async function together(
  chunks: readonly Chunk[],
  take: (chunk: Chunk) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const left = chunks.values();
  const takeSome = async (): Promise<void> => {
    for (const chunk of left) {
      await take(chunk).catch((error: unknown) => failures.push(error));
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: STEPS_AT_ONCE }, takeSome));
  if (failures.length > 0) throw failures[0];
}

async function step(chunk: Chunk, run: RunRecord, driver: Driver): Promise<void> {
  const { ports, options, paces } = driver;
  try {
    await advance(chunk, run, driver);
    driver.troubled.delete(chunk.number);
  } catch (error) {
    // A call that is cut off fails in as many ways as there are libraries; the caller is told its own reason.
    if (!(error instanceof StoreError || error instanceof InvariantError))
      ports.signal.throwIfAborted();
    if (!(error instanceof ProviderError)) throw error;
    const isGone = error.httpStatus === 404 && chunk.batchId !== null && chunk.lane === "batch";
    if (!error.retryable && !isGone) throw error;
    driver.troubled.add(chunk.number);
    if (await missed(chunk, error, driver)) return;
    options.onWarning({ chunk: chunk.number, code: error.code, message: error.message });
    const troubles = paces.of(chunk).trouble(chunk.number, error.retryAfterMs);
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
      const unanswered = { ...chunk, intent: intentOf(chunk) };
      const outcome = await resolve(unanswered, ports, driver.firstLooks);
      if (outcome === "unclear") await keepLooking(chunk, driver);
      return;
    }
    case "submitted": {
      const ending = await look(asSubmitted(chunk), run, driver);
      if (ending !== null && run.plan !== null)
        await gather({ ...asSubmitted(chunk), ending }, driver, run);
      return;
    }
    case "ended":
      await gather({ ...asSubmitted(chunk), ending: endingOf(chunk) }, driver, run);
      return;
    case "collected":
      return;
  }
}

/** Waits before the next look for a batch that may exist, and says so when it takes long. */
async function keepLooking(
  chunk: Chunk,
  { ports, options, paces, unclear }: Driver,
): Promise<void> {
  paces.of(chunk).waitToResolve(chunk.number);
  const lookedMs = (await ports.store.clockMs()) - intentOf(chunk).atMs;
  const isLong = lookedMs > 2 * providerOf(chunk, ports).settleMs;
  if (!isLong || unclear.has(chunk.number)) return;
  unclear.add(chunk.number);
  options.onWarning({
    chunk: chunk.number,
    code: "batch_unclear",
    message: `The answer to sending chunk ${String(chunk.number)} was lost, and the provider cannot tell yet whether the batch exists. It is looked for until that is certain, and not sent again before.`,
  });
}
