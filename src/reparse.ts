/** Reparsing: the stored replies of a finished run are read again, for nothing. */

import { InputError } from "./core/errors.ts";
import type { Receipt } from "./core/receipt.ts";
import type { EnrichRun } from "./enrich-run.ts";
import type { OutputOption } from "./output/form.ts";
import { resumeRun } from "./resume-run.ts";
import type { RunStatus } from "./runs/runs.ts";

/** How a finished run is read again. */
export interface ReparseOptions {
  /** What its replies are read as; the run's own schema when left out. */
  readonly schema?: OutputOption;
  /** Writes to this file instead of the one the run was started with. */
  readonly output?: string;
}

/**
 * Reads every stored reply of a finished file run again and writes the output anew: answers that the
 * schema refused before and takes now are used, those it takes no longer fail as `invalid_output`, and
 * the run's failures are from then on those of this reading. Sends nothing and spends nothing.
 *
 * A run of {@link enrichColumn} or {@link enrichFile} is reparsed by the same call with the changed
 * schema, as long as what the model is asked for stays the same.
 *
 * @throws {InputError} `run_unfinished` while requests of it are open, and what `resumeRun` throws.
 */
export function reparseRun(
  run: RunStatus,
  options: ReparseOptions = {},
): EnrichRun<Receipt, unknown> {
  const isFinished = run.plan !== null && run.chunks.every(({ state }) => state === "collected");
  if (!isFinished)
    throw new InputError(
      "run_unfinished",
      `Run ${run.id} is not finished, so not all of its replies are here. Nothing was sent.`,
      { hint: `Go on with it first: batchframe resume ${run.id}.` },
    );
  return resumeRun(run, options);
}
