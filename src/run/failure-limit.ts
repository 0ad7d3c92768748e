/** Stopping a run that fails more than it may, before more is spent on it. */

import { isRecalled, type Chunk } from "../core/chunk.ts";
import { BudgetError } from "../core/errors.ts";
import {
  causeOf,
  isFatal,
  MOST_ALIKE,
  mostFailures,
  type MaxFailures,
} from "../core/failure-limit.ts";
import type { Progress } from "../core/progress.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import type { Ports } from "../stages/ports.ts";
import type { RunRecord } from "../store/store.ts";
import type { Driver, DriveOptions, FailureWatch } from "./driver.ts";

/**
 * A watch that begins now. It also has the replies to live calls judged as they come, so that a chunk of
 * many requests is left in the middle.
 *
 * Where nobody has said how many may fail, a run ends once the first {@link MOST_ALIKE} failures it has met
 * are fatal and alike, and nothing was answered. Failures from before this process began do not count:
 * who starts the run again wants to go on.
 */
export async function failureWatch(
  ports: Ports,
  options: DriveOptions,
  requests: number,
): Promise<FailureWatch> {
  const limit = options.maxFailures ?? null;
  const before = await causesIn(ports, options);
  const judge = limit === null ? alikeJudge(ports, options) : countingJudge(ports, options);
  let base: number | null = null;
  let judgedAt = 0;
  let isAlike = false;
  const isPast = async (failed: number, since: number): Promise<boolean> => {
    if (limit !== null) return failed > mostFailures(limit, requests);
    if (since < MOST_ALIKE) return false;
    if (since !== judgedAt) {
      judgedAt = since;
      const causes = await causesIn(ports, options);
      isAlike = [...causes].some(
        ([cause, times]) => times - (before.get(cause) ?? 0) >= MOST_ALIKE,
      );
    }
    return isAlike;
  };
  ports.live?.watched?.((line) => judge.goesOn(line));
  return {
    isPast: async ({ failed }, chunks) => {
      // Asked before anything is sent, so this is what there was before.
      const isFirst = base === null;
      base ??= failed;
      const isOver = limit === null && hasAnswers(chunks);
      const past = !isOver && (await isPast(failed, failed - base));
      // What was left unasked by a judgement that the books do not bear out is asked.
      if (isFirst || (!past && !chunks.some(isAskedHere)))
        judge.begin(isOver ? Number.POSITIVE_INFINITY : left(failed));
      return past;
    },
  };

  function left(failed: number): number {
    return limit === null ? MOST_ALIKE - 1 : mostFailures(limit, requests) - failed;
  }
}

/** Whether a chunk is one that this process may be asking. */
function isAskedHere({ lane, state }: Chunk): boolean {
  return lane === "realtime" && state !== "planned" && state !== "collected";
}

/** Whether the provider has answered anything; what a cache had says nothing of it. */
function hasAnswers(chunks: readonly Chunk[]): boolean {
  return chunks.some(
    ({ number, collection }) => !isRecalled(number) && (collection?.succeeded ?? 0) > 0,
  );
}

// Enough to find what most failures share; messages that quote their row are all different.
const MOST_CAUSES = 1000;

/** How often each fatal cause is met among a run's failures. */
async function causesIn(
  { store }: Pick<Ports, "store">,
  options: Pick<DriveOptions, "handedOn">,
): Promise<ReadonlyMap<string, number>> {
  const causes = new Map<string, number>();
  for await (const failure of store.failures())
    if (isOwn(failure, options)) count(causes, causeOf(failure));
  return causes;
}

/** Whether a failure ends what the run can do for its request; what another model is asked then is its affair. */
function isOwn(
  failure: RequestFailure,
  { handedOn }: { readonly handedOn?: ReadonlySet<RowErrorCode> | undefined },
): boolean {
  return isFatal(failure) && handedOn?.has(failure.code) !== true;
}

function count(causes: Map<string, number>, cause: string): number {
  const times = (causes.get(cause) ?? 0) + 1;
  if (causes.has(cause) || causes.size < MOST_CAUSES) causes.set(cause, times);
  return times;
}

/** Judges replies to live calls as they come. */
interface Judge {
  /** Whether more is to be asked after this reply. */
  goesOn(line: string): boolean;
  /** Counts from nothing, and lets so many fail. */
  begin(most: number): void;
}

