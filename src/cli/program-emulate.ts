/** The command that starts a provider on this machine. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";
import type { EmulateFlags } from "./flags.ts";
import { addTerminalFlags, type Choose } from "./program-flags.ts";

/** Adds `emulate`. */
export function addEmulate(program: Command, choose: Choose, values: FlagValues): void {
  const { duration, portNumber, rate, seedNumber } = values;
  const command = program
    .command("emulate")
    .description("start a provider on this machine: free, and faulty on request")
    .option("--port <n>", "port to listen on; 0 takes a free one", portNumber, 8080)
    .option("--answer <source>", "echo, embedded, table:FILE.json or forward:URL", "echo")
    .option("--seed <n>", "makes every random choice repeatable", seedNumber)
    .option("--delay <duration>", "hold back every call this long", duration)
    .option("--validating <duration>", "how long a batch is validated", duration)
    .option("--running <duration>", "how long a batch runs, at least", duration)
    .option("--finalizing <duration>", "how long a batch is finalized", duration)
    .option("--drop-rows <rate>", "share of rows whose answer is lost", rate)
    .option("--duplicate-rows <rate>", "share of rows answered twice", rate)
    .option("--fail-rows <rate>", "share of rows that fail with HTTP 500", rate)
    .option("--unknown-ids <rate>", "share of rows with an answer nobody asked for", rate)
    .option("--expire-rows <rate>", "share of rows that expire", rate)
    .option("--refuse-rows <rate>", "share of rows the model refuses", rate)
    .option("--truncate-rows <rate>", "share of rows cut off", rate)
    .option("--invalid-json-rows <rate>", "share of rows that are not the JSON asked for", rate)
    .option("--wrong-shape-rows <rate>", "share of rows that are JSON of another shape", rate)
    .option("--fenced-rows <rate>", "share of JSON rows in a fenced block", rate)
    .option("--duplicate-key-rows <rate>", "share of JSON rows that name a member twice", rate)
    .option("--deep-rows <rate>", "share of JSON rows nested 200 levels deep", rate)
    .option("--huge-rows <rate>", "share of JSON rows with 1 MiB of blanks in them", rate)
    .option("--faults <json|@file>", "any faults, as one JSON object");
  addTerminalFlags(command).action((flags: EmulateFlags) => {
    choose(flags, async (terminal) => {
      // A fifth of all modules stand behind it, which no other command needs.
      const { emulateCommand } = await import("./emulate.ts");
      return await emulateCommand(flags, terminal);
    });
  });
}
