/** Planning: one pass over the rows, from the frame to chunk files and a recorded plan. */

import { dedupeIndex, type DedupeIndex } from "../core/dedupe.ts";
import { InputError } from "../core/errors.ts";
import { keptLine } from "../core/kept-lines.ts";
import { AUTO_REALTIME_REQUESTS, laneOf, type Lane, type LaneChoice } from "../core/lane.ts";
import {
  rowWithoutRequest,
  type PlanCounts,
  type PlanEstimate,
  type PlannedBlock,
  type PlannedRows,
} from "../core/plan.ts";
import type { PlanWatch } from "../core/plan-look.ts";
import { planningProgress, type Progress } from "../core/progress.ts";
import { addEstimates } from "../core/token-estimate.ts";
import { readAnswer } from "../output/answer.ts";
import { openEstimates, threadFor, type Estimates } from "./plan-estimates.ts";
import { answerReading, keptUnder, requestSpec, type Settings } from "./settings.ts";
import { chunkRequests } from "../stages/chunk.ts";
import { planRows } from "../stages/plan.ts";
import { recall, type RecallInput } from "../stages/recall.ts";
import { digesting } from "./digesting.ts";
import { peekedRequests } from "./first-request.ts";
import { takeLeftPreviews } from "./left-previews.ts";
import { lanesAtHand, type Ports, type Rendering } from "../stages/ports.ts";
import { removeRunFiles } from "../store/sqlite-remove.ts";
import type { SessionCache } from "../store/reply-cache.ts";
import type { Store } from "../store/store.ts";

