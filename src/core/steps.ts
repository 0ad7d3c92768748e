/** Steps of a run with several new columns: which needs which, and so in what order they can go. */

import { InputError } from "./errors.ts";

/** What is known of a step before anything is read. */
export interface StepNeeds {
  readonly column: string;
  /** The columns the step adds. */
  readonly adds: readonly string[];
  /** The columns it reads: those its template names. */
  readonly reads: readonly string[];
}

/**
 * For each step, the positions of the earlier steps whose columns it reads.
 *
 * A step needs only steps before it: a column of a later one is unknown to it, as it would be in a
 * table that is filled from left to right.
 *
 * @throws {InputError} `step_order` for a step that reads a column of itself or of a later step, and
 * `column_exists` for two steps that add the same column; nothing was sent.
 */
export function stepNeeds(steps: readonly StepNeeds[]): readonly (readonly number[])[] {
  const owner = new Map<string, number>();
  for (const [at, { column, adds }] of steps.entries())
    for (const name of adds) {
      if (owner.has(name))
        throw new InputError(
          "column_exists",
          `Two steps add a column named ${JSON.stringify(name)}, the second of them the step ${JSON.stringify(column)}. Nothing was sent.`,
          { hint: "Give each step a column name of its own." },
        );
      owner.set(name, at);
    }
  return steps.map(({ column, reads }, at) => {
    const needed = new Set<number>();
    for (const name of reads) {
      const by = owner.get(name);
      if (by === undefined) continue;
      if (by >= at)
        throw new InputError(
          "step_order",
          `The step ${JSON.stringify(column)} reads ${JSON.stringify(name)}, which only ${by === at ? "it itself" : "a later step"} adds. Nothing was sent.`,
          { hint: "Put the step that adds the column before the one that reads it." },
        );
      needed.add(by);
    }
    return [...needed].sort((a, b) => a - b);
  });
}
