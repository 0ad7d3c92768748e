/** A receipt as it is shown in a notebook. */

import type { Receipt } from "../core/receipt.ts";
import type { Bundle } from "./bundle.ts";
import { cardBundle, type Card } from "./card.ts";
import { barChart } from "./chart.ts";
import { figureTable } from "./evaluation.ts";
import { count, counted, dollars } from "./text.ts";

/** Why a row was skipped, in words. */
export const SKIPPED: Readonly<Record<string, string>> = {
  blank: "blank",
  limit: "past the limit",
  where: "left out by the condition",
  sample: "not in the sample",
  step: "failed a step before",
  pending: "not answered yet",
  kept: "answered already",
  bad_row: "unreadable in the file",
  pass: "left to another model",
  budget: "left over by the budget",
};

/** What became of every row, what it cost, and how often each label was given. */
export function receiptBundle(receipt: Receipt): Bundle {
  return cardBundle(receiptCard(receipt));
}

function receiptCard(receipt: Receipt): Card {
  const { rows, labels, steps, models, output, neutralisedCells } = receipt;
  const parts = [
    ...(labels === null ? [] : [barChart(Object.entries(labels))]),
    ...(steps === undefined ? [] : [stepTable(steps)]),
  ];
  return {
    title: sumText(receipt),
    mood: rows.failed > 0 ? "bad" : "good",
    facts: [
      ["cost", costText(receipt)],
      ["model", models.join(", ")],
      ...countsFact("skipped", receipt.skippedBy, (reason) => SKIPPED[reason] ?? reason),
      ...countsFact("failed", receipt.failedBy, (code) => code),
      ...(output === null ? [] : [["wrote", output] as const]),
    ],
    parts,
    notes: [
      ...oddNotes(receipt),
      ...(receipt.warnings ?? []),
      ...(neutralisedCells === 0
        ? []
        : [`${counted(neutralisedCells, "cell")} a spreadsheet would run got a leading '.`]),
    ],
  };
}

function sumText({ rows, kept }: Receipt): string {
  const cached = rows.cached === 0 ? "" : ` + ${count(rows.cached)} cached`;
  const left =
    kept === undefined ? "" : `; ${count(kept.rows)} kept, ${count(kept.leftOut)} left out`;
  return `${counted(rows.total, "row")} = ${count(rows.ok)} ok${cached} + ${count(rows.skipped)} skipped + ${count(rows.failed)} failed${left}`;
}

function costText({ costUsd, usage }: Receipt): string {
  const { inputTokens, outputTokens } = usage;
  const tokens = `${count(inputTokens)} tokens in, ${count(outputTokens)} out`;
  return inputTokens + outputTokens === 0 ? dollars(costUsd) : `${dollars(costUsd)} · ${tokens}`;
}

function countsFact(
  label: string,
  counts: Readonly<Partial<Record<string, number>>>,
  say: (name: string) => string,
): readonly (readonly [string, string])[] {
  const some = Object.entries(counts).filter(([, rows]) => (rows ?? 0) > 0);
  if (some.length === 0) return [];
  return [[label, some.map(([name, rows]) => `${count(rows ?? 0)} ${say(name)}`).join(" · ")]];
}

function oddNotes({ resent, duplicateReplies, unknownReplies }: Receipt): string[] {
  return [
    ...(resent > 0 ? [`${counted(resent, "request")} sent again.`] : []),
    ...(duplicateReplies > 0 ? [`${counted(duplicateReplies, "reply", "replies")} repeated.`] : []),
    ...(unknownReplies > 0
      ? [`${counted(unknownReplies, "reply", "replies")} to no request.`]
      : []),
  ];
}

function stepTable(steps: Readonly<Record<string, Receipt>>) {
  return figureTable(
    ["column", "ok", "cached", "skipped", "failed", "cost"],
    Object.entries(steps).map(([column, { rows, costUsd }]) => [
      column,
      count(rows.ok),
      count(rows.cached),
      count(rows.skipped),
      count(rows.failed),
      dollars(costUsd),
    ]),
  );
}
