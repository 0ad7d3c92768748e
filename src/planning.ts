/** Planning: one pass over the rows, from the frame to chunk files and a recorded plan. */

import { InputError } from "./core/errors.ts";
import { laneOf, type Lane, type LaneChoice } from "./core/lane.ts";
import { rowWithoutRequest, type PlanCounts, type PlannedBlock } from "./core/plan.ts";
import { planningProgress, type Progress } from "./core/progress.ts";
import { readAnswer } from "./output/answer.ts";
import { openEstimates, type Estimates } from "./plan-estimates.ts";
import { answerReading, requestSpec, type Settings } from "./settings.ts";
import { chunkRequests } from "./stages/chunk.ts";
import { planRows } from "./stages/plan.ts";
import { recall, type RecallInput } from "./stages/recall.ts";
import { lanesAtHand, type Ports, type Rendering } from "./stages/ports.ts";
import { removeRunFiles } from "./store/sqlite-remove.ts";
import type { ReplyCache } from "./store/reply-cache.ts";
import type { Store } from "./store/store.ts";

/** What making a plan needs. */
export interface PlanningInput {
  readonly settings: Settings;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly requestsPerChunk: number | null;
  readonly lane: LaneChoice;
  readonly directory: string;
  readonly cache: ReplyCache | null;
  readonly onProgress: (progress: Progress) => void;
}

/**
 * Reads the rows, writes the chunk files and records the plan; sends nothing.
 *
 * A plan that was cut off is made anew. When the input turns out to be unusable, what the run
 * keeps in its directory is removed: nothing was sent for it, and a leftover would only be in the way.
 *
 * @throws {InputError} where the frame is damaged, and `nothing_to_ask` when every row is skipped.
 */
export async function makePlan(input: PlanningInput): Promise<PlanCounts> {
  const { settings, rendering, ports, directory } = input;
  const { store, provider, token } = ports;
  const laneFor = (requests: number): Lane => laneOf(input.lane, lanesAtHand(ports, requests));
  const manyBy = laneFor(Number.POSITIVE_INFINITY);
  await store.clearPlan();
  const { frame, onNull, limit } = settings;
  const spec = requestSpec(settings);
  const estimates = await openEstimates(settings);
  const counting = planCounter(input.onProgress, estimates);
  try {
    const blocks = counting.watch(planRows({ frame, rendering, spec, onNull, limit, provider }));
    const { cache } = input;
    // Where identities are to be told they are written down, whether or not anything is kept.
    const isRecalled = cache !== null || settings.meta.includes("prompt_hash");
    const made = await chunkRequests(
      isRecalled ? recall(blocks, recalling(input, cache, { counting, estimates })) : blocks,
      {
        store,
        provider,
        token,
        // What many requests take; decided once all are counted.
        lane: manyBy,
        requestsPerChunk: input.requestsPerChunk ?? provider.requestsPerChunk,
        weigher: estimates.weigher,
      },
    );
    const counted = counting.counts(made);
    const lane = laneFor(counted.requests - counted.cached);
    const counts = { ...counted, lane, estimate: estimates.plan() };
    if (counts.requests === 0 && !settings.mayAskNothing) throw nothingToAsk(settings, counts);
    if (lane !== manyBy) await store.switchLane(lane);
    await store.finishPlan(counts, estimates.chunks());
    return counts;
  } catch (error) {
    if (error instanceof InputError) await forget(store, directory);
    throw error;
  }
}

async function forget(store: Store, directory: string): Promise<void> {
  await store[Symbol.asyncDispose]();
  await removeRunFiles(directory);
}

/** How kept replies are found and tried: by the form and the check of this run. */
function recalling(
  { settings, ports }: PlanningInput,
  cache: ReplyCache | null,
  { counting, estimates }: { readonly counting: PlanCounter; readonly estimates: Estimates },
): RecallInput {
  const reading = answerReading(settings);
  // Looking for a million requests in an empty cache would take as long as planning them.
  const kept = settings.cache?.reads === true && cache?.isEmpty() === false ? cache : null;
  return {
    store: ports.store,
    find: (id) => kept?.get(id) ?? null,
    isUsable: async (line, fresh) => {
      const result = ports.provider.parse(line);
      if (result.status === "failed") return false;
      const isUsable = "value" in (await readAnswer(reading, result));
      if (isUsable) counting.cached();
      if (result.usage !== null) estimates.answered(fresh, result.usage);
      return isUsable;
    },
  };
}

interface PlanCounter {
  /** Counts a request that needs not be sent. */
  cached(): void;
  watch(blocks: AsyncIterable<PlannedBlock>): AsyncIterable<PlannedBlock>;
  counts(made: { chunks: number; bytes: number }): PlanCounts;
}

function planCounter(
  onProgress: (progress: Progress) => void,
  estimates: Pick<Estimates, "see">,
): PlanCounter {
  const skipped = { blank: 0, limit: 0, step: 0, bad_row: 0, pass: 0 };
  const rejected: Record<string, number> = {};
  let rows = 0;
  let asked = 0;
  let requests = 0;
  let cached = 0;
  let cutRows = 0;
  return {
    cached: () => {
      cached += 1;
    },
    watch: async function* (blocks) {
      for await (const block of blocks) {
        rows += block.rows.requests.length;
        requests += block.requests.length;
        cutRows += block.cutRows ?? 0;
        for (const fresh of block.requests) estimates.see(fresh);
        for (const request of block.rows.requests) {
          if (request >= 0) {
            asked += 1;
            continue;
          }
          const fate = rowWithoutRequest(request);
          if ("skipped" in fate) skipped[fate.skipped] += 1;
          else rejected[fate.rejected] = (rejected[fate.rejected] ?? 0) + 1;
        }
        onProgress(planningProgress(requests));
        yield block;
      }
    },
    counts: (made) => ({
      rows,
      requests,
      cached,
      duplicates: asked - requests,
      skipped,
      rejected,
      ...made,
      ...(cutRows === 0 ? {} : { cutRows }),
    }),
  };
}

function nothingToAsk(settings: Settings, counts: PlanCounts): InputError {
  const { blank, limit } = counts.skipped;
  const rejected = Object.values(counts.rejected).reduce((sum, rows) => sum + rows, 0);
  return new InputError(
    "nothing_to_ask",
    `None of the ${String(counts.rows)} rows of ${settings.frame.name} can be asked: ${String(blank)} are blank in a ` +
      `column the template names, ${String(limit)} lie past the limit, ${String(rejected)} are larger than the ` +
      `provider takes or rejected for a blank cell. Nothing was sent.`,
    { hint: "Name another column, or ask blank rows too with --on-null empty (onNull in code)." },
  );
}
