/** The flags about answers: what they may be, and what is told of them. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";

/** Adds the flags that say what answers may be. */
export function addOutputFlags(command: Command, values: FlagValues): Command {
  return command
    .optionsGroup("Answers:")
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
export function addToldFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("Answers:")
    .option("--meta <names>", "further columns: model, tokens, cost, latency, raw, run, …")
    .option(
      "--max-chars <n>",
      "the most characters a cell may put into a prompt",
      values.wholeNumber,
    )
    .addOption(
      command
        .createOption("--on-long <what>", "a row with a longer cell")
        .choices(["fail", "truncate", "chunk"]),
    );
}
