/** Flags that would do nothing: without another that is missing, or beside one that leaves the work to others. Types of commander only. */

import type { Command } from "commander";

/** Each flag that says more of another, and the others it may be, by their names in camel case. */
const NEEDS: readonly (readonly [flag: string, other: string, another?: string])[] = [
  ["data", "state"],
  ["batchesAtOnce", "state"],
  ["enqueuedTokens", "state"],
  ["sampleBy", "sample", "preview"],
  ["sampleSeed", "sample", "preview"],
  ["flatten", "schema"],
];

const DRIVING = [
  ...[
    "poll",
    "yes",
    "retries",
    "maxFailures",
    "failFast",
    "stall",
    "keepRemote",
    "failuresTo",
    "notify",
  ],
  ...["lane", "deadline", "concurrency", "rpm", "tpm", "requestTimeout"],
  ...["maxCost", "confirmAbove", "price", "prices"],
];

/** What workers drive takes nothing from this process, these aside. */
const SHARED: Readonly<Record<string, readonly string[]>> = { retry: ["yes", "maxCost"] };

/** What is done at a run's end, to which a command that detaches does not stay; and what asks nothing at all. */
const STAYING = ["failuresTo", "notify", "preview", "dryRun", "printPrompt"];

/** What is wrong with a flag that would do nothing here; null where nothing is. Only what stands in the words is judged: a configuration is for commands of every kind. */
export function uselessFlag(command: Command): string | null {
  return lonelyFlag(command) ?? flagForWorkers(command) ?? flagForTheEnd(command);
}

function flagForTheEnd(command: Command): string | null {
  if (command.getOptionValueSource("detach") !== "cli") return null;
  const useless = STAYING.find((flag) => command.getOptionValueSource(flag) === "cli");
  if (useless === undefined) return null;
  return `option '${longOf("detach", command)}' says nothing with '${longOf(useless, command)}'`;
}

function flagForWorkers(command: Command): string | null {
  const name = command.name();
  const isWritten = (flag: string): boolean => command.getOptionValueSource(flag) === "cli";
  if (command.getOptionValue("state") === undefined) return null;
  // Who hands a run over says how workers are to drive it.
  const hands = command.options.some((option) => option.attributeName() === "data");
  const local = hands ? ["runDir", "confirmAbove", "detach"] : ["runDir", "cacheFile", ...DRIVING];
  const useless = local.find((flag) => isWritten(flag) && SHARED[name]?.includes(flag) !== true);
  if (useless === undefined) return null;
  return `option '${longOf(useless, command)}' says nothing with '--state', where workers drive the run`;
}

/** What is wrong with a flag that was written without the one it needs; null where nothing is. */
function lonelyFlag(command: Command): string | null {
  for (const [flag, ...others] of NEEDS) {
    if (command.getOptionValueSource(flag) !== "cli") continue;
    const isThere = (other = ""): boolean =>
      command.name() === other || command.getOptionValue(other) !== undefined;
    if (others.some(isThere)) continue;
    const needed = others.map((other = "") => `'${longOf(other, command)}'`).join(" or ");
    return `option '${longOf(flag, command)}' says nothing without ${needed}`;
  }
  return null;
}

function longOf(name: string, { options }: Command): string {
  return options.find((option) => option.attributeName() === name)?.long ?? name;
}
