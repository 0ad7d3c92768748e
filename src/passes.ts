/** The passes that a run's options ask for: which other model is asked besides, and about which rows. */

import { InputError } from "./core/errors.ts";
import type { Json } from "./core/hash.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { fallbackPlan } from "./fallback.ts";
import { newColumns } from "./output/columns.ts";
import type { OutputOption } from "./output/form.ts";
import type { PassPlan } from "./pass-session.ts";
import type { ModelRef } from "./provider/models.ts";
import { columnLayout, requestSpec, type Settings } from "./settings.ts";

/** A run in passes: the settings of the first, and what follows from it. */
export interface Passes {
  readonly settings: Settings;
  readonly plan: PassPlan;
}

/** Makes the passes of a run from the settings of its own model; null for a run of one pass. */
export type MakePasses = (settings: Settings) => Promise<Passes | null>;

/**
 * The passes these options ask for. `settingsFor` gives the settings of another model, over the same rows.
 *
 * The other model is opened at once, so that a key it lacks, or a setting it has no place for, is told
 * before anything is sent.
 *
 * @throws {InputError} `option_invalid` and `option_unsupported`, and what opening the model throws.
 */
export function passesOf(
  options: EnrichOptions<string, OutputOption>,
  settingsFor: (model: ModelRef, main: Settings) => Promise<Settings>,
): MakePasses {
  const { fallbackModel } = options;
  return async (main) => {
    if (fallbackModel === undefined) return null;
    const other = await settingsFor(fallbackModel, main);
    try {
      refuseUnfit(main, other, options);
      const memo = { ...main.memo, fallbackModel: remembered(fallbackModel, other) };
      return { settings: { ...main, memo }, plan: fallbackPlan(main, other) };
    } catch (error) {
      await other.model.provider.close();
      throw error;
    }
  };
}

/** What a later process needs to open the model again; never a key. */
function remembered(
  ref: ModelRef,
  { model: { provider, model, params }, endpoint }: Settings,
): Json {
  const baseUrl = typeof ref === "string" ? undefined : ref.baseUrl;
  return {
    ...{ provider: provider.id, model, params },
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(endpoint === null ? {} : { endpoint }),
  };
}

/** Told before anything is bought: a second model that is the first, or whose answers would make other columns. */
function refuseUnfit(
  main: Settings,
  other: Settings,
  { params }: EnrichOptions<string, OutputOption>,
): void {
  const [{ provider, model }, { provider: others, model: name }] = [main.model, other.model];
  if (provider.id === others.id && provider.host === others.host && model === name)
    throw unfit(`${others.id}/${name} is the run's own model`, "Name another.");
  if (params !== undefined && provider.id !== others.id)
    throw unfit(
      `params are fields of ${provider.id}'s requests, and ${others.id}/${name} is asked as well`,
      "Leave them out, or give each model its own: { provider, model, params }.",
    );
  if (main.form.kind === "embedding")
    throw unfit("vectors of two models cannot be compared", "Leave the other model out.");
  const columnsOf = (settings: Settings): string =>
    JSON.stringify(newColumns(settings.column, columnLayout(settings)));
  if (columnsOf(main) !== columnsOf(other))
    throw unfit(
      `${others.id}/${name} gives answers of another form`,
      "Name a model that answers as the first does.",
    );
  others.check(requestSpec(other));
}

function unfit(problem: string, hint: string): InputError {
  const message = `The other model cannot be used: ${problem}. Nothing was sent.`;
  return new InputError("option_unsupported", message, { hint });
}
