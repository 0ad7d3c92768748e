/** The passes that a run's options ask for: which other model is asked besides, and about which rows. */

import { InputError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import type { EnrichOptions } from "../enrich-options.ts";
import { goldOf } from "./cascade-gold.ts";
import { cascadePlan, cheapSettings, strongSettings } from "./cascade.ts";
import { fallbackPlan } from "./fallback.ts";
import { newColumns } from "../output/columns.ts";
import type { OutputOption } from "../output/form.ts";
import type { PassPlan } from "./pass-session.ts";
import type { ModelRef } from "../provider/models.ts";
import { columnLayout, requestSpec, type Settings } from "../session/settings.ts";

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
  const { fallbackModel, cascade } = options;
  const ref = fallbackModel ?? cascade?.model;
  return async (main) => {
    if (ref === undefined) return null;
    const other = await settingsFor(ref, main);
    try {
      refuseUnfit(main, other, options);
      const again = remembered(ref, other);
      if (cascade === undefined) {
        const memo = { ...main.memo, fallbackModel: again };
        return { settings: { ...main, memo }, plan: fallbackPlan(main, other) };
      }
      refuseCascade(main, options);
      const { model: _model, ...numbers } = cascade;
      const memo = { ...main.memo, cascade: { ...numbers, model: again } };
      const settings = cheapSettings({ ...main, memo });
      settings.model.provider.check(requestSpec(settings));
      const gold = cascade.gold === undefined ? null : await goldOf(main.frame, cascade.gold);
      return { settings, plan: cascadePlan(strongSettings(other), cascade, gold) };
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
  const { baseUrl, apiKeyEnv } = typeof ref === "string" ? {} : ref;
  return {
    ...{ provider: provider.id, model, params },
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
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

/** Told before anything is bought: answers that cannot be compared, or of which a row has several. */
function refuseCascade(
  { form, long }: Settings,
  { fallbackModel, cascade }: EnrichOptions<string, OutputOption>,
): void {
  if (fallbackModel !== undefined)
    throw unfit(
      "a cascade hands failed rows to its strong model, and another fallback is named",
      "Leave one of them out.",
    );
  if (form.kind === "text")
    throw unfit(
      "free texts are hardly ever the same twice, so nobody can say how often two models agree",
      "Ask for labels or a schema; or leave the cascade out.",
    );
  if (cascade?.gold !== undefined && (form.kind !== "labels" || form.multi === true))
    throw unfit(
      "a gold label is one label, and the answers are something else",
      "Ask for labels, one for each row; or leave gold out, and the strong model's answers are compared.",
    );
  if (long?.onLong === "chunk")
    throw unfit(
      "a cascade compares whole answers, and a long text asked in pieces has several",
      "Let long texts fail or be cut (onLong).",
    );
}

function unfit(problem: string, hint: string): InputError {
  const message = `The other model cannot be used: ${problem}. Nothing was sent.`;
  return new InputError("option_unsupported", message, { hint });
}
