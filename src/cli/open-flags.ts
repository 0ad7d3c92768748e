/** The flags of a command as a configuration may fill them in; types of commander only. */

import type { Command, Option } from "commander";
import type { Setting } from "../index.ts";
import type { OpenFlags } from "./configured.ts";

/** How values are read by the flags that may be given several times. */
type Repeated = (text: string, before?: readonly string[]) => readonly string[];

/** Flags that say where settings come from, and so are no settings. */
const SOURCES: ReadonlySet<string> = new Set(["config", "envFile", "recipe", "help", "version"]);

/**
 * The flags of the command that was chosen, filled in place; `repeated` are the readers of flags that
 * may be given several times.
 */
export function openFlags(
  command: Command,
  program: Command,
  repeated: readonly Repeated[],
): OpenFlags {
  const options = new Map(settable(command).map((option) => [option.attributeName(), option]));
  return {
    names: new Set(options.keys()),
    known: [...new Set(commandsBelow(program).flatMap(settable).map(nameOf))],
    isGiven: (name) =>
      [name, ...rivalsOf(name, command)].some((one) =>
        ["cli", "config"].includes(command.getOptionValueSource(one) ?? ""),
      ),
    take: (name, value) => {
      const option = options.get(name);
      if (option === undefined) return "There is no such flag.";
      try {
        const read = readSetting(option, value, repeated);
        command.setOptionValueWithSource(name, read, "config");
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

/** The flags that cannot be used beside one: what was given of them first counts. */
function rivalsOf(name: string, { options }: Command): readonly string[] {
  const rivals = new Map<Option, readonly string[]>(
    options.map((option) => [option, (option as { conflictsWith?: string[] }).conflictsWith ?? []]),
  );
  return [...rivals].flatMap(([option, others]) =>
    nameOf(option) === name ? others : others.includes(name) ? [nameOf(option)] : [],
  );
}

/** The commands of a program, and those below them. */
export function commandsBelow(program: Command): readonly Command[] {
  return program.commands.flatMap((command) => [command, ...commandsBelow(command)]);
}

function settable(command: Command): readonly Option[] {
  return command.options.filter((option) => !SOURCES.has(nameOf(option)));
}

function nameOf(option: Option): string {
  return option.attributeName();
}

function readSetting(option: Option, value: Setting, repeated: readonly Repeated[]): unknown {
  if (typeof value === "boolean") {
    if (option.isBoolean() || option.optional) return option.negate || value ? value : undefined;
    throw new Error(`Write what would stand after ${option.long ?? ""}.`);
  }
  if (option.isBoolean()) throw new Error("Write true or false.");
  const read = option.parseArg as ((text: string, before: unknown) => unknown) | undefined;
  const isRepeated = repeated.some((reader) => reader === (read as unknown));
  if (isRepeated) {
    const start: readonly string[] = [];
    return textsOf(value).reduce<unknown>((before, text) => read?.(text, before), start);
  }
  const text = textOf(value);
  return read === undefined ? text : read(text, undefined);
}

/** What would stand after each of a repeated flag. */
function textsOf(value: Exclude<Setting, boolean>): readonly string[] {
  if (Array.isArray(value)) return (value as readonly string[]).map(String);
  if (typeof value !== "object") return [String(value)];
  return Object.entries(value).map(
    ([name, inner]) => `${name}=${typeof inner === "string" ? inner : JSON.stringify(inner)}`,
  );
}

/** What would stand after a flag: a list with commas where none is in it, and JSON for anything deeper. */
function textOf(value: Exclude<Setting, boolean>): string {
  if (typeof value !== "object") return String(value);
  const isPlain =
    Array.isArray(value) && value.every((text) => typeof text === "string" && !text.includes(","));
  return isPlain ? (value as readonly string[]).join(",") : JSON.stringify(value);
}
