/** Flags that several commands share. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";

/** Notes which command a command line asks for. */
export type Choose = (
  flags: TerminalFlags,
  execute: (terminal: Terminal) => Promise<number>,
) => void;

/** Adds the flags that every command has. */
export function addTerminalFlags(command: Command): Command {
  return command
    .option("--json", "print one object on standard output")
    .option("-q, --quiet", "print errors only")
    .option("--no-color", "no colours");
}

/** Adds the flags of commands that look at runs. */
export function addLookFlags(command: Command): Command {
  command.option("--run-dir <dir>", 'where runs are kept (default: ".batchframe")');
  return addTerminalFlags(command);
}

/** Adds the flags of commands that drive a run. */
export function addDriveFlags(command: Command, values: FlagValues): Command {
  command
    .option("--poll <duration>", "time between looks at a batch: 500ms, 30s, 5m", values.duration)
    .option("-y, --yes", "agree beforehand to send what is planned")
    .option("--retries <n>", "how often a row without a reply is sent again", values.countOrNone)
    .option(
      "--stall <duration>",
      "cancel a batch that stands still so long, send its rest again",
      values.duration,
    )
    .option("--keep-remote", "leave requests and results at the provider");
  return addLookFlags(command);
}

/** Adds the flags of commands that ask a model of each row. */
export function addEnrichFlags(command: Command, values: FlagValues): Command {
  command.option(
    "-o, --output <file>",
    "file to write, in the format of its ending (default: beside the input)",
  );
  addAskFlags(command, values)
    .option("--print-prompt [row]", "print the prompt of a row and end", values.wholeNumber)
    .addOption(
      command
        .createOption("--format <name>", "format of the input, where its name does not say")
        .choices(["csv", "tsv", "jsonl", "json", "parquet", "arrow"]),
    )
    .option("--delimiter <character>", "what stands between the cells of a CSV file")
    .addOption(
      command
        .createOption("--on-bad-row <what>", "a CSV row that cannot be read: leave out, pass on")
        .choices(["fail", "skip", "keep"]),
    )
    .option("--lane <lane>", 'how requests travel: "batch"')
    .option(
      "--settle <duration>",
      "how long a new batch may take to show up there",
      values.duration,
    );
  return addDriveFlags(command, values);
}

/** Adds the flags that decide what is asked of each row, and by whom it is answered. */
export function addAskFlags(command: Command, values: FlagValues): Command {
  command
    .option(
      "-m, --model <name>",
      "provider/model (env BATCHFRAME_MODEL; with labels: the free one)",
    )
    .option("-n, --limit <rows>", "ask the first rows only", values.wholeNumber)
    .addOption(
      command
        .createOption("--on-null <what>", "a row with a blank cell the prompt needs")
        .choices(["skip", "empty", "fail"]),
    )
    .option("-O, --option <key=value>", "extra field of every request; repeatable", values.pairs)
    .option(
      "--votes <k>",
      "ask every question k times, take the most frequent answer",
      values.wholeNumber,
    )
    .option("--chunk-rows <n>", "requests sent together", values.wholeNumber)
    .option("--base-url <url>", "address of the provider (env OPENAI_BASE_URL, …)")
    .option("--name <id>", "name of the run")
    .option("--no-cache", "neither take answers bought before nor keep new ones")
    .option("--refresh", "ask everything anew, and keep the new answers")
    .option("--cache-file <file>", "share answers with runs in other directories");
  addToldFlags(command, values);
  addPaceFlags(command, values);
  addCallFlags(command, values);
  addCacheFlags(command, values);
  return command;
}

/** Adds the flags that say what answers may be. */
export function addOutputFlags(command: Command, values: FlagValues): Command {
  return command
    .option("--labels <a,b|@file>", "the answers to choose from; a CSV file has label,description")
    .option("--multi", "with --labels: every one that fits, none included")
    .option("--allow-other", "with --labels: one of the model's own where none fits")
    .option("--schema <text|file>", "fields: 'topic: a|b, n: int', JSON, or ./schema.ts#name")
    .option("--quotes", "with --schema: also the words of the text that say each field")
    .option("--flatten <levels>", "levels of objects with columns of their own", values.countOrNone)
    .option(
      "--embed [dimensions]",
      "ask for vectors, of the model's length or this",
      values.wholeNumber,
    );
}

/** Adds the flags that say what is told of answers, and how long a text may be. */
function addToldFlags(command: Command, values: FlagValues): void {
  command
    .option("--meta <names>", "further columns: model, tokens, cost, latency, raw, …")
    .option(
      "--max-chars <n>",
      "the most characters a cell may put into a prompt",
      values.wholeNumber,
    )
    .addOption(
      command
        .createOption("--on-long <what>", "a row with a longer cell")
        .choices(["fail", "truncate", "chunk"]),
    )
    .option("--price <in=…,out=…>", "dollars per million tokens, where none or another is known");
}

/** Adds the flags for servers that are asked row by row, having no batches. */
function addPaceFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("Servers without batches:")
    .option("-j, --concurrency <n>", "requests under way at once", values.wholeNumber)
    .option("--rpm <n>", "requests a minute", values.wholeNumber)
    .option("--tpm <n>", "tokens a minute", values.wholeNumber)
    .option("--request-timeout <duration>", "how long one request may take", values.duration);
}

/** Adds the flags that say how a model is asked. */
function addCallFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("How the model is asked:")
    .option("--max-tokens <n>", "the most tokens of an answer", values.wholeNumber)
    .option("--temperature <t>", "0 for the likeliest words, more for others", values.number)
    .option("--top-p <p>", "choose among the likeliest words, up to this share", values.rate)
    .option("--seed <n>", "ask for repeatable answers", values.seedNumber)
    .option("--stop <text>", "end the answer where it would say this; repeatable", values.texts)
    .option("--reasoning <level>", "none, minimal, low, medium, high; or tokens", values.reasoning)
    .option("--tools <json|@file>", "functions the model may call; a column holds the calls")
    .option("--tool-choice <choice>", "auto, none, required, or a tool's name")
    .option("--few-shot <file>", "CSV of examples: the prompt's columns, and the answer")
    .addOption(
      command
        .createOption("--endpoint <name>", "where text is asked from")
        .choices(["chat", "responses"]),
    );
}

/** Adds the flags that say what the provider may keep between requests. */
function addCacheFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("What the provider may keep:")
    .option("--cache-system", "the instructions (Anthropic)")
    .option("--cache-tools", "the tools (Anthropic)")
    .option("--cache-last <n>", "the last n user messages (Anthropic)", values.wholeNumber)
    .addOption(
      command.createOption("--cache-ttl <time>", "how long (Anthropic)").choices(["5m", "1h"]),
    )
    .option("--cache-key <key>", "requests with one key share a cache (OpenAI)")
    .option("--cache-content <name>", "cachedContents/… made before (Gemini)")
    .optionsGroup("Options:");
}
