/** The command line: commands, flags, help. */

import { Command, CommanderError, InvalidArgumentError, type Option } from "commander";
import type { OpenFlags, SourceFlags } from "./configured.ts";
import { describedCommands, type DescribedCommand } from "./described.ts";
import { uselessFlag } from "./flag-needs.ts";
import { flagValues } from "./flag-values.ts";
import { addExamples } from "./help-examples.ts";
import { EXAMPLES, EXIT_CODES } from "./help-text.ts";
import { commandsBelow, openFlags } from "./open-flags.ts";
import { addBuild, addPlan, addPreview, addRun } from "./program-ask.ts";
import { addBatches } from "./program-batches.ts";
import { addControl } from "./program-control.ts";
import { addEmulate } from "./program-emulate.ts";
import type { Choose } from "./program-flags.ts";
import { addCache, addRemoval } from "./program-kept.ts";
import { addMachines } from "./program-machines.ts";
import { addQuality } from "./program-quality.ts";
import { addRuns } from "./program-runs.ts";
import { addCompletions, addDoctor, addInit, addModels, addUi } from "./program-setup.ts";
import { addVerbs } from "./program-verbs.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What a command line asks for. */
export type Reading =
  | {
      readonly kind: "command";
      /** Filled in place by `open`, until the command is executed. */
      readonly flags: TerminalFlags & SourceFlags;
      readonly open: OpenFlags;
      /** What is wrong once everything is filled in: a flag that must be given and is not; null where nothing is. */
      readonly lacks: () => Misuse | null;
      readonly execute: (terminal: Terminal) => Promise<number>;
    }
  /** Help or the version, on standard output. */
  | { readonly kind: "text"; readonly text: string }
  | Misuse;

/** A command line that cannot be followed. */
export interface Misuse {
  readonly kind: "misuse";
  readonly message: string;
  readonly hint: string;
  /** The whole help, for somebody who gave no command at all. */
  readonly help: string | null;
}

/** Reads the words after the program's name; does nothing yet. */
export function readCommandLine(words: readonly string[]): Reading {
  let chosen: Pick<Extract<Reading, { kind: "command" }>, "flags" | "execute"> | null = null;
  let acting: Command | null = null;
  let text = "";
  const program = commands((flags, execute) => {
    chosen = { flags, execute };
  });
  program.configureOutput({ writeOut: (more) => (text += more) });
  program.hook("preAction", (_, command) => {
    acting = command;
  });
  const needed = takeNeeded(program);
  try {
    program.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return misuse(error, words, program);
  }
  // Commander's types cannot know that an action ran.
  const command = acting as Command | null;
  const asked = chosen as { flags: TerminalFlags; execute: Execute } | null;
  if (command === null || asked === null) return { kind: "text", text: program.helpInformation() };
  return {
    kind: "command",
    ...asked,
    open: openFlags(command, program, [VALUES.texts, VALUES.pairs]),
    lacks: () => {
      const missing = command.options.find(
        (option) =>
          needed.has(option) && command.getOptionValue(option.attributeName()) === undefined,
      );
      const problem =
        missing === undefined
          ? uselessFlag(command)
          : `required option '${missing.flags}' not specified`;
      if (problem === null) return null;
      return misuse(new CommanderError(1, "usage", problem), words, program);
    },
  };
}

type Execute = Extract<Reading, { readonly kind: "command" }>["execute"];

/** The options that must be given; commander is told otherwise, since a configuration may give them after it has read. */
function takeNeeded(program: Command): ReadonlySet<Option> {
  const needed = commandsBelow(program)
    .flatMap(({ options }) => options)
    .filter(({ mandatory }) => mandatory);
  for (const option of needed) option.makeOptionMandatory(false);
  return new Set(needed);
}

/** Every command, as data. */
export function describedProgram(): readonly DescribedCommand[] {
  return describedCommands(commands(() => undefined));
}

function misuse(error: CommanderError, words: readonly string[], program: Command): Misuse {
  if (error.code === "commander.help")
    return {
      kind: "misuse",
      message: "No command was given.",
      hint: "",
      help: program.helpInformation(),
    };
  const [problem = "", ...suggestion] = error.message.replace(/^error: /, "").split("\n");
  const sentence = (problem[0] ?? "").toUpperCase() + problem.slice(1).replace(/([^.?])$/, "$1.");
  const command = program.commands.find((one) => words.includes(one.name()))?.name();
  const see = `See: batchframe ${command === undefined ? "" : `${command} `}--help`;
  const meant = suggestion.map((text) => text.replace(/^\((.*)\)$/, "$1"));
  return {
    kind: "misuse",
    message: `${sentence} Nothing was sent.`,
    hint: [...meant, see].join(" "),
    help: null,
  };
}

const VALUES = flagValues((advice) => new InvalidArgumentError(advice));

function commands(choose: Choose): Command {
  const program = new Command("batchframe")
    .description("Enrich the rows of a file with a language model, through batch jobs.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureOutput({ writeErr: () => undefined })
    .exitOverride()
    .addHelpText("after", `\n${EXAMPLES}\n\n${EXIT_CODES}`);
  program.commandsGroup("Do work:");
  addRun(program, choose, VALUES);
  addPreview(program, choose, VALUES);
  addVerbs(program, choose, VALUES);
  addPlan(program, choose, VALUES);
  program.commandsGroup("Runs:");
  addRuns(program, choose);
  addControl(program, choose, VALUES);
  addRemoval(program, choose, VALUES);
  addCache(program, choose, VALUES);
  program.commandsGroup("Many machines:");
  addMachines(program, choose, VALUES);
  program.commandsGroup("By hand:");
  addBuild(program, choose, VALUES);
  addBatches(program, choose, VALUES);
  program.commandsGroup("Quality:");
  addQuality(program, choose, VALUES);
  program.commandsGroup("Setup:");
  addInit(program, choose);
  addEmulate(program, choose, VALUES);
  addDoctor(program, choose);
  addModels(program, choose);
  addUi(program, choose, VALUES);
  addCompletions(program, choose);
  addExamples(commandsBelow(program));
  return program;
}
