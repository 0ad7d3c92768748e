/** The commands that get a machine ready. */

import type { Command } from "commander";
import { doctorCommand } from "./doctor.ts";
import type { DoctorFlags } from "./flags.ts";
import { addLookFlags, type Choose } from "./program-flags.ts";

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
