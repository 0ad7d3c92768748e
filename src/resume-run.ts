/** Going on with a run on disk by its name. */

import { join, resolve as absolute } from "node:path";
import { InputError } from "./core/errors.ts";
import type { Receipt } from "./core/receipt.ts";
import { fileRun, type EnrichOptions } from "./enrich.ts";
import type { EnrichRun } from "./enrich-run.ts";
import type { OutputOption } from "./output/form.ts";
import type { Pacing } from "./provider/pacing.ts";
import { askedOf, readSpec, specModel, specOptions } from "./session/run-spec.ts";
import type { RunStatus } from "./runs/run-status.ts";
import { readSqliteRun } from "./store/sqlite-reader.ts";

/** What {@link resumeRun} takes over from {@link EnrichOptions}. */
type Passed = Pick<
  EnrichOptions<string, OutputOption>,
  | "pollEveryMs"
  | "retries"
  | "maxFailures"
  | "stallMs"
  | "keepRemote"
  | "lane"
  | "deadlineMs"
  | "maxCostUsd"
  | "prices"
  | keyof Pacing
  | "signal"
  | "onProgress"
  | "progress"
>;

/** How a run is gone on with; what is asked cannot be changed. */
export type ResumeOptions = Passed & {
  /** Writes to this file instead of the one the run was started with. */
  readonly output?: string;
  /** The key; else the provider's environment variable. */
  readonly apiKey?: string;
  /** Reads replies as this, which models were not asked for; needed where the run's own schema is in code that is not at hand. */
  readonly schema?: OutputOption;
};

/**
 * Goes on with a file run as it was started, from wherever it stands. Gives the receipt.
 *
 * @throws {InputError} `run_not_resumable` for rows in memory and templates that are functions, which
 * only the code that started them has; `run_unknown` and whatever {@link enrichFile} throws.
 */
export function resumeRun(
  run: RunStatus,
  options: ResumeOptions = {},
): EnrichRun<Receipt, unknown> {
  if (run.steps.length > 0)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} has ${String(run.steps.length)} steps, which only the command or the code that started them has together. Nothing was sent.`,
      { hint: "Give that command again; it goes on where the run stands." },
    );
  const spec = readSpec(readSqliteRun(run.passes[0]?.directory ?? run.directory).run);
  const { input, template } = spec;
  const { output = spec.output, schema, apiKey, ...passed } = options;
  if (input === null || output === null || template === null)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} was started from code, with rows or a template only that code has. Nothing was sent.`,
      { hint: "Run that code again; it goes on where the run stands." },
    );
  if (spec.validator === "code" && schema === undefined)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} was started with a schema whose checks only that code has. Nothing was sent.`,
      {
        hint: `Run that code again; or give the schema: batchframe reparse ${run.id} --schema ./schema.ts#name.`,
      },
    );
  return fileRun({
    files: {
      ...{ input, output, reading: spec.reading, ...spec.writing },
      // Another output than the run's own replaces nothing.
      ...(options.output === undefined ? {} : { inPlace: false }),
    },
    template,
    model: { ...specModel(spec), ...(apiKey === undefined ? {} : { apiKey }) },
    asked: () => askedOf(spec, schema),
    refreshed: spec.refreshed,
    ...(spec.keep === null ? {} : { keep: spec.keep }),
    options: {
      ...specOptions(spec),
      runDir: absolute(join(run.directory, "..")),
      ...(spec.cacheFile === null ? { cache: false } : { cacheFile: spec.cacheFile }),
      name: run.id,
      ...passed,
    },
  });
}
