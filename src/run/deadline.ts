/** The deadline: what the batches will not have done in time is handed over to the realtime lane. */

import type { Chunk } from "../core/chunk.ts";
import {
  giveUpAtMs,
  handOverAtMs,
  makesIt,
  type Deadline,
  type UnderWay,
} from "../core/deadline.ts";
import { roundedUsd, spentUsd, type Price } from "../core/price.ts";
import { NO_USAGE } from "../core/usage.ts";
import type { RunRecord } from "../store/store.ts";
import type { Driver } from "./driver.ts";

/**
 * Hands over when it is time: from then on what waits to be sent goes in realtime, and so does what a
 * batch leaves behind. Recorded first, so that a process that goes on later knows. False, and nothing
 * done, while there is time.
 */
export async function handOver(
  run: RunRecord,
  open: readonly Chunk[],
  driver: Driver,
): Promise<boolean> {
  const { ports, options, paces } = driver;
  const { deadline } = run;
  if (deadline === null || run.cancelRequestedAtMs !== null) return false;
  if (deadline.handedOver)
    return (await handOnWithdrawn(open, driver)) || (await giveUpCancelling(run, open, driver));
  const late = lateOf(run, open, driver);
  if (Date.now() < momentOf(deadline, open, driver) || late.length === 0) return false;
  await ports.store.setDeadline({ ...deadline, handedOver: true });
  await ports.store.switchLane("realtime");
  // Looks may be minutes apart; those that are to be cancelled are looked at now.
  for (const chunk of late) paces.of(chunk).moved(chunk.number);
  options.onWarning({
    chunk: late[0]?.number ?? 0,
    code: "deadline_near",
    message: announcement(deadline.atMs, late, driver),
  });
  return true;
}

/**
 * Has a chunk that waits in the batch lane after the hand-over go in realtime: its create was lost, and
 * only now it is certain that there is no batch. False, and nothing done, where there is none.
 */
async function handOnWithdrawn(open: readonly Chunk[], { ports }: Driver): Promise<boolean> {
  if (!open.some(({ lane, state }) => lane === "batch" && state === "planned")) return false;
  await ports.store.switchLane("realtime");
  return true;
}

/**
 * Ends batches that were cancelled and do not come to an end, so that the deadline is kept: what they were to answer
 * is asked in realtime, and the receipt names its rows. False, and nothing done, where there is none.
 */
async function giveUpCancelling(
  run: RunRecord,
  open: readonly Chunk[],
  driver: Driver,
): Promise<boolean> {
  const stuck = cancelled(open, driver);
  if (run.deadline === null || Date.now() < giveUpMomentOf(run.deadline, stuck, driver))
    return false;
  for (const { number, batchId } of stuck) {
    const message = `It was cancelled and had not ended when the deadline came near. Its answers, if any, stay with the provider as ${String(batchId)}.`;
    const reason = { code: CANCEL_UNENDED, message, again: "later" } as const;
    await driver.ports.store.ended(number, { outcome: "cancelled", results: {}, reason });
    driver.options.onWarning({
      chunk: number,
      code: CANCEL_UNENDED,
      message: `Chunk ${String(number)}'s batch is waited for no longer: ${message} It may be charged too; the receipt names the rows.`,
    });
  }
  return stuck.length > 0;
}

/** The reason of an ending that only this side knows of: the batch was cancelled, and its end was not waited for. */
export const CANCEL_UNENDED = "cancel_unended";

/** The batches that this process has asked the provider to cancel, and that have not ended. */
function cancelled(open: readonly Chunk[], { stopped }: Driver): readonly Chunk[] {
  return open.filter(
    ({ lane, state, number }) => lane === "batch" && state === "submitted" && stopped.has(number),
  );
}

function giveUpMomentOf(deadline: Deadline, stuck: readonly Chunk[], driver: Driver): number {
  if (stuck.length === 0) return Number.POSITIVE_INFINITY;
  const left = stuck.reduce((sum, chunk) => sum + leftOf(underWay(chunk, driver)), 0);
  return giveUpAtMs(deadline, left, perSecondOf(stuck, driver));
}

