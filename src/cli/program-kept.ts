/** The commands that clear what is kept on disk: runs, and answers bought before. */

import type { Command } from "commander";
import {
  cacheClearCommand,
  cacheInfoCommand,
  type CacheFlags,
  type ClearCacheFlags,
} from "./cache.ts";
import type { FlagValues } from "./flag-values.ts";
import type { CleanFlags, RemoveFlags } from "./flags.ts";
import { addLookFlags, RUN, type Choose } from "./program-flags.ts";
import { addStateFlag } from "./program-machines.ts";
import { gcCommand, rmCommand } from "./rm.ts";
import { sharedRm } from "./shared-rows.ts";
import type { StateFlags } from "./worker.ts";

/** Adds `rm` and `gc`. */
export function addRemoval(program: Command, choose: Choose, values: FlagValues): void {
  addLookFlags(
    addStateFlag(program.command("rm"))
      .argument("<run>", RUN)
      .description("delete a run's directory; its output stays")
      .option("--force", "even while batches are under way"),
  ).action((run: string, flags: RemoveFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined ? rmCommand(run, flags, terminal) : sharedRm(run, flags, terminal),
    );
  });
  addLookFlags(
    program
      .command("gc")
      .description("delete finished runs that are old")
      .option("--older-than <age>", "how old: 12h, 30d", values.age, 30 * 24 * 3_600_000)
      .option("--dry-run", "say what would be deleted"),
  ).action((flags: CleanFlags) => {
    choose(flags, (terminal) => gcCommand(flags, terminal));
  });
}

/** Adds `cache` and what is below it. */
export function addCache(program: Command, choose: Choose, values: FlagValues): void {
  const cache = program.command("cache").description("the answers bought so far, for every run");
  const within = (command: Command): Command =>
    addLookFlags(
      addStateFlag(command.option("--cache-file <file>", "another cache than the one of the runs")),
    );
  within(cache.command("info", { isDefault: true }).description("what it holds")).action(
    (flags: CacheFlags) => {
      choose(flags, (terminal) => cacheInfoCommand(flags, terminal));
    },
  );
  within(
    cache
      .command("clear")
      .description("delete answers; a new run would buy them again")
      .option("-m, --model <name>", "those of this model only")
      .option("--older-than <age>", "those bought longer ago only", values.age),
  ).action((flags: ClearCacheFlags) => {
    choose(flags, (terminal) => cacheClearCommand(flags, terminal));
  });
}
