/** `batchframe review`: answers out for people to look at, and what they have corrected in again. */

import { exportReview, findRun, importReview, type ReviewImported } from "../index.ts";
import { wrapped } from "./cells.ts";
import { EXIT } from "./exit-codes.ts";
import type { LookFlags } from "./flags.ts";
import { hostFrom, tellReceipt } from "./follow.ts";
import { count, counted, percent } from "./format.ts";
import { commandLine, programName, shortPath } from "./paths.ts";
import { followedFacts } from "./resume.ts";
import { receiptFromOne } from "./row-numbers.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `review export`. */
export interface ReviewExportFlags extends LookFlags {
  readonly output?: string;
  readonly rows?: number;
  readonly seed?: number;
}

/** Flags of `review import`. */
export interface ReviewImportFlags extends LookFlags {
  readonly output?: string;
}

/** Runs `review export`; gives 0. Sends nothing. */
export async function reviewExportCommand(
  ref: string,
  flags: ReviewExportFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await findRun(ref, flags.runDir);
  const { rows, seed } = flags;
  const sheet = await exportReview(run, flags.output ?? `${run.id}.review.csv`, {
    ...(rows === undefined ? {} : { rows }),
    ...(seed === undefined ? {} : { seed }),
  });
  terminal.data({ schemaVersion: 1, ...sheet });
  const { output, failed, reviewed, fill } = sheet;
  const also = failed === 0 ? "" : `, ${count(failed)} of them failed`;
  const left = reviewed === 0 ? "" : `; ${count(reviewed)} reviewed before left out`;
  terminal.say(`${counted(sheet.rows, "row")} of ${run.id} in ${shortPath(output)}${also}${left}`);
  tellLines(
    [
      ["fill in", `${fill}: the right answer of each row you look at, also where the model has it`],
      ["cost", "nothing was sent"],
      ["next", importLine(run.id, output, flags.runDir)],
    ],
    terminal,
  );
  return EXIT.ok;
}

/** Runs `review import`; gives 0, 3 where rows have failed still, 75 where some have no answer yet. Sends nothing. */
export async function reviewImportCommand(
  { ref, file }: { readonly ref: string; readonly file: string },
  flags: ReviewImportFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await findRun(ref, flags.runDir);
  const { output } = flags;
  const imported = await importReview(run, file, output === undefined ? {} : { output });
  const { receipt, scores, blank, column } = imported;
  if (terminal.json)
    terminal.data({
      schemaVersion: 1,
      ...{ run: run.id, column, scores, blank, receipt: receiptFromOne(receipt) },
    });
  terminal.say(`${shortPath(file)}: ${column} against ${counted(scores.n, "answer")} by people\n`);
  tellLines(figures(imported), terminal);
  terminal.say("");
  const facts = followedFacts(run, { ...flags, output: receipt.output ?? "" });
  const more = { facts, host: hostFrom(run), wasFinished: true };
  await tellReceipt(
    receipt,
    more,
    terminal.json ? { ...terminal, data: () => undefined } : terminal,
  );
  if ((receipt.skippedBy.pending ?? 0) > 0) return EXIT.pending;
  return receipt.rows.failed > 0 ? EXIT.failedRows : EXIT.ok;
}

function figures({ scores, blank }: ReviewImported): readonly (readonly [string, string])[] {
  const { n, correct, unanswered, kappa, ci95 } = scores;
  const [low, high] = ci95;
  const none = unanswered === 0 ? "" : `; ${count(unanswered)} without an answer count as wrong`;
  return [
    ["right", `${count(correct)} of ${count(n)} reviewed${none}`],
    [
      "accuracy",
      `${percent(correct, n)} of these (${percent(low, 1)} to ${percent(high, 1)} with 95 % confidence); they were not chosen evenly`,
    ],
    ["kappa", kappa === null ? "undefined: only one answer occurs" : kappa.toFixed(3)],
    ...(blank === 0
      ? []
      : [["left out", `${counted(blank, "row")} with nothing filled in`] as const]),
  ];
}

function importLine(run: string, file: string, runDir: string | undefined): string {
  const place = runDir === undefined ? [] : ["--run-dir", runDir];
  return commandLine([...programName(), "review", "import", run, file, ...place]);
}

const LABEL_WIDTH = 9;

function tellLines(lines: readonly (readonly [string, string])[], terminal: Terminal): void {
  for (const [label, text] of lines)
    terminal.say(
      wrapped(`  ${label.padEnd(LABEL_WIDTH)}  ${text}`, terminal.wrapWidth, LABEL_WIDTH + 4),
    );
}
