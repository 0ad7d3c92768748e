/** `batchframe run`: adds a column to a file with a prompt of one's own. */

import {
  fileTask,
  InputError,
  type EnrichOptions,
  type OpenFileOptions,
  type OutputHow,
  type OutputOption,
  type Task,
} from "../index.ts";
import { afterOf } from "./after.ts";
import { outputOf, toldOptions } from "./answer-flags.ts";
import type { EnrichFlags, RunFlags } from "./flags.ts";
import { callOptions } from "./call-flags.ts";
import { enqueueCommand } from "./enqueue.ts";
import { follow, hostOf, maxFailuresOf, type Followed } from "./follow.ts";
import { paramsOf, textOf } from "./given.ts";
import { laneOptions } from "./lane-flags.ts";
import { chooseModel, otherModel, type ModelChoice } from "./model-choice.ts";
import { moneyOptions } from "./money-flags.ts";
import { DEFAULT_RUN_DIR, dryCache, keyless, tellPlan } from "./plan.ts";
import { enrichedPath } from "./paths.ts";
import { drawOf, tellPreview } from "./preview.ts";
import { showPrompt } from "./show-prompt.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives the exit code. */
export async function runCommand(
  input: string,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  return await enrich(input, await askOf(flags), terminal);
}

/** What the flags of a command with a prompt of one's own ask. @throws {InputError} `prompt_missing` */
export async function askOf(flags: RunFlags): Promise<Ask> {
  if (flags.prompt === undefined)
    throw new InputError("prompt_missing", "There is no prompt to ask. Nothing was sent.", {
      hint: "Give one with --prompt, such as: --prompt 'Summarise in five words: {{ text }}'",
    });
  const template = await textOf("--prompt", flags.prompt);
  const system = flags.system === undefined ? null : await textOf("--system", flags.system);
  const task = { column: "enriched", system, template, output: await outputOf(flags), own: [] };
  return { task, flags };
}

/** What is asked of each row, and everything else the flags say. */
export interface Ask {
  readonly task: Task;
  readonly flags: EnrichFlags;
  /** Whether nothing is to be sent or kept: a key is then not needed, and the run has no directory. */
  readonly isDry?: boolean;
}

/** Enriches a file as the flags say and follows the run; gives the exit code. */
export async function enrich(input: string, ask: Ask, terminal: Terminal): Promise<number> {
  const { flags } = ask;
  if (flags.printPrompt !== undefined) return await printed(input, ask, terminal);
  if (flags.dryRun === true) return await planned(input, ask, terminal);
  if (flags.against !== undefined)
    throw new InputError(
      "option_invalid",
      "--against compares a plan, and this would be a run. Nothing was sent.",
      { hint: "Add --dry-run, or say plan in place of run." },
    );
  if (flags.state !== undefined) return await handOver(input, ask, terminal);
  const run = await runOf(input, outputPath(input, flags, terminal), ask);
  if (flags.preview !== undefined) return await tellPreview(run, flags, terminal);
  const { yes = false, maxCost, confirmAbove, detach = false } = flags;
  const told = {
    yes,
    maxCost,
    confirmAbove,
    detach,
    after: afterOf(flags),
    ...maxFailuresOf(flags),
  };
  return await follow({ ...run, ...told }, terminal);
}

/**
 * Where the rows go: where the flags say, else to the pipe or file that standard output goes to unless
 * that is for `--json`, else beside the input.
 *
 * @throws {InputError} `option_invalid` for two places.
 */
function outputPath(
  input: string,
  { output, inPlace = false, detach = false }: EnrichFlags,
  terminal: Terminal,
): string {
  if (detach && input === "-")
    throw new InputError(
      "option_unsupported",
      "--detach cannot be used with standard input, whose rows are needed once more when the answers come. Nothing was sent.",
      { hint: "Write the rows to a file first, and name that." },
    );
  if (inPlace && output !== undefined)
    throw new InputError(
      "option_invalid",
      "--in-place and --output name two places for one output. Nothing was sent.",
    );
  if (inPlace) return input;
  // Who detaches is gone when the rows come; `collect` has another pipe, or none.
  const isPipe = terminal.isPiped && !terminal.json && !detach;
  return output ?? (isPipe ? "-" : enrichedPath(input));
}