/** How long until it must be looked whether to hand over, or to wait no longer, in milliseconds; Infinity where there is nothing to. */
export function msUntilHandOver(run: RunRecord, open: readonly Chunk[], driver: Driver): number {
  const { deadline } = run;
  if (deadline === null) return Number.POSITIVE_INFINITY;
  if (deadline.handedOver)
    return Math.max(0, giveUpMomentOf(deadline, cancelled(open, driver), driver) - Date.now());
  const untilMs = momentOf(deadline, open, driver) - Date.now();
  // Once it is past, every batch makes it at its own rate; but rates change.
  return untilMs > 0 ? untilMs : CHECK_EVERY_MS;
}

const CHECK_EVERY_MS = 1000;

/** The latest moment to hand over; never, where nothing is in batches. */
function momentOf(deadline: Deadline, open: readonly Chunk[], driver: Driver): number {
  const inBatches = open.filter(({ lane, state }) => lane === "batch" && state !== "ended");
  if (inBatches.length === 0) return Number.POSITIVE_INFINITY;
  const left = inBatches.reduce((sum, chunk) => sum + leftOf(underWay(chunk, driver)), 0);
  return handOverAtMs(deadline, left, perSecondOf(inBatches, driver));
}

/** How many requests of these chunks are answered a second in realtime; undefined where nobody can say. */
function perSecondOf(chunks: readonly Chunk[], { ports: { live } }: Driver): number | undefined {
  const { perSecond, tokensPerSecond } = live ?? {};
  const known = chunks.filter(({ estimate }) => estimate !== null);
  const requests = known.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const tokens = known.reduce(
    (sum, { estimate }) =>
      sum + (estimate?.inputTokens ?? 0) + (estimate?.outputTokens.expected ?? 0),
    0,
  );
  if (tokensPerSecond === undefined || tokens === 0) return perSecond;
  return Math.min(perSecond ?? Number.POSITIVE_INFINITY, (tokensPerSecond * requests) / tokens);
}

/** Whether a batch is to be cancelled for the deadline's sake, now that what is left was handed over. */
export function isTooLate(run: RunRecord, chunk: Chunk, driver: Driver): boolean {
  const { deadline } = run;
  if (deadline?.handedOver !== true || chunk.lane !== "batch") return false;
  return !makesIt(deadline, underWay(chunk, driver), Date.now());
}

function lateOf(run: RunRecord, open: readonly Chunk[], driver: Driver): readonly Chunk[] {
  const { deadline } = run;
  if (deadline === null) return [];
  return open.filter(
    (chunk) =>
      chunk.lane === "batch" &&
      chunk.state !== "ended" &&
      !makesIt(deadline, underWay(chunk, driver), Date.now()),
  );
}

function underWay(chunk: Chunk, { looks }: Driver): UnderWay {
  const { number, requestCount: total, submittedAtMs: sinceMs } = chunk;
  return { total, done: looks.get(number)?.done ?? null, sinceMs };
}

function leftOf({ total, done }: UnderWay): number {
  return Math.max(0, total - (done ?? 0));
}

function announcement(atMs: number, late: readonly Chunk[], driver: Driver): string {
  const left = late.reduce((sum, chunk) => sum + leftOf(underWay(chunk, driver)), 0);
  const numbers = late.map(({ number }) => String(number));
  const some = numbers.length > 5 ? `${numbers.slice(0, 5).join(", ")}, …` : numbers.join(", ");
  const chunks = numbers.length === 1 ? `Chunk ${some}` : `Chunks ${some}`;
  return (
    `${chunks} will not be answered in batches by ${new Date(atMs).toISOString()}: batches under way are cancelled, ` +
    `answers that came are kept, and up to ${String(left)} ${left === 1 ? "request is" : "requests are"} asked in realtime, ` +
    `${costText(late, driver.options.price ?? null)}. What a cancelled batch worked on and did not deliver may be charged too; the receipt names those rows.`
  );
}

/** What asking these chunks whole in realtime would cost, as far as it has been estimated. */
function costText(late: readonly Chunk[], price: Price | null): string {
  const estimates = late.flatMap(({ estimate }) => estimate ?? []);
  if (price === null || estimates.length < late.length)
    return "at the price of live calls (how much is not known)";
  const usage = {
    ...NO_USAGE,
    inputTokens: estimates.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    outputTokens: estimates.reduce((sum, { outputTokens }) => sum + outputTokens.high, 0),
  };
  const most = roundedUsd(spentUsd([{ usage }], price, "realtime"));
  return `for up to about $${most.toPrecision(3)} at the price of live calls`;
}
