/** Options become settings: everything checked that can be, and the model loaded. */

import { join, resolve as absolute } from "node:path";
import { callSettings, checkPositive } from "./core/call-options.ts";
import { InputError } from "./core/errors.ts";
import { replacesExisting } from "./core/existing.ts";
import { checkedMaxFailures } from "./core/failure-limit.ts";
import type { AnswerForm } from "./core/form.ts";
import type { Json } from "./core/hash.ts";
import { LANES } from "./core/lane.ts";
import { metaColumns } from "./core/meta.ts";
import { priceOf } from "./core/price.ts";
import { checkTemplate, parseTemplate, type Template } from "./core/template.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import type { Frame } from "./frame/frame.ts";
import { keepableRows } from "./frame/old-answers.ts";
import { askedOutput, withQuotes, type AskedOutput, type OutputOption } from "./output/form.ts";
import { sourceOf } from "./output/schema-option.ts";
import { openModel, resolveModel, type ModelRef } from "./provider/models.ts";
import { pacingOf, refusePacing, type Pacing } from "./provider/pacing.ts";
import { purseFor } from "./session/run-budget.ts";
import { DEFAULT_RESENDS, type ConductGiven } from "./session/session.ts";
import { DEFAULT_RUN_DIR, type CacheUse, type Settings } from "./session/settings.ts";
import type { RowFunction } from "./stages/render.ts";
import { oldAnswersOf } from "./old-answers.ts";
import { chosenFrame, choiceOf } from "./row-choice.ts";
import { runKey } from "./row-key.ts";
import { checkPrices, longTexts } from "./told-options.ts";

/** What models are asked for, what replies are read as where that differs, and how they are checked. */
export interface AskedAndRead extends AskedOutput {
  readonly readAs?: AnswerForm;
}

/** The new column's name when nobody gives one. */
export const DEFAULT_COLUMN = "enriched";

/** How a run is conducted, as its options say. */
export function conductOf(options: EnrichOptions<string, OutputOption>): ConductGiven {
  checkPositive("chunkRows", options.chunkRows);
  checkLane(options);
  checkPositive("deadlineMs", options.deadlineMs);
  checkPositive("pollEveryMs", options.pollEveryMs);
  checkPositive("limit", options.limit);
  checkPositive("stallMs", options.stallMs);
  if (options.retries !== 0) checkPositive("retries", options.retries);
  return {
    requestsPerChunk: options.chunkRows ?? null,
    deadlineMs: options.deadlineMs ?? null,
    lane: options.lane ?? null,
    pollEveryMs: options.pollEveryMs ?? null,
    maxResends: options.retries ?? DEFAULT_RESENDS,
    maxFailures: checkedMaxFailures(options.maxFailures),
    stallMs: options.stallMs ?? null,
    keepRemote: options.keepRemote ?? false,
    sendsEarly: checkedEarly(options),
    purse: purseFor(options.maxCostUsd),
  };
}

/** What settings are made from besides rows, template and model. */
export interface SettingsGiven {
  readonly options: EnrichOptions<string, OutputOption>;
  /** What else the run remembers. */
  readonly memo: Readonly<Record<string, Json>>;
  /** The mark of a refresh; null for any other run. */
  readonly refreshed: string | null;
  readonly asked?: () => Promise<AskedAndRead>;
}

/** What makes a refresh a run of its own, which asks again what the same call has asked before; null for any other. */
export function refreshMark({ cache }: EnrichOptions<string, OutputOption>): string | null {
  return cache === "refresh" ? new Date().toISOString() : null;
}

/** Which cache a run uses: the one beside the runs unless told, none where it keeps nothing. */
function cacheUse(options: EnrichOptions<string, OutputOption>): CacheUse | null {
  const { cache = options.runDir !== null, runDir } = options;
  if (cache === false) return null;
  const file = options.cacheFile ?? join(runDir ?? DEFAULT_RUN_DIR, "cache.sqlite");
  return { file: absolute(file), reads: cache === true };
}

// Which levels become columns can be chosen anew at each reading, so it is no part of what is asked.
const DEFAULT_LEVELS = 1;

