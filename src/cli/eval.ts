/** `batchframe eval`: how well a column of answers matches a column of gold labels. */

import { evaluateFile, type EvalReport } from "../index.ts";
import { answerColumn } from "./answer-column.ts";
import { wrapped } from "./cells.ts";
import { EXIT } from "./exit-codes.ts";
import { count, counted, percent } from "./format.ts";
import { shortPath } from "./paths.ts";
import { evaluationFromOne, rowNumber } from "./row-numbers.ts";
import { tableText } from "./table.ts";
import type { LookFlags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `eval`. */
export interface EvalFlags extends LookFlags {
  readonly pred?: string;
  readonly gold: string;
  readonly by?: string;
  /** What the answers cost in all. */
  readonly cost?: number;
  /** The accuracy below which the command fails, from 0 to 1. */
  readonly minAccuracy?: number;
}

const MOST_SHOWN = 10;

/**
 * Runs the command on a file, or on the output of a run. Gives 0, or 3 when the accuracy is below
 * `--min-accuracy`. With `--json` prints the whole report on standard output.
 */
export async function evalCommand(
  ref: string,
  flags: EvalFlags,
  terminal: Terminal,
): Promise<number> {
  const { file, column } = await answerColumn(ref, flags.pred, {
    flag: "--pred",
    runDir: flags.runDir,
  });
  const report = await evaluateFile(file, {
    pred: column,
    gold: flags.gold,
    ...(flags.by === undefined ? {} : { by: flags.by }),
    ...(flags.cost === undefined ? {} : { costUsd: flags.cost }),
  });
  terminal.data({
    schemaVersion: 1,
    file,
    pred: column,
    gold: flags.gold,
    ...evaluationFromOne(report),
  });
  terminal.say(`${shortPath(file)}: ${column} against ${flags.gold}\n`);
  terminal.say(figures(report, terminal));
  terminal.say(`\n${labelTable(report, terminal)}`);
  if (report.parts.length > 0) terminal.say(`\n${partTable(report, flags.by ?? "", terminal)}`);
  if (report.correct < report.n) terminal.say(`\n${confusionTable(report, terminal)}`);
  if (report.disagreements.length > 0) terminal.say(`\n${wrongTable(report, terminal)}`);
  const { minAccuracy } = flags;
  if (minAccuracy === undefined || report.accuracy >= minAccuracy) return EXIT.ok;
  terminal.insist(
    `\nThe accuracy is ${percent(report.correct, report.n)}, below the ${percent(minAccuracy, 1)} asked for.`,
  );
  return EXIT.failedRows;
}

function figures(report: EvalReport, { colours, wrapWidth }: Terminal): string {
  const [low, high] = report.ci95;
  const lines = [
    `  accuracy   ${colours.strong(percent(report.correct, report.n))}  (${percent(low, 1)} to ${percent(high, 1)} with 95 % confidence)`,
    `  macro-F1   ${report.macroF1.toFixed(3)}`,
    `  kappa      ${report.kappa === null ? "undefined: only one label occurs" : report.kappa.toFixed(3)}`,
    `  rows       ${count(report.correct)} right of ${count(report.n)} with a gold label${extra(report)}`,
  ];
  if (report.costPerCorrectUsd !== null)
    lines.push(`  cost       $${report.costPerCorrectUsd.toPrecision(3)} per right answer`);
  return lines.map((text) => wrapped(text, wrapWidth, LABEL_WIDTH)).join("\n");
}

// Two spaces, the longest label and two more.
const LABEL_WIDTH = 13;

function extra({ unanswered, withoutGold }: EvalReport): string {
  const notes = [
    ...(unanswered > 0 ? [`${count(unanswered)} without an answer count as wrong`] : []),
    ...(withoutGold > 0 ? [`${counted(withoutGold, "row")} without a gold label left out`] : []),
  ];
  return notes.map((note) => `; ${note}`).join("");
}

function labelTable({ perLabel }: EvalReport, { width }: Terminal): string {
  const columns = [
    { title: "label" },
    { title: "rows", align: "right", whole: true },
    { title: "precision", align: "right", whole: true },
    { title: "recall", align: "right", whole: true },
    { title: "F1", align: "right", whole: true },
  ] as const;
  const share = (value: number | null): string => (value === null ? "–" : percent(value, 1));
  const rows = perLabel.map(({ label, support, precision, recall, f1 }) => [
    label,
    count(support),
    share(precision),
    share(recall),
    f1.toFixed(3),
  ]);
  return tableText(columns, rows, width);
}

function partTable({ parts }: EvalReport, by: string, { width }: Terminal): string {
  const columns = [
    { title: by },
    { title: "rows", align: "right", whole: true },
    { title: "accuracy", align: "right", whole: true },
    { title: "95 % interval", align: "right", spare: true },
  ] as const;
  const rows = parts.map(({ value, n, accuracy, ci95: [low, high] }) => [
    value === "" ? "(blank)" : value,
    count(n),
    percent(accuracy, 1),
    `${percent(low, 1)} to ${percent(high, 1)}`,
  ]);
  return tableText(columns, rows, width);
}

function confusionTable({ confusion }: EvalReport, { width }: Terminal): string {
  const columns = [
    { title: "gold" },
    { title: "answered" },
    { title: "rows", align: "right", whole: true },
  ] as const;
  const wrong = confusion
    .filter(({ gold, pred }) => gold !== pred)
    .toSorted((a, b) => b.rows - a.rows);
  const rows = wrong
    .slice(0, MOST_SHOWN)
    .map(({ gold, pred, rows: times }) => [gold, pred ?? "(no answer)", count(times)]);
  return tableText(columns, rows, width);
}

function wrongTable({ disagreements }: EvalReport, { width }: Terminal): string {
  const columns = [
    { title: "row", align: "right", whole: true },
    { title: "gold" },
    { title: "answered" },
    { title: "confidence", align: "right", spare: true },
  ] as const;
  const rows = disagreements
    .slice(0, MOST_SHOWN)
    .map(({ row, gold, pred, confidence }) => [
      count(rowNumber(row)),
      gold,
      pred ?? "(no answer)",
      confidence === null ? "" : confidence.toFixed(2),
    ]);
  return tableText(columns, rows, width);
}
