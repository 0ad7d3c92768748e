/** Flags that several commands share. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";
import { addLaneFlags } from "./lane-flags.ts";
import { addMoneyFlags } from "./money-flags.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";

/** Notes which command a command line asks for. */
export type Choose = (
  flags: TerminalFlags,
  execute: (terminal: Terminal) => Promise<number>,
) => void;

/** Adds the flags that every command has but a worker. */
export function addTerminalFlags(command: Command): Command {
  command
    .option("--json", "print one object on standard output")
    .option("-q, --quiet", "print errors only")
    .addOption(
      command
        .createOption("-v, --verbose", "tell every batch and warning, and what is behind an error")
        .conflicts("quiet"),
    )
    .option("--no-input", "never ask; what would be asked is an error");
  return addSourceFlags(command);
}

/** Adds the flags that say where settings come from, to a command that speaks by a log alone. */
export function addSourceFlags(command: Command): Command {
  return command
    .option("--no-color", "no colours")
    .option(
      "--config <file>",
      "settings from this file (default: batchframe.config.ts or .json here)",
    )
    .option(
      "--env-file <file>",
      "variables from this file, which must be there (default: .env here)",
    );
}

/** Adds the flags of commands that look at runs. */
export function addLookFlags(command: Command): Command {
  command.option("--run-dir <dir>", 'where runs are kept (default: ".batchframe")');
  return addTerminalFlags(command);
}

/** What a command that drives a run never does, so that flags about it would do nothing. */
export interface Unlike {
  /** False where it looks once. */
  readonly waits?: boolean;
  /** False where it sends nothing. */
  readonly sends?: boolean;
  /** False where it asks nobody. */
  readonly asks?: boolean;
}

/** Adds the flags of commands that drive a run. */
export function addDriveFlags(command: Command, values: FlagValues, unlike: Unlike = {}): Command {
  const { waits = true, sends = true } = unlike;
  if (waits)
    command.option(
      "--poll <duration>",
      "time between looks at a batch: 500ms, 30s, 5m",
      values.duration,
    );
  if (sends)
    command
      .option("-y, --yes", "agree beforehand to send what is planned")
      .option("--retries <n>", "how often a row without a reply is sent again", values.countOrNone);
  if (sends)
    command.addOption(
      command
        .createOption(
          "--fail-fast",
          "stop at the first request that fails; same as --max-failures 0",
        )
        .conflicts("maxFailures"),
    );
  command.option(
    "--max-failures <n|p%>",
    sends
      ? "stop when more requests fail, end with 0 when no more do"
      : "end with 0 when no more requests have failed",
    values.maxFailures,
  );
  if (waits && sends)
    command.option(
      "--stall <duration>",
      "cancel a batch that stands still so long, send its rest again",
      values.duration,
    );
  command
    .option("--keep-remote", "leave requests and results at the provider")
    .option("--failures-to <file>", "write failed rows here at the end: .csv, .tsv or .jsonl")
    .option("--notify <url|command>", "tell an address, or a command, how the run has ended")
    .addOption(
      command
        .createOption("--progress <how>", "how progress is told; json: an object a line on stderr")
        .choices(["auto", "none", "json"]),
    );
  if (sends) addLaneFlags(command, values);
  addMoneyFlags(command, values, unlike);
  return addLookFlags(command);
}

/** What a run may be called on the command line. */
export const RUN = "id, the beginning of one, or latest";

/** Adds a command about one run, the latest when none is named. */
export function named(program: Command, name: string, description: string): Command {
  return program.command(name).argument("[run]", RUN, "latest").description(description);
}

/** The example that ends a command's help. */
export function example(words: string): string {
  return `\nExample:\n  batchframe ${words}`;
}
