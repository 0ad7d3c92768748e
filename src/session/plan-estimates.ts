/** The estimates of one plan: what its chunks and the whole of it are expected to use. */

import type { PlanEstimate } from "../core/plan.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import { countedInThread, countsOf } from "./counting.ts";
import { estimator, sumOfLoads, type ChunkLoad, type Estimator } from "./estimating.ts";
import { planThread, type PlanThread } from "./plan-thread.ts";
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
}

/** The thread of a plan with these settings, which {@link openEstimates} begins where it counts. */
export function threadFor({ model: { provider, model } }: Settings): PlanThread {
  return planThread(countedInThread({ provider: provider.id, model }));
}

/** Estimates of a run with these settings, of which nothing has been seen. */
export function openEstimates(settings: Settings, thread: PlanThread): Estimates {
  const { provider, model } = settings.model;
  const counts = countsOf({ provider: provider.id, model }, thread);
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
  };
}
