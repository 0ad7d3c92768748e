/** The commands and their flags as data: what completions and the page of documentation are written from. */

import type { Argument, Command, Option } from "commander";

/** A command, or one below another. */
export interface DescribedCommand {
  /** The words after the program's name: `batches list`. */
  readonly words: string;
  readonly does: string;
  readonly arguments: readonly { readonly name: string; readonly is: string }[];
  readonly flags: readonly DescribedFlag[];
  /** What the command above it does; null where it is below none. */
  readonly group: string | null;
  /** The words of its example; null where it has none. */
  readonly example: string | null;
  /** The heading it stands under in the help; that of the command above it for one below. */
  readonly heading: string;
}

/** A flag of a command. */
export interface DescribedFlag {
  /** As it is written: `-o, --output <file>`. */
  readonly written: string;
  readonly long: string;
  readonly short: string | null;
  readonly is: string;
  readonly takes: "nothing" | "a value" | "a value or nothing";
  readonly choices: readonly string[];
  readonly heading: string;
}

/** Every command of a program that can be run, in the order of the help. */
export function describedCommands(program: Command): readonly DescribedCommand[] {
  return program.commands.flatMap((command) =>
    below(command, { before: [], group: null, heading: headingOf(command) }),
  );
}

/** Where a command stands. */
interface Place {
  /** The words of the commands above it. */
  readonly before: readonly string[];
  readonly group: string | null;
  readonly heading: string;
}

function below(command: Command, place: Place): readonly DescribedCommand[] {
  const before = [...place.before, command.name()];
  const inner = command.commands.flatMap((one) =>
    below(one, { ...place, before, group: command.description() }),
  );
  return inner.length > 0 ? inner : [described(command, place)];
}

function described(command: Command, { before, group, heading }: Place): DescribedCommand {
  return {
    words: [...before, command.name()].join(" "),
    does: command.description(),
    group,
    arguments: command.registeredArguments.map((argument) => ({
      name: nameOf(argument),
      is: argument.description,
    })),
    flags: command.options.map(flagOf),
    example: exampleOf(command),
    heading,
  };
}

/** The example in a command's help, wherever it was added. */
function exampleOf(command: Command): string | null {
  let help = "";
  const before = command.configureOutput();
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  command.configureOutput(before);
  return /^Example:\n {2}batchframe (.*)$/m.exec(help)?.[1] ?? null;
}

function nameOf(argument: Argument): string {
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}

function flagOf(option: Option): DescribedFlag {
  return {
    written: option.flags,
    long: option.long ?? option.flags,
    short: option.short ?? null,
    is: option.description,
    takes: option.required ? "a value" : option.optional ? "a value or nothing" : "nothing",
    choices: option.argChoices ?? [],
    heading: option.helpGroupHeading ?? "Options:",
  };
}

function headingOf(command: Command): string {
  return command.helpGroup() || "Commands:";
}
