/** The commands that judge answers. */

import type { Command } from "commander";
import { diffCommand, type DiffFlags } from "./diff.ts";
import { evalCommand, type EvalFlags } from "./eval.ts";
import type { FlagValues } from "./flag-values.ts";
import { addLookFlags, example, named, type Choose } from "./program-flags.ts";
import {
  reviewExportCommand,
  reviewImportCommand,
  type ReviewExportFlags,
  type ReviewImportFlags,
} from "./review.ts";

/** Adds `review` and what is below it. */
function addReview(program: Command, choose: Choose, values: FlagValues): void {
  const review = program
    .command("review")
    .description("answers out for people to look at, corrections in");
  addLookFlags(
    named(review, "export", "write answers as CSV for people, the least sure first")
      .option("-o, --output <file>", "file to write (RUN.review.csv when left out)")
      .option("-n, --rows <n>", "how many rows (50 when left out)", values.wholeNumber)
      .option("--seed <n>", "choose other rows among equally sure ones", values.seedNumber)
      .addHelpText("after", example("review export latest -n 100")),
  ).action((run: string, flags: ReviewExportFlags) => {
    choose(flags, (terminal) => reviewExportCommand(run, flags, terminal));
  });
  addLookFlags(
    review
      .command("import")
      .argument("<run|file>", "the run (latest when only the file is given), or the file")
      .argument("[file]", "what review export has written, filled in")
      .description("keep what people have corrected, and write the output again with it")
      .option("-o, --output <file>", "write to this file instead of the run's own output")
      .addHelpText("after", example("review import latest latest.review.csv")),
  ).action((first: string, second: string | undefined, flags: ReviewImportFlags) => {
    const words =
      second === undefined ? { ref: "latest", file: first } : { ref: first, file: second };
    choose(flags, (terminal) => reviewImportCommand(words, flags, terminal));
  });
}

/** Adds `eval`, `diff` and `review`. */
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
  addReview(program, choose, values);
}