/** The settings of a run of one column, with its model loaded. */
export async function settingsOf(
  frame: Frame,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  { options, memo, refreshed, asked }: SettingsGiven,
): Promise<Settings> {
  if (options.votes !== undefined)
    throw new InputError(
      "option_unsupported",
      "votes cannot be taken where rows are kept or left out by their answers. Nothing was sent.",
      { hint: "Add the column by votes first, and filter by it afterwards." },
    );
  const read = readTemplate(template, frame);
  const replaces = replacesExisting(options.existing);
  const choice = choiceOf(options);
  const key = runKey(frame, options.key);
  const name = typeof model === "string" ? model : model.model;
  const { form: plain, ...output } = await (asked?.() ?? askedOutput(options.output, name));
  const form = options.quotes === true ? withQuotes(plain) : plain;
  const flatten = options.flatten ?? DEFAULT_LEVELS;
  const long = longTexts(options, typeof template === "string");
  const meta = metaColumns(options.meta ?? []);
  checkPrices(options.prices);
  if (flatten !== 0) checkPositive("flatten", flatten);
  const cache = cacheUse(options);
  const opened = await openModel(pacedModel(model, options));
  const settings = {
    ...(choice === null ? {} : { choice }),
    ...(key === null ? {} : { key }),
    template: read,
    system: options.system,
    onNull: options.onNull ?? "skip",
    limit: choice === null ? (options.limit ?? null) : null,
    ...output,
    form,
    flatten,
    long,
    meta,
    price: priceOf(opened.provider.id, opened.model, options.prices),
    call: callSettings(options),
    promptCache: options.promptCache ?? null,
    examples: options.examples ?? [],
    column: options.column ?? DEFAULT_COLUMN,
    replaces,
    model: { ...opened, params: { ...opened.params, ...options.params } },
    endpoint: typeof model === "string" ? null : (model.endpoint ?? null),
    runDir: options.runDir ?? DEFAULT_RUN_DIR,
    cache,
    refreshed,
    mayAskNothing: false,
    name: options.name ?? null,
    // A schema's own code cannot be written down: where it can be loaded from again is.
    memo: {
      ...memo,
      flatten,
      meta,
      ...(options.existing === undefined ? {} : { existing: options.existing }),
      key: key?.columns ?? null,
      prices: (options.prices ?? null) as Json,
      cacheFile: cache?.file ?? null,
      validator: validatorOf(output, options.output),
    },
  };
  const old = oldAnswersOf(frame, settings, options);
  const rows = old === null ? frame : keepableRows(old);
  return {
    ...settings,
    ...(old === null ? {} : { old }),
    frame: choice === null ? rows : chosenFrame(rows, choice),
  };
}

/** The model with what the options say of its pace, which wins over what it says itself. */
function pacedModel(model: ModelRef, options: Pacing): ModelRef {
  const pacing = pacingOf(options);
  if (Object.keys(pacing).length === 0) return model;
  return { ...(typeof model === "string" ? resolveModel(model) : model), ...pacing };
}

/** @throws {InputError} `option_unsupported` where something must be known of all rows before any is asked. */
function checkedEarly(options: EnrichOptions<string, OutputOption>): boolean {
  if (options.sendsEarly !== true) return false;
  const { maxCostUsd, deadlineMs, maxFailures, lane } = options;
  const whole = { maxCostUsd, deadlineMs, maxFailures };
  const [name] = Object.entries(whole).find(([, value]) => value !== undefined) ?? [];
  const needs = lane === "auto" ? 'lane "auto"' : name;
  if (needs === undefined) return true;
  throw new InputError(
    "option_unsupported",
    `sendsEarly sends before all rows are known, and ${needs} needs to know them. Nothing was sent.`,
    { hint: "Leave out one of the two." },
  );
}

/** @throws {InputError} `lane_unknown`, and `option_unsupported` where nothing is asked one by one. */
function checkLane(options: EnrichOptions<string, OutputOption>): void {
  const { lane } = options;
  if (lane === "batch" && options.deadlineMs === undefined)
    refusePacing(pacingOf(options), 'lane "batch"');
  if (lane === undefined || LANES.includes(lane)) return;
  throw new InputError(
    "lane_unknown",
    `There is no lane named ${JSON.stringify(lane)}. Nothing was sent.`,
    { hint: `The lanes: ${LANES.join(", ")}.` },
  );
}

/** Where a schema's own check can be found again: a module and its export, `code` for the calling program alone, null where there is none. */
function validatorOf(
  { validate }: Pick<AskedOutput, "validate">,
  option: OutputOption,
): string | null {
  return validate === null ? null : (sourceOf(option) ?? "code");
}

/** Reads the template; a column it misspells is told before a key is looked for or a model is loaded. */
function readTemplate(
  template: string | RowFunction["prompt"],
  frame: Frame,
): Template | RowFunction {
  if (typeof template !== "string") return { columns: frame.columns, prompt: template };
  const read = parseTemplate(template);
  checkTemplate(read, frame.columns);
  return read;
}
