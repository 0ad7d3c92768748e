/** The flags of commands that ask a model of each row, under the headings they stand below in the help. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";
import { addToldFlags } from "./program-answer-flags.ts";
import { addCacheFlags, addCallFlags } from "./program-call-flags.ts";
import { addDriveFlags } from "./program-flags.ts";
import { addSharingFlags } from "./program-machines.ts";

/** Adds the flags of commands that ask a model of each row, follow the run and write a file. */
export function addEnrichFlags(command: Command, values: FlagValues): Command {
  addFileFlags(command);
  addAskFlags(command, values).option(
    "--print-prompt [row]",
    "print the prompt of a row and end",
    values.wholeNumber,
  );
  addLaneFlags(command, values);
  command
    .optionsGroup("Trying a few rows:")
    .option(
      "--preview [rows]",
      "ask a few rows now, show them, and end; they count toward the run",
      values.wholeNumber,
    );
  addSharingFlags(command, values);
  command.optionsGroup("Options:");
  return addDriveFlags(command, values)
    .option("--dry-run", "tell what would be sent and what it would cost, and end")
    .option(
      "--against <run>",
      "with --dry-run: tell what a run has bought that would be bought again",
    );
}

/** Adds the flags that decide what is asked of each row, and by whom it is answered. */
export function addAskFlags(command: Command, values: FlagValues): Command {
  addModelFlags(command, values);
  addRowFlags(command, values);
  addToldFlags(command, values);
  addCallFlags(command, values);
  addCacheFlags(command, values);
  addKeptFlags(command, values);
  return command.optionsGroup("Options:");
}

/** Adds the flags that say how the input is read and where the output goes. */
function addFileFlags(command: Command): void {
  command
    .optionsGroup("Files:")
    .option(
      "-o, --output <file>",
      "file to write, in the format of its ending (default: the pipe or file standard output goes to, else beside the input)",
    )
    .option("--in-place", "put the output in the input's place, once it is whole")
    .option("--only-new [columns]", "write the new columns only, and these of the old ones")
    .addOption(
      command
        .createOption("--format <name>", "format of the input, where its name does not say")
        .choices(["csv", "tsv", "jsonl", "json", "parquet", "arrow"]),
    )
    .option("-d, --delimiter <character>", "what stands between the cells of a CSV file")
    .option("--no-headers", "the first line of CSV is a row; columns are column_1, column_2, …")
    .addOption(
      command
        .createOption("--on-bad-row <what>", "a CSV row that cannot be read: leave out, pass on")
        .choices(["fail", "skip", "keep"]),
    )
    .addOption(
      command
        .createOption(
          "--formula-safe <cells>",
          "CSV cells that a spreadsheet would run get a leading ': those a model wrote (auto)",
        )
        .choices(["auto", "all", "off"]),
    );
}

/** Adds the flags that name the model and its address. */
function addModelFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("Model:")
    .option(
      "-m, --model <name>",
      "provider/model (env BATCHFRAME_MODEL; with labels: the free one)",
    )
    .option("--base-url <url>", "address of the provider (env OPENAI_BASE_URL, …)")
    .option(
      "--api-key-env <name>",
      "the variable that holds the key, where it is another than usual",
    )
    .option("-O, --option <key=value>", "extra field of every request; repeatable", values.pairs)
    .option(
      "--votes <k>",
      "ask every question k times, take the most frequent answer",
      values.wholeNumber,
    );
}

/** Adds the flags that say which rows are asked about. */
function addRowFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("Rows:")
    .option("-n, --limit <rows>", "ask the first rows only", values.wholeNumber)
    .option("--where <condition>", "ask only rows that meet it, as: \"lang = 'en' and stars < 3\"")
    .option("--skip-existing", "keep answers that are there already, ask only rows without one")
    .addOption(
      command
        .createOption(
          "--overwrite",
          "put the new columns in the place of those that have their names",
        )
        .conflicts("skipExisting"),
    )
    .addOption(
      command
        .createOption("--sample <rows>", "ask only so many rows, drawn at random")
        .argParser(values.wholeNumber)
        .conflicts("limit"),
    )
    .option("--sample-by <column>", "share those of --sample or --preview among this one's values")
    .option("--sample-seed <n>", "draw other rows (default: 0)", values.seedNumber)
    .option("--key <columns>", "columns that name a row: in failures, show --row and --only-new")
    .addOption(
      command
        .createOption("--on-null <what>", "a row with a blank cell the prompt needs")
        .choices(["skip", "empty", "fail"]),
    );
}

/** Adds the flags that say which way requests travel, and in what portions. */
function addLaneFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("Batches:")
    .option(
      "--settle <duration>",
      "how long a new batch may take to show up there",
      values.duration,
    );
}

/** Adds the flags that say what a run is called and what is kept of its answers. */
function addKeptFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("The run:")
    .option("--recipe <name>", "settings under this name in the configuration file")
    .option("--name <id>", "name of the run")
    .option("--detach", "end once all is sent, with 75; collect RUN writes the output later")
    .option("--fallback-model <name>", "another model for the rows this one fails")
    .option("--cascade <name>", "a strong model for the rows this one is not sure enough of")
    .option(
      "--target <share>",
      "with --cascade: answers that are to be the strong one's",
      values.rate,
    )
    .option(
      "--delta <p>",
      "with --cascade: how likely the target may be missed (0.05)",
      values.rate,
    )
    .option(
      "--label-budget <rows>",
      "with --cascade: rows both are compared on",
      values.wholeNumber,
    )
    .option(
      "--cascade-gold <column>",
      "with --cascade: labels to compare with, not the strong one's",
    )
    .option("--chunk-rows <n>", "requests sent together", values.wholeNumber)
    .option("--no-cache", "neither take answers bought before nor keep new ones")
    .addOption(
      command
        .createOption("--refresh", "ask everything anew, and keep the new answers")
        .conflicts("cache"),
    )
    .addOption(
      command
        .createOption("--cache-file <file>", "share answers with runs in other directories")
        .conflicts("cache"),
    );
}
