/** What a run remembers of its settings, and the settings made of that again. */

import type { CascadeOption } from "../passes/cascade.ts";
import type { CallSettings, PromptCache } from "../core/call-settings.ts";
import type { LongTexts } from "../core/cut.ts";
import type { Existing } from "../core/existing.ts";
import type { AnswerForm } from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import type { MetaColumn } from "../core/meta.ts";
import type { PriceOverrides } from "../core/price.ts";
import type { Params } from "../core/request.ts";
import type { OnNull } from "../core/template.ts";
import type { EnrichOptions } from "../enrich-options.ts";
import type { AskedAndRead } from "../enrich-settings.ts";
import type { OutputHow } from "../files/file-output.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import type { Unanswered } from "../files/kept-rows.ts";
import { askedOutput, withQuotes, type OutputOption } from "../output/form.ts";
import { schemaOption } from "../output/schema-option.ts";
import type { AnswerReading } from "../output/answer.ts";
import type { ModelSpec, OpenedModel } from "../provider/models.ts";
import type { TextEndpoint } from "../provider/openai-dialect.ts";
import type { Example } from "../stages/render.ts";
import { sampleOption } from "../core/sample.ts";
import type { RowChoice } from "./settings.ts";
import type { RunRecord } from "../store/store.ts";

/** What a run asks for, and how its replies are read: as its own schema says, or as another one does. */
export async function askedOf(
  { form, model, validator }: Spec,
  schema: OutputOption,
): Promise<AskedAndRead> {
  const given = schema ?? (validator === null ? undefined : await schemaOption(validator));
  if (given === undefined) return { form, validate: null };
  const { form: plain, validate } = await askedOutput(given, model);
  const readAs = form.kind === "object" && form.quotes === true ? withQuotes(plain) : plain;
  return { form, readAs, validate };
}

/** How a run's replies are read, as its record says: by its own schema's check where that can be loaded. */
export async function readingOfSpec(
  spec: Spec,
  { provider }: Pick<OpenedModel, "provider">,
): Promise<AnswerReading> {
  const { form, readAs, validate } =
    spec.validator === "code"
      ? { form: spec.form, validate: null }
      : await askedOf(spec, undefined);
  return { form: readAs ?? form, validate, isStrict: provider.schemaDialect?.isEnforced ?? true };
}

/** What {@link openSession} records of a run's settings. */
export interface Spec {
  readonly provider: string;
  readonly host: string;
  readonly model: string;
  readonly params: Params;
  readonly template: string | null;
  readonly system: string | null;
  readonly onNull: OnNull;
  readonly limit: number | null;
  /** Which rows are asked; null where the limit says all. */
  readonly choice: RowChoice | null;
  /** The columns that name a row; null where none do. */
  readonly key: readonly string[] | null;
  readonly column: string;
  readonly form: AnswerForm;
  readonly call: CallSettings;
  readonly promptCache: PromptCache | null;
  readonly examples: readonly Example[];
  readonly input: string | null;
  readonly output: string | null;
  /** What was said of the input that it does not show. */
  readonly reading: OpenFileOptions;
  /** How its output is written. */
  readonly writing: OutputHow;
  readonly baseUrl: string | null;
  /** The name of the variable that holds the key; null for the provider's own. */
  readonly apiKeyEnv: string | null;
  readonly endpoint: TextEndpoint | null;
  readonly flatten: number;
  /** Which of several votes on the same questions it is; null where there is one answer to each. */
  readonly vote: number | null;
  readonly meta: readonly MetaColumn[];
  readonly prices: PriceOverrides | null;
  /** Whether answers cost nothing. */
  readonly free: boolean;
  readonly long: LongTexts | null;
  /** What becomes of columns that the rows have already; null where nothing is said. */
  readonly existing: Existing | null;
  /** Which rows are kept; null for all. */
  readonly keep: Unanswered | null;
  /** Where a schema's own check is; null where the form says all, `code` where only the program has it. */
  readonly validator: string | null;
  readonly cacheFile: string | null;
  readonly refreshed: string | null;
  /** What the passes after this first one ask of whom; null where it is the whole run. */
  readonly followedBy: Json;
  readonly fallbackModel: ModelSpec | null;
  readonly cascade: CascadeOption | null;
}

/** The settings a run was recorded with; what was left out of them is null. */
export function readSpec({ spec: recorded }: Pick<RunRecord, "spec">): Spec {
  const spec = recorded as Readonly<Record<string, Json>>;
  const absent = {
    ...{ input: null, output: null, reading: {}, writing: {}, baseUrl: null, apiKeyEnv: null },
    ...{ endpoint: null, vote: null },
    ...{ flatten: 1, validator: null, cacheFile: null, refreshed: null },
    ...{ meta: [], prices: null, long: null, existing: null, keep: null, free: false },
    ...{ choice: null, key: null, followedBy: null, fallbackModel: null, cascade: null },
  };
  return { ...absent, ...spec } as unknown as Spec;
}

/** The model a run asks, as it is opened again. */
export function specModel(spec: Spec): ModelSpec {
  const { provider, model, params, baseUrl, apiKeyEnv, endpoint } = spec;
  return {
    provider,
    model,
    params,
    ...(baseUrl === null ? {} : { baseUrl }),
    ...(apiKeyEnv === null ? {} : { apiKeyEnv }),
    ...(endpoint === null ? {} : { endpoint }),
  };
}

/** The options that decide what a run asks and how its answers are given. */
export function specOptions(spec: Spec): EnrichOptions<string, OutputOption> {
  return {
    ...spec.call,
    ...(spec.promptCache === null ? {} : { promptCache: spec.promptCache }),
    examples: spec.examples,
    column: spec.column,
    flatten: spec.flatten,
    meta: spec.meta,
    ...(spec.prices === null ? {} : { prices: spec.prices }),
    ...(spec.long ?? {}),
    onNull: spec.onNull,
    ...(spec.system === null ? {} : { system: spec.system }),
    ...(spec.existing === null ? {} : { existing: spec.existing }),
    ...choiceOptions(spec),
    ...(spec.key === null ? {} : { key: spec.key }),
    ...(spec.fallbackModel === null ? {} : { fallbackModel: spec.fallbackModel }),
    ...(spec.cascade === null ? {} : { cascade: spec.cascade }),
  };
}

function choiceOptions({
  limit,
  choice,
}: Spec): Pick<EnrichOptions<string, OutputOption>, "limit" | "where" | "sample"> {
  const most = choice?.limit ?? limit;
  const { where = null, sample = null } = choice ?? {};
  return {
    ...(where === null ? {} : { where }),
    ...(sample === null ? {} : { sample: sampleOption(sample) }),
    ...(most === null ? {} : { limit: most }),
  };
}