/** What making a plan needs. */
export interface PlanningInput {
  readonly settings: Settings;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly requestsPerChunk: number | null;
  /** Null where nobody has chosen one: batches, after a first request asked alone. */
  readonly lane: LaneChoice | null;
  readonly directory: string;
  readonly cache: SessionCache | null;
  /** Told of everything that is planned now. */
  readonly watch: PlanWatch;
  readonly onProgress: (progress: Progress) => void;
  /** Ends the planning, with what is recorded kept; nothing does when left out. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the rows, writes the chunk files and records the plan; sends nothing.
 *
 * A plan that was cut off goes on after its last recorded chunk: the rows before it are not rendered
 * again. When the input turns out to be unusable before anything was sent, what the run keeps in its
 * directory is removed: a leftover would only be in the way.
 *
 * @throws {InputError} where the frame is damaged, and `nothing_to_ask` when every row is skipped.
 */
export async function makePlan(input: PlanningInput): Promise<PlanCounts> {
  const { settings, rendering, ports, directory, cache } = input;
  const { store, provider, token } = ports;
  const laneFor = (requests: number): Lane =>
    laneOf(input.lane ?? "batch", lanesAtHand(ports, requests));
  const manyBy = laneFor(Number.POSITIVE_INFINITY);
  const { frame, onNull, limit } = settings;
  const spec = requestSpec(settings);
  const thread = threadFor(settings);
  const estimates = openEstimates(settings, thread);
  const counting = planCounter(input, [estimates, input.watch]);
  try {
    if (cache !== null) await takeLeftPreviews({ runDir: settings.runDir, cache, provider });
    const soFar = await plannedBefore(store, counting);
    const rows = planRows({
      frame,
      rendering,
      spec,
      onNull,
      limit,
      provider,
      ...soFar,
      onBlank: input.watch.blank,
      digest: digesting(thread),
    });
    const blocks = counting.watch(rows);
    const finding = await recalling(input, estimates);
    const kept = finding === null ? blocks : recall(blocks, finding);
    // Who says outright that batches are wanted is asked nothing in realtime.
    const mayTry = input.lane !== "batch" && manyBy === "batch" && ports.live !== null;
    const [begun] = (await store.chunks()).filter(({ origin }) => origin === "plan");
    const peeked = await peekedRequests(kept, mayTry ? AUTO_REALTIME_REQUESTS : 0);
    const isAlone = begun === undefined ? peeked.isMore : begun.lane === "realtime";
    const canary = mayTry && isAlone;
    await chunkRequests(peeked.blocks, {
      store,
      provider,
      token,
      spec,
      // What many requests take; decided once all are counted.
      lane: manyBy,
      requestsPerChunk: input.requestsPerChunk ?? provider.requestsPerChunk,
      weigher: estimates.weigher,
      firstAlone: canary,
    });
    const counted = await counting.counts(store);
    const lane = laneFor(counted.requests - counted.cached);
    const alone = canary ? { canary } : {};
    const estimate = await wholeEstimate(estimates, store);
    const { sample = null } = settings.choice ?? {};
    const drawn = sample === null ? {} : { sample };
    const counts = { ...counted, ...drawn, ...alone, lane, estimate };
    const mayAskNothing = settings.mayAskNothing || counts.skipped.kept > 0;
    if (counts.requests === 0 && !mayAskNothing) throw nothingToAsk(settings, counts);
    if (lane !== manyBy) await store.switchLane(lane);
    await store.finishPlan(counts, await estimates.chunks());
    return counts;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (await hasSent(store)) throw brokenOff(error);
    await forget(store, directory);
    throw error;
  } finally {
    await thread.close();
  }
}

/** Takes up a plan that was cut off: its requests, and the row to go on with. */
async function plannedBefore(
  store: Store,
  counting: PlanCounter,
): Promise<{ readonly index: DedupeIndex; readonly firstRow: number }> {
  const index = dedupeIndex();
  for await (const ids of store.requestIds()) index.restore(ids);
  for await (const rows of store.plannedRows()) counting.count(rows);
  return { index, firstRow: (await store.planSoFar()).rows };
}

/** The estimate of all that is to be sent, the chunks of a plan that was cut off included. */
async function wholeEstimate(estimates: Estimates, store: Store): Promise<PlanEstimate> {
  const plan = await estimates.plan();
  const now = await estimates.chunks();
  const before = (await store.chunks()).filter(({ number }) => !now.has(number));
  const tokens = before.flatMap(({ estimate }) => estimate ?? []).reduce(addEstimates, plan.tokens);
  return { ...plan, tokens };
}

/** The error of an input that was found to be unusable while batches of the rows before were sent. */
function brokenOff(cause: InputError): InputError {
  const { message, hint } = cause;
  const said = message.replace(/ Nothing was sent\.$/, "");
  return new InputError(
    "input_broke_off",
    `${said} Rows before it were sent already: what they buy is kept, and used again by a run over the mended rows once it is collected.`,
    { ...(hint === undefined ? {} : { hint }), cause },
  );
}

async function hasSent(store: Store): Promise<boolean> {
  return (await store.chunks()).some(({ intent }) => intent !== null);
}

async function forget(store: Store, directory: string): Promise<void> {
  await store[Symbol.asyncDispose]();
  await removeRunFiles(directory);
}

/** How kept replies are found and tried: by the form and the check of this run; null where none are. */
export async function recalling(
  { settings, ports, cache }: Pick<PlanningInput, "settings" | "ports" | "cache">,
  estimates: Pick<Estimates, "answered">,
): Promise<RecallInput | null> {
  // Looking for a million requests in an empty cache would take as long as planning them.
  if (cache === null || settings.cache?.reads !== true || (await cache.isEmpty())) return null;
  const reading = answerReading(settings);
  const mark = keptUnder(settings).reading;
  let accepted = 0;
  return {
    find: (ids) => cache.find(ids),
    isUsable: (found, at, fresh) => {
      // Read as they would be read now they were accepted: what they were billed is learnt from some of them.
      const isAccepted = mark !== null && found.packs[at]?.reading === mark;
      if (isAccepted && !isLearntFrom(accepted++)) return true;
      const result = ports.provider.parse(keptLine(found, at) ?? "");
      if (result.status === "failed") return false;
      if (result.usage !== null) estimates.answered(fresh, result.usage);
      if (isAccepted) return true;
      const answer = readAnswer(reading, result);
      return answer instanceof Promise ? answer.then((read) => "value" in read) : "value" in answer;
    },
  };
}

const ALL_LEARNT_FROM = 1000;
// Then so many neighbours of so many: they lie in one pack, and unpacking all takes longer than the rest of recalling.
const LEARNT_FROM = 50;
const OUT_OF = 5000;

function isLearntFrom(before: number): boolean {
  return before < ALL_LEARNT_FROM || before % OUT_OF < LEARNT_FROM;
}

interface PlanCounter {
  /** Counts rows that were planned. */
  count(rows: PlannedRows): void;
  watch(blocks: AsyncIterable<PlannedBlock>): AsyncIterable<PlannedBlock>;
  /** The counts of the rows seen, with what the store holds of them. */
  counts(store: Store): Promise<Omit<PlanCounts, "lane">>;
}

function planCounter(
  { onProgress, signal }: Pick<PlanningInput, "onProgress" | "signal">,
  watches: readonly Pick<Estimates, "see">[],
): PlanCounter {
  const skipped = {
    blank: 0,
    limit: 0,
    where: 0,
    sample: 0,
    kept: 0,
    step: 0,
    bad_row: 0,
    pass: 0,
  };
  const rejected: Record<string, number> = {};
  let rows = 0;
  let asked = 0;
  let requests = 0;
  const count = ({ requests: planned }: PlannedRows): void => {
    rows += planned.length;
    for (const request of planned) {
      if (request >= 0) {
        asked += 1;
        // Ordinals count up with the rows that first have them.
        requests = Math.max(requests, request + 1);
        continue;
      }
      const fate = rowWithoutRequest(request);
      if ("skipped" in fate) skipped[fate.skipped] += 1;
      else rejected[fate.rejected] = (rejected[fate.rejected] ?? 0) + 1;
    }
  };
  return {
    count,
    watch: async function* (blocks) {
      for await (const block of blocks) {
        count(block.rows);
        for (const fresh of block.requests) for (const watch of watches) watch.see(fresh);
        onProgress(planningProgress(requests));
        signal?.throwIfAborted();
        yield block;
      }
    },
    counts: async (store) => {
      const chunks = await store.chunks();
      const made = chunks.filter(({ origin }) => origin === "plan");
      const recalled = chunks.filter(({ origin }) => origin === "cache");
      const { cutRows } = await store.planSoFar();
      return {
        rows,
        requests,
        cached: recalled.reduce((sum, { requestCount }) => sum + requestCount, 0),
        duplicates: asked - requests,
        skipped,
        rejected,
        chunks: made.length,
        bytes: made.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0),
        ...(cutRows === 0 ? {} : { cutRows }),
      };
    },
  };
}

function nothingToAsk(settings: Settings, counts: PlanCounts): InputError {
  const { blank, limit, where, sample } = counts.skipped;
  const rejected = Object.values(counts.rejected).reduce((sum, rows) => sum + rows, 0);
  return new InputError(
    "nothing_to_ask",
    `None of the ${String(counts.rows)} rows of ${settings.frame.name} can be asked: ${String(blank)} are blank in a ` +
      `column the template names, ${String(limit)} lie past the limit, ${leftOutText(where, sample)}${String(rejected)} are larger than the ` +
      `provider takes or rejected for a blank cell. Nothing was sent.`,
    { hint: "Name another column, or ask blank rows too with --on-null empty (onNull in code)." },
  );
}

function leftOutText(where: number, sample: number): string {
  const unmet = where === 0 ? "" : `${String(where)} do not meet the condition, `;
  return sample === 0 ? unmet : `${unmet}${String(sample)} are not in the sample, `;
}
