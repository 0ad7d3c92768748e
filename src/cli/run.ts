/** `batchframe run`: adds a column to a file with a prompt of one's own. */

import { enrichFile, InputError, type EnrichOptions, type OutputOption } from "../index.ts";
import type { EnrichFlags, RunFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { labelsOf, paramsOf, textOf } from "./given.ts";
import { chooseModel } from "./model-choice.ts";
import { enrichedPath } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives the exit code. */
export async function runCommand(
  input: string,
  flags: RunFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.prompt === undefined)
    throw new InputError("prompt_missing", "There is no prompt to ask. Nothing was sent.", {
      hint: "Give one with --prompt, such as: --prompt 'Summarise in five words: {{ text }}'",
    });
  const prompt = await textOf("--prompt", flags.prompt);
  const system = flags.system === undefined ? null : await textOf("--system", flags.system);
  const column = flags.column ?? "enriched";
  return await enrich(input, { prompt, system, column, flags }, terminal);
}

/** A prompt, what the model is told before it, the name of the column it makes, and everything else the flags say. */
export interface Ask {
  readonly prompt: string;
  readonly system: string | null;
  readonly column: string;
  readonly flags: EnrichFlags;
}

/** Enriches a file as the flags say and follows the run; gives the exit code. */
export async function enrich(input: string, ask: Ask, terminal: Terminal): Promise<number> {
  const { prompt, column, flags } = ask;
  refuseOtherLanes(flags.lane);
  const { model, name, why } = chooseModel(flags);
  const output = flags.output ?? enrichedPath(input);
  const options = {
    ...(await optionsOf(flags)),
    ...(ask.system === null ? {} : { system: ask.system }),
    column,
  };
  const run = enrichFile({ input, output }, prompt, model, options);
  const facts = {
    input,
    output,
    model: name,
    modelWhy: why,
    promptColumns: placeholders(prompt),
    column,
    runDir: flags.runDir,
  };
  return await follow({ run, model, facts, yes: flags.yes ?? false }, terminal);
}

function refuseOtherLanes(lane: string | undefined): void {
  if (lane === undefined || lane === "batch") return;
  throw new InputError(
    "lane_unknown",
    `There is no lane named ${JSON.stringify(lane)}. Nothing was sent.`,
    { hint: "The one lane there is: batch." },
  );
}

async function optionsOf(flags: EnrichFlags): Promise<EnrichOptions<string, OutputOption>> {
  const { labels, limit, runDir, name, chunkRows, poll, onNull, option } = flags;
  const { retries, stall, keepRemote } = flags;
  return {
    ...(labels === undefined ? {} : { output: await labelsOf(labels) }),
    ...(option === undefined ? {} : { params: paramsOf(option) }),
    ...(onNull === undefined ? {} : { onNull }),
    ...(limit === undefined ? {} : { limit }),
    ...(runDir === undefined ? {} : { runDir }),
    ...(name === undefined ? {} : { name }),
    ...(chunkRows === undefined ? {} : { chunkRows }),
    ...(poll === undefined ? {} : { pollEveryMs: poll }),
    ...(retries === undefined ? {} : { retries }),
    ...(stall === undefined ? {} : { stallMs: stall }),
    ...(keepRemote === undefined ? {} : { keepRemote }),
  };
}

/** The names in a prompt's placeholders, for show: whether they are right is judged where the rows are read. */
function placeholders(prompt: string): readonly string[] {
  const found = prompt.matchAll(/(?<!\\)\{\{\s*(?:"((?:[^"\\]|\\.)*)"|([^|}]*?))\s*(?:\||\}\})/g);
  return [...new Set([...found].map(([, quoted, bare]) => quoted ?? bare ?? ""))];
}
