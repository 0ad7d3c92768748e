/** The estimates of one plan: what its chunks and the whole of it are expected to use. */

import type { PlanEstimate } from "../core/plan.ts";
import {
  addChunkLoads,
  EMPTY_LOAD,
  estimator,
  type ChunkLoad,
  type Estimator,
} from "./estimating.ts";
import { requestSpec, type Settings } from "./settings.ts";
import type { Weigher } from "../stages/chunk.ts";
import type { ChunkEstimates } from "../store/store.ts";
import { thinksByItself, tokenCounter } from "./tokenizer.ts";

/** Estimates in the making, told of everything that is planned. */
export interface Estimates extends Pick<Estimator, "see" | "answered" | "scale" | "estimate"> {
  readonly weigher: Weigher;
  /** Every chunk's estimate, by all that is known now. */
  chunks(): ChunkEstimates;
  /** The estimate of everything that is to be sent. */
  plan(): PlanEstimate;
}

/** Estimates of a run with these settings, of which nothing has been seen. */
export async function openEstimates(settings: Settings): Promise<Estimates> {
  const { provider, model } = settings.model;
  const estimates = estimator({
    spec: requestSpec(settings),
    counter: await tokenCounter(provider.id, model),
    thinks: thinksByItself(provider.id, model),
    price: settings.price,
  });
  const loads = new Map<number, ChunkLoad>();
  const open = estimates.scale();
  const all = (): ChunkLoad => [...loads.values()].reduce(addChunkLoads, EMPTY_LOAD);
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
    chunks: () => new Map([...loads].map(([chunk, load]) => [chunk, estimates.estimate(load)])),
    plan: () => estimates.whole(all()),
  };
}
