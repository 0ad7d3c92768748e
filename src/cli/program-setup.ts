/** The commands that get a machine ready. */

import type { Command } from "commander";
import { completionsCommand, SHELLS } from "./completions.ts";
import { describedCommands } from "./described.ts";
import { doctorCommand } from "./doctor.ts";
import type { FlagValues } from "./flag-values.ts";
import type { DoctorFlags } from "./flags.ts";
import { initCommand, STARTERS } from "./init.ts";
import { modelsCommand, type ModelsFlags } from "./models.ts";
import { addLookFlags, addTerminalFlags, RUN, type Choose } from "./program-flags.ts";
import type { TerminalFlags } from "./terminal.ts";
import type { UiFlags } from "./ui.ts";

/** Adds `doctor`. */
export function addDoctor(program: Command, choose: Choose): void {
  const command = program
    .command("doctor")
    .description("check this machine, and a model or address")
    .option("-m, --model <name>", "a model that must be usable")
    .option("--base-url <url>", "an address that must answer")
    .option("--remote", "look at the model's provider for batches nobody owns");
  addLookFlags(command).action((flags: DoctorFlags) => {
    choose(flags, (terminal) => doctorCommand(flags, terminal));
  });
}

/** Adds `ui`. */
export function addUi(program: Command, choose: Choose, { portNumber }: FlagValues): void {
  const command = program
    .command("ui")
    .argument("[run]", `${RUN} (default: all runs)`)
    .description("pages over runs and their rows, for a browser on this machine")
    .option("--port <n>", "port to listen on; 0 takes a free one", portNumber, 0);
  addLookFlags(command).action((run: string | undefined, flags: UiFlags) => {
    choose(flags, async (terminal) => {
      // A server and its pages, which no other command needs.
      const { uiCommand } = await import("./ui.ts");
      return await uiCommand(run, flags, terminal);
    });
  });
}

/** Adds `init`. */
export function addInit(program: Command, choose: Choose): void {
  addTerminalFlags(
    program
      .command("init")
      .argument("[what]", `what to write: ${STARTERS.join(", ")}`, "ts")
      .argument("[file]", "the rows to begin with (default: a few, written as well)")
      .description("write a script, a notebook or a CI job that works as it stands"),
  ).action((what: string, file: string | undefined, flags: TerminalFlags) => {
    choose(flags, (terminal) => initCommand(what, file, terminal));
  });
}

/** Adds `completions`. */
export function addCompletions(program: Command, choose: Choose): void {
  addTerminalFlags(
    program
      .command("completions")
      .argument("<shell>", SHELLS.join(", "))
      .description("print what a shell offers after Tab, to be kept where it looks for that"),
  ).action((shell: string, flags: TerminalFlags) => {
    choose(flags, (terminal) =>
      Promise.resolve().then(() => completionsCommand(shell, describedCommands(program), terminal)),
    );
  });
}

/** Adds `models`. */
export function addModels(program: Command, choose: Choose): void {
  const command = program
    .command("models")
    .description("list the models whose prices are known, with their sources")
    .option("--provider <name>", "of this provider only");
  addTerminalFlags(command).action((flags: ModelsFlags) => {
    choose(flags, (terminal) => Promise.resolve(modelsCommand(flags, terminal)));
  });
}
