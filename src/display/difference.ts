/** A comparison of two columns of answers as it is shown in a notebook. */

import type { DiffReport } from "../core/agreement.ts";
import type { Bundle } from "./bundle.ts";
import { cardBundle } from "./card.ts";
import { figureTable } from "./evaluation.ts";
import { count, counted, percent } from "./text.ts";

const MOST_TRANSITIONS = 20;

/** How many rows changed, and from what to what; at most 20 changes. */
export function differenceBundle(report: DiffReport): Bundle {
  const { rows, changed, kappa, transitions } = report;
  const shown = transitions.slice(0, MOST_TRANSITIONS);
  const rest = transitions.length - shown.length;
  const name = (label: string): string => (label === "" ? "(no answer)" : label);
  return cardBundle({
    title: `${counted(changed, "row")} of ${count(rows)} changed`,
    facts: [
      ["agreement", percent(rows - changed, rows)],
      ["kappa", kappa === null ? "undefined" : kappa.toFixed(3)],
    ],
    parts:
      shown.length === 0
        ? []
        : [
            figureTable(
              ["change", "rows"],
              shown.map(({ from, to, rows: times }) => [
                `${name(from)} → ${name(to)}`,
                count(times),
              ]),
            ),
          ],
    notes: rest === 0 ? [] : [`and ${counted(rest, "more change")}`],
  });
}
