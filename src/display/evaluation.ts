/** An evaluation as it is shown in a notebook. */

import type { EvalReport } from "../core/evaluation.ts";
import type { Bundle } from "./bundle.ts";
import { cardBundle, type Part } from "./card.ts";
import { confusionMatrix } from "./chart.ts";
import { cell, headCell } from "./cell.ts";
import { markup } from "./html.ts";
import { count, counted, dollars, oneLine, percent, plainColumns } from "./text.ts";

const MOST_LABELS = 20;

/** The figures of an evaluation, its labels, and which answers were given for which; at most 20 labels. */
export function evaluationBundle(report: EvalReport): Bundle {
  const { correct, n, ci95, macroF1, kappa, costPerCorrectUsd, perLabel, confusion } = report;
  const [low, high] = ci95;
  const golds = perLabel.filter(({ support }) => support > 0).map(({ label }) => label);
  const isSmall = golds.length <= MOST_LABELS;
  return cardBundle({
    title: `${percent(correct, n)} of ${counted(n, "row")} right (${percent(low, 1)} to ${percent(high, 1)} with 95 % confidence)`,
    facts: [
      ["macro-F1", macroF1.toFixed(3)],
      ["kappa", kappa === null ? "undefined: only one label occurs" : kappa.toFixed(3)],
      ...(costPerCorrectUsd === null
        ? []
        : [["cost", `${dollars(costPerCorrectUsd)} per right answer`] as const]),
    ],
    parts: [
      labelTable(report),
      ...(isSmall ? [confusionMatrix(confusion, golds)] : []),
      ...(report.parts.length === 0 ? [] : [partTable(report)]),
    ],
    notes: notesOf(report, isSmall),
  });
}

function notesOf({ unanswered, withoutGold, perLabel }: EvalReport, isSmall: boolean) {
  return [
    ...(unanswered > 0 ? [`${count(unanswered)} without an answer count as wrong.`] : []),
    ...(withoutGold > 0 ? [`${counted(withoutGold, "row")} without a gold label left out.`] : []),
    ...(isSmall ? [] : [`The first ${count(MOST_LABELS)} of ${count(perLabel.length)} labels.`]),
  ];
}

function share(value: number | null): string {
  return value === null ? "–" : percent(value, 1);
}

function labelTable({ perLabel }: EvalReport): Part {
  return figureTable(
    ["label", "rows", "precision", "recall", "F1"],
    perLabel
      .slice(0, MOST_LABELS)
      .map(({ label, support, precision, recall, f1 }) => [
        label,
        count(support),
        share(precision),
        share(recall),
        f1.toFixed(3),
      ]),
  );
}

function partTable({ parts }: EvalReport): Part {
  return figureTable(
    ["part", "rows", "accuracy", "95 % interval"],
    parts
      .slice(0, MOST_LABELS)
      .map(({ value, n, accuracy, ci95: [low, high] }) => [
        value === "" ? "(blank)" : value,
        count(n),
        percent(accuracy, 1),
        `${percent(low, 1)} to ${percent(high, 1)}`,
      ]),
  );
}

/** A table whose first column is text and whose others are figures. */
export function figureTable(titles: readonly string[], rows: readonly (readonly string[])[]): Part {
  const figures = new Set(titles.map((_, at) => at).slice(1));
  const [first = "", ...others] = titles;
  return {
    html: markup`<table class="bf-rows">
      <thead>
        <tr>
          ${headCell(first)}${others.map((title) => headCell(title, "num"))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name = "", ...cells]) =>
            markup`<tr>
              ${cell(oneLine(name, 60))}${cells.map((figure) => cell(figure, "num"))}
            </tr>`,
        )}
      </tbody>
    </table>`,
    plain: plainColumns(
      [titles, ...rows].map(([name = "", ...cells]) => [`  ${oneLine(name, 30)}`, ...cells]),
      figures,
    ),
  };
}
