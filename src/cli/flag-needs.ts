/** Flags that mean nothing alone; types of commander only. */

import type { Command } from "commander";

/** Each flag that says more of another, and that other, by their names in camel case. */
const NEEDS: readonly (readonly [flag: string, other: string])[] = [
  ["data", "state"],
  ["batchesAtOnce", "state"],
  ["enqueuedTokens", "state"],
  ["sampleBy", "preview"],
  ["sampleSeed", "preview"],
  ["flatten", "schema"],
];

/**
 * What is wrong with a flag that was written without the one it needs; null where nothing is.
 *
 * Only what stands in the words is judged: a configuration is for commands of every kind.
 */
export function lonelyFlag(command: Command): string | null {
  for (const [flag, other] of NEEDS) {
    if (command.getOptionValueSource(flag) !== "cli") continue;
    if (command.name() === other || command.getOptionValue(other) !== undefined) continue;
    return `option '${longOf(flag, command)}' says nothing without '${longOf(other, command)}'`;
  }
  return null;
}

function longOf(name: string, { options }: Command): string {
  return options.find((option) => option.attributeName() === name)?.long ?? name;
}
