/** The commands that drive a run: go on, collect, stop, ask again. */

import type { Command } from "commander";
import { attachCommand } from "./attach.ts";
import { cancelCommand } from "./cancel.ts";
import { collectCommand } from "./collect.ts";
import type { FlagValues } from "./flag-values.ts";
import type { CollectFlags, DriveFlags, RetryFlags } from "./flags.ts";
import { addDriveFlags, named, type Choose, type Unlike } from "./program-flags.ts";
import { addStateFlag } from "./program-machines.ts";
import { resumeCommand, type ResumeFlags } from "./resume.ts";
import { codesOf, retryCommand } from "./retry.ts";
import { sharedAttach, sharedCancel, sharedRetry } from "./shared-runs.ts";
import type { StateFlags } from "./worker.ts";

/** Adds the commands that go on with a run, stop it or ask again. */
export function addControl(program: Command, choose: Choose, values: FlagValues): void {
  const driven = (command: Command, unlike?: Unlike): Command =>
    addDriveFlags(command, values, unlike);
  driven(
    named(program, "resume", "go on with a run as it was started").option(
      "-o, --output <file>",
      "write here instead",
    ),
  ).action((run: string, flags: ResumeFlags) => {
    choose(flags, (terminal) => resumeCommand(run, flags, terminal));
  });
  driven(
    addStateFlag(named(program, "attach", "stay with a run to its end, whoever drives it")),
  ).action((run: string, flags: DriveFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? attachCommand(run, flags, terminal)
        : sharedAttach(run, flags, terminal),
    );
  });
  driven(
    named(program, "collect", "take what is ready, do not wait; 75 while some is not")
      .option("-o, --output <file>", "write here instead")
      .option("--batch-id <id>", "take a batch made elsewhere from the run's request file")
      .option("--results <file>", "take reply lines made elsewhere from the run's request file")
      .option(
        "--chunk <n>",
        "which chunk they are for (default: what their ids say)",
        values.wholeNumber,
      )
      .addHelpText("after", COLLECT_EXAMPLE),
    { waits: false, asks: false },
  ).action((run: string, flags: CollectFlags) => {
    choose(flags, (terminal) => collectCommand(run, flags, terminal));
  });
  driven(
    addStateFlag(named(program, "cancel", "stop the remote work, keep every answer that came")),
    { sends: false, asks: false },
  ).action((run: string, flags: DriveFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? cancelCommand(run, flags, terminal)
        : sharedCancel(run, flags, terminal),
    );
  });
  driven(
    addStateFlag(named(program, "retry", "ask failed rows again")).option(
      "--only <codes>",
      "codes, with commas between",
    ),
  ).action((run: string, flags: RetryFlags & StateFlags) => {
    choose(flags, (terminal) =>
      flags.state === undefined
        ? retryCommand(run, flags, terminal)
        : sharedRetry(run, { ...flags, codes: codesOf(flags.only) }, terminal),
    );
  });
}

const COLLECT_EXAMPLE = `
Example:
  batchframe collect latest --results out.jsonl`;
