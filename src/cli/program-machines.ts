/** The commands and flags of runs that many machines share. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";
import { addSourceFlags, addTerminalFlags, type Choose } from "./program-flags.ts";
import type { StateFlags, WorkerFlags } from "./worker.ts";
import { migrateCommand, workerCommand } from "./worker.ts";
import type { TerminalFlags } from "./terminal.ts";

/** Adds the flag that names the shared state. */
export function addStateFlag(command: Command): Command {
  return command.option(
    "--state [address]",
    "runs that many machines share: postgres://host/database (env BATCHFRAME_STATE)",
  );
}

/** Adds the flags that hand a run to workers. */
export function addSharingFlags(command: Command, values: FlagValues): void {
  addStateFlag(command.optionsGroup("Many machines:"))
    .option("--data <place>", "what workers share: a directory, or s3://bucket/folder")
    .option("--part-rows <n>", "most rows of a part: cuts larger files", values.wholeNumber)
    .option("--batches-at-once <n>", "most batches under way, over all workers", values.wholeNumber)
    .option(
      "--enqueued-tokens <n>",
      "most input tokens under way, over all workers",
      values.wholeNumber,
    );
}

/** Adds `worker` and `migrate`. */
export function addMachines(program: Command, choose: Choose, values: FlagValues): void {
  addSourceFlags(
    addStateFlag(program.command("worker").description("work on shared runs until it is ended"))
      .option("--concurrency <n>", "parts at a time (default: 2)", values.wholeNumber)
      .option("--lease <duration>", "how long a silent worker keeps its parts", values.duration)
      .option("--health-port <n>", "serve /health and /metrics there", values.portNumber),
  ).action((flags: WorkerFlags) => {
    choose(flags, () => workerCommand(flags));
  });
  addTerminalFlags(
    addStateFlag(
      program.command("migrate").description("make or update the tables of a shared state"),
    ),
  ).action((flags: TerminalFlags & StateFlags) => {
    choose(flags, (terminal) => migrateCommand(flags, terminal));
  });
}