/** Hands the run to workers and ends. */
async function handOver(input: string, { task, flags }: Ask, terminal: Terminal): Promise<number> {
  const unshared = {
    "--preview": flags.preview,
    "--failures-to": flags.failuresTo,
    "--notify": flags.notify,
    "--in-place": flags.inPlace,
  };
  const [name] = Object.entries(unshared).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined)
    throw new InputError(
      "option_unsupported",
      `${name} cannot be used where many machines share a run. Nothing was sent.`,
      { hint: "Leave it out, or run without --state." },
    );
  const chosen = chooseModel(flags);
  const options = {
    ...(await optionsOf(task, flags, chosen.name)),
    ...othersOf(chosen, flags),
    ...(task.system === null ? {} : { system: task.system }),
    output: task.output,
  };
  const job = {
    input,
    ...(flags.output === undefined ? {} : { output: flags.output }),
    reading: readingOf(flags),
    writing: writingOf(flags),
    template: task.template,
    model: chosen.model,
    options,
    ...(task.keep === undefined ? {} : { keep: task.keep }),
  };
  return await enqueueCommand({ job, flags }, terminal);
}

/** Tells what the run would send instead. */
async function planned(input: string, { task, flags }: Ask, terminal: Terminal): Promise<number> {
  const asked = { task, flags, isDry: true };
  const place = flags.output ?? (flags.inPlace === true ? input : enrichedPath(input));
  const run = await runOf(input, place, asked);
  const host = await hostOf({ ...run, yes: false });
  const { against, runDir } = flags;
  const how = against === undefined ? {} : { against, runDir: runDir ?? DEFAULT_RUN_DIR };
  return await tellPlan(run, { host, ...how }, terminal);
}

/** Prints a row's prompt instead; it needs no model, since nothing is asked. */
async function printed(input: string, { task, flags }: Ask, terminal: Terminal): Promise<number> {
  const { template, system, output } = task;
  const model = flags.model ?? "";
  const options = {
    ...(await optionsOf(task, flags, model)),
    ...(system === null ? {} : { system }),
    output,
  };
  return await showPrompt(
    { file: { input }, template, model, options },
    flags.printPrompt ?? true,
    terminal,
  );
}

/** What a task and flags ask for, as a run that has not started. */
export async function runOf(
  input: string,
  output: string,
  { task, flags, isDry = false }: Ask,
): Promise<Pick<Followed, "run" | "model" | "facts">> {
  const chosen = chooseModel(flags);
  const { name, why } = chosen;
  const model = isDry ? await keyless(chosen.model) : chosen.model;
  const files = { input, output, reading: readingOf(flags), ...writingOf(flags) };
  const options = {
    ...(await optionsOf(task, flags, name)),
    ...othersOf(chosen, flags),
    ...(isDry ? dryOptions(flags) : {}),
  };
  const run = fileTask(files, task, model, options);
  const facts = {
    input,
    reading: readingOf(flags),
    output,
    model: name,
    modelWhy: why,
    promptColumns: placeholders(task.template),
    column: flags.column ?? task.column,
    runDir: flags.runDir,
  };
  return { run, model, facts };
}

/** A run without a directory, which reads what cache there is and makes none. */
function dryOptions(flags: EnrichFlags): Pick<TaskOptions, "runDir" | "cache" | "cacheFile"> {
  const cacheFile = dryCache(flags);
  return { runDir: null, ...(cacheFile === null ? { cache: false } : { cache: true, cacheFile }) };
}

/** What the flags say of the input that it does not show. */
function readingOf({ format, delimiter, headers, onBadRow }: EnrichFlags): OpenFileOptions {
  return {
    ...(format === undefined ? {} : { format }),
    ...(delimiter === undefined ? {} : { delimiter: delimiter === "\\t" ? "\t" : delimiter }),
    ...(headers === false ? { header: false } : {}),
    ...(onBadRow === undefined ? {} : { onBadRow }),
  };
}