/** The failure in a reply line that will be the request's own; null for an answer, and for what is asked once more. */
function failureIn(
  line: string,
  { provider }: Pick<Ports, "provider">,
  { amendable }: DriveOptions,
): RequestFailure | "answer" | null {
  const result = provider.parse(line);
  if (result.status === "succeeded") return "answer";
  const { failure } = result;
  return failure.retryable || amendable.has(failure.code) ? null : failure;
}

/** Goes on until so many have failed alike and none was answered. */
function alikeJudge(ports: Ports, options: DriveOptions): Judge {
  const causes = new Map<string, number>();
  let [most, hasAnswer] = [MOST_ALIKE - 1, false];
  return {
    begin: (left) => {
      most = left;
      causes.clear();
    },
    goesOn: (line) => {
      if (hasAnswer) return true;
      const failure = failureIn(line, ports, options);
      if (failure === "answer") hasAnswer = true;
      if (failure === "answer" || failure === null || !isOwn(failure, options)) return true;
      return count(causes, causeOf(failure)) <= most;
    },
  };
}

/** Goes on until more than so many have failed. */
function countingJudge(ports: Ports, options: DriveOptions): Judge {
  let [most, failed] = [Number.POSITIVE_INFINITY, 0];
  return {
    begin: (left) => {
      [most, failed] = [left, 0];
    },
    goesOn: (line) => {
      const failure = failureIn(line, ports, options);
      if (failure !== null && failure !== "answer") failed += 1;
      return failed <= most;
    },
  };
}

/** The error of a run that has failed more than it may: the commonest cause, what was asked, what it cost, how to go on. */
export async function tooManyFailures(
  run: RunRecord,
  chunks: readonly Chunk[],
  { driver, progress }: { readonly driver: Driver; readonly progress: Progress },
): Promise<BudgetError> {
  const { failed, requests, spentUsd } = progress;
  const waiting = chunks.filter(({ state }) => state === "planned");
  const unsent = waiting.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const under = chunks.filter(({ state }) => state !== "planned" && state !== "collected").length;
  const money =
    spentUsd === null
      ? "What was spent is not known, for lack of a price."
      : `$${String(spentUsd)} was spent.`;
  const batches =
    under === 0 ? "" : ` ${String(under)} ${under === 1 ? "batch goes" : "batches go"} on there.`;
  const { times, cause } = await commonest(driver);
  const { maxFailures = null } = driver.options;
  return new BudgetError(
    "too_many_failures",
    `${failedText({ failed, requests, times }, maxFailures)}: ${cause}. ` +
      `The other ${String(unsent)} were not asked.${batches} ${money}`,
    {
      hint: `See them with: batchframe failures ${run.id}. ${goOnText(maxFailures)}${under === 0 ? "" : ` batchframe cancel ${run.id} stops the batches.`}`,
    },
  );
}

function failedText(
  counts: Readonly<Record<"failed" | "requests" | "times", number>>,
  limit: MaxFailures | null,
): string {
  const { failed, requests, times } = counts;
  const of = `${String(failed)} of ${String(requests)} requests failed`;
  return limit === null
    ? `${of} before any was answered, ${String(times)} of them alike`
    : `${of}, more than the ${String(limit)} that may; ${String(times)} of them alike`;
}

function goOnText(limit: MaxFailures | null): string {
  return limit === null
    ? `Once the cause is mended, the same command goes on with the rest, and retry asks these again; --max-failures 100% (maxFailures in code) lets any number fail.`
    : `The same command with a larger --max-failures (maxFailures in code) goes on where this stopped.`;
}

async function commonest(
  driver: Driver,
): Promise<{ readonly times: number; readonly cause: string }> {
  const causes = new Map<string, number>();
  const told = new Map<string, string>();
  for await (const failure of driver.ports.store.failures()) {
    const cause = causeOf(failure);
    count(causes, cause);
    if (!told.has(cause) && told.size < MOST_CAUSES) told.set(cause, toldOf(failure));
  }
  const [most] = [...causes].sort(([, a], [, b]) => b - a);
  return most === undefined
    ? { times: 0, cause: "no cause is known" }
    : { times: most[1], cause: told.get(most[0]) ?? most[0] };
}

const MOST_OF_A_MESSAGE = 200;

function toldOf({ code, message }: RequestFailure): string {
  return `${code}: ${message.slice(0, MOST_OF_A_MESSAGE).replace(/[.\s]+$/, "")}`;
}
