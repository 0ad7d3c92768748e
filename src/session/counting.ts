/** Counting the tokens of texts for one model: in a plan's thread where the table to count by is large, and here where there is none. */

import type { PlanThread } from "./plan-thread.ts";
import type { CountedModel } from "./plan-worker.ts";
import { countsBy, tokenCounter, type CountedBy } from "./tokenizer.ts";

/** Counts the tokens of texts. */
export interface TokenCounts extends CountedBy {
  /** The tokens of each text. */
  readonly count: (texts: readonly string[]) => Promise<readonly number[]>;
}

let hasCounted = false;

/**
 * What of a model a plan's thread must know to count its tokens; null where they are counted without a table, and
 * from the second plan of a process on, which would load it anew for each column and vote: it then stays here.
 */
export function countedInThread(model: CountedModel): CountedModel | null {
  if (hasCounted || !countsBy(model.provider, model.model).isExact) return null;
  hasCounted = true;
  return model;
}

/** The counts of a model's tokens; a thread that counts is begun at once, since its table takes a while to load. */
export function countsOf(model: CountedModel, thread: PlanThread): TokenCounts {
  const by = countsBy(model.provider, model.model);
  const here = async (texts: readonly string[]): Promise<readonly number[]> => {
    const { count } = await tokenCounter(model.provider, model.model);
    return texts.map(count);
  };
  if (!thread.counts) return { ...by, count: here };
  thread.begin();
  return { ...by, count: (texts) => thread.count(texts).catch(() => here(texts)) };
}