/** The other models that the flags name. @throws {InputError} `option_invalid` */
function othersOf(
  chosen: ModelChoice,
  flags: EnrichFlags,
): Pick<TaskOptions, "fallbackModel" | "cascade"> {
  const { fallbackModel, cascade, target, delta, labelBudget, cascadeGold } = flags;
  if (
    (cascade === undefined) !== (target === undefined) ||
    (cascade ?? delta ?? labelBudget ?? cascadeGold) !== cascade
  )
    throw new InputError(
      "option_invalid",
      "A cascade needs its strong model and its target. Nothing was sent.",
      { hint: "Give both, such as: --cascade openai/gpt-5 --target 0.95" },
    );
  return {
    ...(fallbackModel === undefined
      ? {}
      : { fallbackModel: otherModel(fallbackModel, chosen, flags) }),
    ...(cascade === undefined || target === undefined
      ? {}
      : {
          cascade: {
            model: otherModel(cascade, chosen, flags),
            target,
            ...(delta === undefined ? {} : { delta }),
            ...(labelBudget === undefined ? {} : { labelBudget }),
            ...(cascadeGold === undefined ? {} : { gold: cascadeGold }),
          },
        }),
  };
}

/** What the flags say of how the output is written. */
function writingOf({ formulaSafe, onlyNew, key, inPlace }: EnrichFlags): OutputHow {
  const named = typeof onlyNew === "string" ? namesIn(onlyNew) : [];
  const old = [...new Set([...(key === undefined ? [] : namesIn(key)), ...named])];
  return {
    ...(formulaSafe === undefined ? {} : { formulaSafe }),
    ...(onlyNew === undefined ? {} : { oldColumns: old }),
    ...(inPlace === undefined ? {} : { inPlace }),
  };
}

function namesIn(list: string): readonly string[] {
  return list.split(",").map((name) => name.trim());
}

type TaskOptions = Omit<EnrichOptions<string, OutputOption>, "output" | "system">;

async function optionsOf(task: Task, flags: EnrichFlags, model: string): Promise<TaskOptions> {
  const { column = task.column } = flags;
  return {
    ...plainOptions(flags),
    ...(await moneyOptions(flags, model)),
    ...(await callOptions(flags, { column, output: task.output })),
    ...toldOptions(flags),
    column,
  };
}

function plainOptions(flags: EnrichFlags): TaskOptions {
  const {
    limit,
    where,
    sample,
    key,
    skipExisting,
    overwrite,
    runDir,
    name,
    chunkRows,
    poll,
    onNull,
    option,
  } = flags;
  const { votes, retries, stall, keepRemote, cache, refresh, cacheFile, flatten, quotes } = flags;
  return {
    ...laneOptions(flags),
    ...(flatten === undefined ? {} : { flatten }),
    ...(quotes === undefined ? {} : { quotes }),
    ...(option === undefined ? {} : { params: paramsOf(option) }),
    ...(onNull === undefined ? {} : { onNull }),
    ...(limit === undefined ? {} : { limit }),
    ...(where === undefined ? {} : { where }),
    ...(key === undefined ? {} : { key: namesIn(key) }),
    ...(sample === undefined ? {} : { sample: { rows: sample, ...drawOf(flags) } }),
    ...(overwrite === true ? { existing: "overwrite" } : {}),
    ...(skipExisting === true ? { existing: "skip" } : {}),
    ...(runDir === undefined ? {} : { runDir }),
    ...(name === undefined ? {} : { name }),
    ...(chunkRows === undefined ? {} : { chunkRows }),
    ...(poll === undefined ? {} : { pollEveryMs: poll }),
    ...(retries === undefined ? {} : { retries }),
    ...maxFailuresOf(flags),
    ...(stall === undefined ? {} : { stallMs: stall }),
    ...(keepRemote === undefined ? {} : { keepRemote }),
    ...(votes === undefined ? {} : { votes }),
    ...(refresh === true ? { cache: "refresh" } : cache === false ? { cache } : {}),
    ...(cacheFile === undefined ? {} : { cacheFile }),
  };
}

/** The names in a prompt's placeholders, for show: whether they are right is judged where the rows are read. */
function placeholders(prompt: string): readonly string[] {
  const found = prompt.matchAll(/(?<!\\)\{\{\s*(?:"((?:[^"\\]|\\.)*)"|([^|}]*?))\s*(?:\||\}\})/g);
  return [...new Set([...found].map(([, quoted, bare]) => quoted ?? bare ?? ""))];
}
