/** The commands that ask a prompt of one's own. */

import type { Command } from "commander";
import { buildCommand } from "./build.ts";
import type { FlagValues } from "./flag-values.ts";
import type { BuildFlags, RunFlags } from "./flags.ts";
import { addOutputFlags } from "./program-answer-flags.ts";
import { addAskFlags, addEnrichFlags } from "./program-enrich-flags.ts";
import { addLookFlags, type Choose } from "./program-flags.ts";
import { runCommand } from "./run.ts";

/** Adds `run`. */
export function addRun(program: Command, choose: Choose, values: FlagValues): void {
  const command = program
    .command("run")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
    .description("add a column with a prompt of your own")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .addHelpText("after", RUN_EXAMPLE);
  addOutputFlags(command, values);
  addEnrichFlags(command, values).action((file: string, flags: RunFlags) => {
    choose(flags, (terminal) => runCommand(file, flags, terminal));
  });
}

const RUN_EXAMPLE = `
Example:
  batchframe run tickets.csv -p 'Read this: {{ body }}' --schema 'topic: billing|bug|other, urgent: bool'`;

/** Adds `preview`. */
export function addPreview(program: Command, choose: Choose, values: FlagValues): void {
  const command = program
    .command("preview")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern")
    .description("ask a few rows now and show them; they count toward the whole run")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .option("--rows <n>", "how many rows, up to 1000 (default: 10)", values.wholeNumber)
    .addHelpText("after", PREVIEW_EXAMPLE);
  addOutputFlags(command, values);
  addEnrichFlags(command, values).action((file: string, flags: RunFlags & { rows?: number }) => {
    const { rows = true, ...others } = flags;
    choose(flags, (terminal) => runCommand(file, { preview: rows, ...others }, terminal));
  });
}

const PREVIEW_EXAMPLE = `
Example:
  batchframe preview tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini --rows 20 --sample-by team
With a verb: batchframe classify tickets.csv --text body --labels bug,billing --preview 20`;

/** Adds `plan`. */
export function addPlan(program: Command, choose: Choose, values: FlagValues): void {
  const command = program
    .command("plan")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
    .description("tell what a run would send and cost; send nothing (run --dry-run)")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .addHelpText("after", PLAN_EXAMPLE);
  addOutputFlags(command, values);
  addEnrichFlags(command, values).action((file: string, flags: RunFlags) => {
    choose(flags, (terminal) => runCommand(file, { ...flags, dryRun: true }, terminal));
  });
}

const PLAN_EXAMPLE = `
Example:
  batchframe plan tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini --max-tokens 200
After changing a prompt: batchframe plan tickets.csv -p @new.txt -m openai/gpt-5-mini --against latest`;

/** Adds `build`. */
export function addBuild(program: Command, choose: Choose, values: FlagValues): void {
  const command = program
    .command("build")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
    .description("plan a run and write its request files; send nothing")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .option("-o, --output <file>", "request file, or DIR/ for several (default: standard output)")
    .addHelpText("after", BUILD_EXAMPLE);
  addOutputFlags(command, values);
  addLookFlags(addAskFlags(command, values)).action((file: string, flags: BuildFlags) => {
    choose(flags, (terminal) => buildCommand(file, flags, terminal));
  });
}

const BUILD_EXAMPLE = `
Example:
  batchframe build tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini -o in.jsonl`;
