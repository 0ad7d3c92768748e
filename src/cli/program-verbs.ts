/** The commands of the verbs: their own flags, and those of every run. */

import type { Command } from "commander";
import type { Task } from "../index.ts";
import type { FlagValues } from "./flag-values.ts";
import type { VerbFlags } from "./flags.ts";
import { addEnrichFlags } from "./program-enrich-flags.ts";
import type { Choose } from "./program-flags.ts";
import { enrich } from "./run.ts";
import {
  classifying,
  embedding,
  extracting,
  filtering,
  scoring,
  summarizing,
  translating,
} from "./verbs.ts";

/** The names of the verbs, in the order of the help. */
export const VERBS = [
  ...["classify", "extract", "filter", "score"],
  ...["translate", "summarize", "embed"],
];

const LABELS = "the labels; a CSV file has label,description";
const TEXT = "column that holds the text";

/** Adds a command for each verb. */
export function addVerbs(program: Command, choose: Choose, values: FlagValues): void {
  const verb = verbAdder(program, { choose, values });
  verb(classifying, {
    name: "classify",
    does: "give each row one of some labels",
    column: "label",
    example: "classify reviews.csv --text review --labels positive,negative,neutral",
    own: (command) =>
      command
        .requiredOption("--labels <a,b|@file>", LABELS)
        .option("--multi", "every label that fits, none included")
        .option("--allow-other", "a label of the model's own where none fits"),
  });
  verb(extracting, {
    name: "extract",
    does: "read the fields of a schema from each text",
    column: "extracted",
    example: "extract mails.csv --text body --schema 'amount: float, currency: str'",
    own: (command) =>
      command
        .requiredOption("--schema <text|file>", "a short form, JSON, or ./schema.ts#name")
        .option("--quotes", "also the words of the text that say each field")
        .option(
          "--flatten <levels>",
          "levels of objects with columns of their own",
          values.countOrNone,
        ),
  });
  verb(filtering, {
    name: "filter",
    does: "say of each row whether something holds; keep those rows only",
    column: "keep",
    example: "filter mails.csv --text body --condition 'asks for money back' --keep-rows",
    own: (command) =>
      command
        .requiredOption("--condition <text>", "what must hold of the text")
        .option("--keep-rows", "write only the rows of which it holds")
        .addOption(
          command
            .createOption("--failed <what>", "rows without an answer, with --keep-rows")
            .choices(["keep", "drop"]),
        ),
  });
  verb(scoring, {
    name: "score",
    does: "give each row a number",
    column: "score",
    example: "score mails.csv --text body --by 'how urgent it is' --range 0..10",
    own: (command) =>
      command
        .requiredOption("--by <criterion>", "what is scored")
        .option(
          "--range <low..high>",
          "the lowest and the highest score (default: 0..10)",
          values.range,
        )
        .option("--anchor <score=meaning>", "what a score stands for; repeatable", values.pairs),
  });
  verb(translating, {
    name: "translate",
    does: "put each text into another language",
    column: "translation",
    example: "translate reviews.csv --text review --to French",
    own: (command) => command.requiredOption("--to <language>", "such as French or pt-BR"),
  });
  verb(summarizing, {
    name: "summarize",
    does: "give each text in few words",
    column: "summary",
    example: "summarize mails.csv --text body --words 20",
    own: (command) =>
      command.option(
        "--words <n>",
        "the most words of a summary (default: 30)",
        values.wholeNumber,
      ),
  });
  verb(embedding, {
    name: "embed",
    does: "give each text as a vector",
    column: "embedding",
    example: "embed reviews.csv --text review -m openai/text-embedding-3-small",
    text: "column that holds the text, or a template",
    own: (command) =>
      command.option(
        "--dimensions <n>",
        "length of the vectors, of models that can",
        values.wholeNumber,
      ),
  });
}

interface Verb {
  readonly name: string;
  readonly does: string;
  /** The new column's usual name. */
  readonly column: string;
  readonly example: string;
  readonly text?: string;
  /** Adds the verb's own flags. */
  readonly own: (command: Command) => Command;
}

// Which flags a task reads is between it and the command they are added to.
type AddVerb = (task: (flags: never) => Promise<Task>, verb: Verb) => void;

function verbAdder(
  program: Command,
  { choose, values }: { readonly choose: Choose; readonly values: FlagValues },
): AddVerb {
  return (task, verb) => {
    const command = program
      .command(verb.name)
      .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
      .description(verb.does)
      .requiredOption("--text <column>", verb.text ?? TEXT);
    verb
      .own(command)
      .option(
        "-c, --column <name>",
        `name of the new column (default: ${JSON.stringify(verb.column)})`,
      );
    // A vector is made of the text alone.
    if (verb.name !== "embed")
      command.option("--also <text>", "said to the model after the verb's own instructions");
    command.addHelpText("after", `\nExample:\n  batchframe ${verb.example}`);
    addEnrichFlags(command, values).action((file: string, flags: VerbFlags) => {
      choose(flags, async (terminal) =>
        enrich(file, { task: await task(flags as never), flags }, terminal),
      );
    });
  };
}
