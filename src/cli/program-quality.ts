/** The commands that judge answers. */

import type { Command } from "commander";
import { diffCommand, type DiffFlags } from "./diff.ts";
import { evalCommand, type EvalFlags } from "./eval.ts";
import type { FlagValues } from "./flag-values.ts";
import { addLookFlags, type Choose } from "./program-flags.ts";

/** Adds `eval` and `diff`. */
export function addQuality(program: Command, choose: Choose, values: FlagValues): void {
  const evaluate = program
    .command("eval")
    .argument("<file|run>", "a file, or a run whose output is meant")
    .description("score a column of answers against gold labels")
    .option("--pred <column>", "column of answers (a run's own when left out)")
    .requiredOption("--gold <column>", "column of gold labels")
    .option("--by <column>", "also score each value of this column")
    .option("--cost <usd>", "what the answers cost in all", values.amount)
    .option("--min-accuracy <share>", "exit 3 below this accuracy, 0 to 1", values.rate);
  addLookFlags(evaluate).action((ref: string, flags: EvalFlags) => {
    choose(flags, (terminal) => evalCommand(ref, flags, terminal));
  });
  const diff = program
    .command("diff")
    .argument("<a>", "a file, or a run whose output is meant")
    .argument("<b>", "another over the same rows")
    .description("compare the answers of two runs")
    .option("-c, --column <name>", "column of answers (a run's own when left out)")
    .option("-o, --output <file>", "CSV file for the rows that differ");
  addLookFlags(diff).action((a: string, b: string, flags: DiffFlags) => {
    choose(flags, (terminal) => diffCommand([a, b], flags, terminal));
  });
}
