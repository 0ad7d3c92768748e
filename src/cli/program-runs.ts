/** The commands that look at runs. */

import type { Command } from "commander";
import { failuresCommand } from "./failures.ts";
import type { LookFlags } from "./flags.ts";
import { lsCommand } from "./ls.ts";
import { addLookFlags, named, type Choose } from "./program-flags.ts";
import { reparseCommand, type ReparseFlags } from "./reparse.ts";
import { statusCommand } from "./status.ts";

/** Adds the commands that list runs, show them and read them again. */
export function addRuns(program: Command, choose: Choose): void {
  addLookFlags(program.command("ls").description("list the runs")).action((flags: LookFlags) => {
    choose(flags, (terminal) => lsCommand(flags, terminal));
  });
  addLookFlags(named(program, "status", "show one run")).action((run: string, flags: LookFlags) => {
    choose(flags, (terminal) => statusCommand(run, flags, terminal));
  });
  addLookFlags(
    named(program, "reparse", "read the replies of a finished run again, for nothing")
      .option("-o, --output <file>", "write here instead")
      .option("--schema <text|file>", "read them as this: a short form, JSON, or ./schema.ts#name"),
  ).action((run: string, flags: ReparseFlags) => {
    choose(flags, (terminal) => reparseCommand(run, flags, terminal));
  });
  addLookFlags(named(program, "failures", "the rows without an answer, and why")).action(
    (run: string, flags: LookFlags) => {
      choose(flags, (terminal) => failuresCommand(run, flags, terminal));
    },
  );
}
