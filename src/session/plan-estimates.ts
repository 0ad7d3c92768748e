/** The estimates of one plan: what its chunks and the whole of it are expected to use. */

import type { PlanEstimate } from "../core/plan.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import { openCounts } from "./count-thread.ts";
import { estimator, sumOfLoads, type ChunkLoad, type Estimator } from "./estimating.ts";
import { requestSpec, type Settings } from "./settings.ts";
import type { Weigher } from "../stages/chunk.ts";
import type { ChunkEstimates } from "../store/store.ts";
import { thinksByItself } from "./tokenizer.ts";

/** Estimates in the making, told of everything that is planned. */
export interface Estimates extends Pick<Estimator, "see" | "answered" | "scale" | "estimate"> {
  readonly weigher: Weigher;
  /** Every chunk's estimate, by all that is known now. */
  chunks(): Promise<ChunkEstimates>;
  /** The estimate of everything that is to be sent. */
  plan(): Promise<PlanEstimate>;
  /** Ends what counts. */
  close(): Promise<void>;
}

/** Estimates of a run with these settings, of which nothing has been seen. */
export function openEstimates(settings: Settings): Estimates {
  const { provider, model } = settings.model;
  const counts = openCounts({ provider: provider.id, model });
  const estimates = estimator({
    spec: requestSpec(settings),
    counts,
    thinks: thinksByItself(provider.id, model),
    price: settings.price,
  });
  const loads = new Map<number, ChunkLoad>();
  const open = estimates.scale();
  return {
    see: estimates.see,
    answered: estimates.answered,
    scale: estimates.scale,
    estimate: estimates.estimate,
    weigher: {
      add: (fresh) => {
        open.add(fresh);
      },
      weighed: (chunk) => {
        const load = open.take();
        loads.set(chunk, load);
        return estimates.estimate(load);
      },
    },
    chunks: async () => {
      const made = new Map<number, TokenEstimate>();
      for (const [chunk, load] of loads) made.set(chunk, await estimates.estimate(load));
      return made;
    },
    plan: () => estimates.whole(sumOfLoads([...loads.values()])),
    close: () => counts.close(),
  };
}
