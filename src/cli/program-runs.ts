/** The commands that look at runs. */

import type { Command } from "commander";
import { exportCommand, type ExportFlags } from "./export.ts";
import { failuresCommand, type FailuresFlags } from "./failures.ts";
import type { LookFlags } from "./flags.ts";
import { lsCommand } from "./ls.ts";
import { addLookFlags, example, named, type Choose } from "./program-flags.ts";
import { addStateFlag } from "./program-machines.ts";
import { sharedExport, sharedFailuresCommand, sharedShow } from "./shared-rows.ts";
import { sharedLs, sharedStatus } from "./shared-runs.ts";
import type { StateFlags } from "./worker.ts";
import { reparseCommand, type ReparseFlags } from "./reparse.ts";
import { showCommand, type ShowFlags } from "./show.ts";
import { statusCommand } from "./status.ts";

/** Adds the commands that list runs, show them and read them again. */
export function addRuns(program: Command, choose: Choose): void {
  addLookFlags(addStateFlag(program.command("ls").description("list the runs"))).action(
    (flags: LookFlags & StateFlags) => {
      choose(flags, (terminal) =>
        flags.state === undefined ? lsCommand(flags, terminal) : sharedLs(flags, terminal),
      );
    },
  );
  addLookFlags(addStateFlag(named(program, "status", "show one run"))).action(
    (run: string, flags: LookFlags & StateFlags) => {
      choose(flags, (terminal) =>
        flags.state === undefined
          ? statusCommand(run, flags, terminal)
          : sharedStatus(run, flags, terminal),
      );
    },
  );
  addLookFlags(
    named(program, "reparse", "read the replies of a finished run again, for nothing")
      .option("-o, --output <file>", "write here instead")
      .option("--schema <text|file>", "read them as this: a short form, JSON, or ./schema.ts#name"),
  ).action((run: string, flags: ReparseFlags) => {
    choose(flags, (terminal) => reparseCommand(run, flags, terminal));
  });
  addLookFlags(
    addStateFlag(named(program, "failures", "the rows without an answer, and why"))
      .option("-o, --output <file>", "write all of them here, as CSV, TSV or JSON Lines")
      .addHelpText("after", example("failures latest -o failed.csv")),
  ).action((run: string, flags: FailuresFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? failuresCommand(run, flags, terminal)
        : sharedFailuresCommand(run, flags, terminal),
    );
  });
  addLookFlags(
    addStateFlag(
      named(program, "show", "one row: its prompt, its reply, and every request made for it"),
    )
      .option(
        "--row <row>",
        "its number, counted from 1, or column=value; in a run with a key its key, or :number",
      )
      .addHelpText("after", example("show latest --row 17")),
  ).action((run: string, flags: ShowFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? showCommand(run, flags, terminal)
        : sharedShow(run, flags, terminal),
    );
  });
  addLookFlags(
    addStateFlag(
      named(program, "export", "write the output of a run once more, as far as it has come"),
    )
      .requiredOption("-o, --output <file>", "file to write, in the format of its ending")
      .addHelpText("after", example("export latest -o labelled.parquet")),
  ).action((run: string, flags: ExportFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? exportCommand(run, flags, terminal)
        : sharedExport(run, flags, terminal),
    );
  });
}
