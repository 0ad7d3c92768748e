/** What a plan shows of its prompts: some of them, their lengths as bars, and what was blank. */

import type { LengthBin, PlanLook } from "../index.ts";
import { printable } from "./cells.ts";
import { count, counted, percent } from "./format.ts";
import { line, type Look } from "./head-text.ts";

const MOST_SHOWN = 120;
const BAR_WIDTH = 24;

/** A line for each sample, each bin of lengths and each column that left rows blank. */
export function lookLines(plan: PlanLook, rows: number, look: Look): readonly string[] {
  const blanks = Object.entries(plan.blankRows);
  return [
    ...plan.samples.map(({ which, text }) => line(which, shortText(text), look)),
    ...lengthTexts(plan.lengths).map((text, at) => line(at === 0 ? "prompts" : "", text, look)),
    ...blanks.map(([column, blank]) =>
      line(
        "blank",
        `${JSON.stringify(printable(column))} in ${counted(blank, "row")} (${percent(blank / rows, 1)})`,
        look,
      ),
    ),
  ];
}

function shortText(text: string): string {
  const shown = printable(text.slice(0, MOST_SHOWN).toWellFormed());
  return text.length > MOST_SHOWN ? `${shown} …` : shown;
}

function lengthTexts(bins: readonly LengthBin[]): readonly string[] {
  const most = Math.max(1, ...bins.map(({ requests }) => requests));
  const names = bins.map(({ from, to }) => `${count(from)}–${count(to)} characters`);
  const width = Math.max(0, ...names.map(({ length }) => length));
  return bins.map(({ requests }, at) => {
    const bar = "█".repeat(Math.ceil((requests / most) * BAR_WIDTH));
    return `${(names[at] ?? "").padEnd(width)} ${bar} ${count(requests)}`;
  });
}
