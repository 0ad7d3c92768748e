/** Planning: one pass over the rows, from the frame to chunk files and a recorded plan. */

import { InputError } from "./core/errors.ts";
import { rowWithoutRequest, type PlanCounts, type PlannedBlock } from "./core/plan.ts";
import type { Progress } from "./core/progress.ts";
import type { Settings } from "./settings.ts";
import { chunkRequests } from "./stages/chunk.ts";
import { planRows } from "./stages/plan.ts";
import type { Ports, Rendering } from "./stages/ports.ts";
import { removeRunFiles } from "./store/sqlite-remove.ts";
import type { Store } from "./store/store.ts";

/** What making a plan needs. */
export interface PlanningInput {
  readonly settings: Settings;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly requestsPerChunk: number | null;
  readonly directory: string;
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
  await store.clearPlan();
  const counting = planCounter(input.onProgress);
  const { form, frame, onNull, limit, model } = settings;
  const spec = { model: model.model, params: model.params, form };
  try {
    const made = await chunkRequests(
      counting.watch(planRows({ frame, rendering, spec, onNull, limit, provider })),
      {
        store,
        provider,
        token,
        requestsPerChunk: input.requestsPerChunk ?? provider.requestsPerChunk,
      },
    );
    const counts = counting.counts(made);
    if (counts.requests === 0) throw nothingToAsk(settings, counts);
    await store.finishPlan(counts);
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

interface PlanCounter {
  watch(blocks: AsyncIterable<PlannedBlock>): AsyncIterable<PlannedBlock>;
  counts(made: { chunks: number; bytes: number }): PlanCounts;
}

function planCounter(onProgress: (progress: Progress) => void): PlanCounter {
  const skipped = { blank: 0, limit: 0 };
  const rejected: Record<string, number> = {};
  let rows = 0;
  let asked = 0;
  let requests = 0;
  return {
    watch: async function* (blocks) {
      for await (const block of blocks) {
        rows += block.rows.requests.length;
        requests += block.requests.length;
        for (const request of block.rows.requests) {
          if (request >= 0) {
            asked += 1;
            continue;
          }
          const fate = rowWithoutRequest(request);
          if ("skipped" in fate) skipped[fate.skipped] += 1;
          else rejected[fate.rejected] = (rejected[fate.rejected] ?? 0) + 1;
        }
        onProgress(planning(requests));
        yield block;
      }
    },
    counts: (made) => ({
      rows,
      requests,
      duplicates: asked - requests,
      skipped,
      rejected,
      ...made,
    }),
  };
}

function planning(requests: number): Progress {
  const none = { answered: 0, failed: 0, underway: 0, chunks: 0, chunksCollected: 0 };
  return { phase: "planning", requests, ...none };
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
