/** Charts that need no library: bars, a histogram and a confusion matrix. */

import type { Part } from "./card.ts";
import { cell, headCell } from "./cell.ts";
import { markup, type Html } from "./html.ts";
import { count, oneLine, percent, plainBar, plainColumns, visible } from "./text.ts";

const BAR_WIDTH = 160;
const PLAIN_WIDTH = 24;
const MOST_BARS = 40;

/**
 * A bar for each name, with its number and its share of `whole`; at most 40, the rest in one line.
 *
 * The numbers stand in a table and only the bars are drawn, so that a page which drops drawings still
 * says everything.
 */
export function barChart(counts: readonly (readonly [name: string, rows: number])[]): Part {
  const whole = counts.reduce((sum, [, rows]) => sum + rows, 0);
  const most = Math.max(1, ...counts.map(([, rows]) => rows));
  const shown = counts.slice(0, MOST_BARS);
  const rest = counts.length - shown.length;
  const more = rest === 0 ? "" : `and ${count(rest)} more`;
  const rows = shown.map(
    ([name, rows]) =>
      markup`<tr>
        ${cell(oneLine(name, 60))}${cell(count(rows), "num")}
        ${cell(percent(rows, whole), "num")}${cell(barOf(rows / most))}
      </tr>`,
  );
  const lines = shown.map(([name, rows]) => [
    `  ${oneLine(name, 30)}`,
    count(rows),
    percent(rows, whole),
    plainBar(rows / most, PLAIN_WIDTH),
  ]);
  return {
    html: markup`<table>
        ${rows}
      </table>
      ${more === "" ? markup`` : markup`<div class="bf-dim">${more}</div>`}`,
    plain: [plainColumns(lines, new Set([1, 2])), ...(more === "" ? [] : [`  ${more}`])].join("\n"),
  };
}

/** A bar for a share between 0 and 1; something that is not 0 shows. */
export function barOf(share: number): Html {
  const width = Math.max(share > 0 ? 1 : 0, Math.round(share * BAR_WIDTH));
  return markup`<svg width="${BAR_WIDTH}" height="14" viewBox="0 0 ${BAR_WIDTH} 14" aria-hidden="true">
    ${instead(plainBar(share, PLAIN_WIDTH))}
    <rect class="bf-track" y="3" width="${BAR_WIDTH}" height="9" rx="2" fill="#8883" />
    <rect class="bf-bar" y="3" width="${width}" height="9" rx="2" fill="#3d7ae0" />
  </svg>`;
}

/** What a page that drops drawings keeps of one: their text, unseen where they are drawn. */
function instead(text: string): Html {
  return markup`<desc>${text}</desc>`;
}

/** One bar for how far something is: done, failed, and what is left, in numbers of one whole. */
export function progressBar(done: number, failed: number, whole: number): Part {
  const share = (part: number): number => (whole === 0 ? 0 : part / whole);
  const width = 2 * BAR_WIDTH;
  const first = Math.round(share(done) * width);
  const second = Math.round(share(failed) * width);
  return {
    html: markup`<svg
      width="${width}"
      height="14"
      viewBox="0 0 ${width} 14"
      role="img"
      aria-label="${percent(done, whole)}"
    >
      ${instead(`${plainBar(share(done), PLAIN_WIDTH)} ${percent(done, whole)}`)}
      <rect class="bf-track" y="3" width="${width}" height="9" rx="2" fill="#8883" />
      <rect class="bf-bar" y="3" width="${first}" height="9" rx="2" fill="#3d7ae0" />
      <rect class="bf-bar-bad" x="${first}" y="3" width="${second}" height="9" fill="#d64c3f" />
    </svg>`,
    plain: `  ${plainBar(share(done), PLAIN_WIDTH)} ${percent(done, whole)}`,
  };
}

/** How often each answer was given where another was right: gold labels down, answers across. */
export function confusionMatrix(
  pairs: readonly { readonly gold: string; readonly pred: string | null; readonly rows: number }[],
  golds: readonly string[],
): Part {
  const isKnown = new Set(golds);
  const others = [...new Set(pairs.map(({ pred }) => pred))]
    .filter((pred) => pred === null || !isKnown.has(pred))
    .sort((a, b) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1));
  const columns = [...golds, ...others];
  const rowsOf = new Map(pairs.map(({ gold, pred, rows }) => [keyOf(gold, pred), rows]));
  const at = (gold: string, pred: string | null): number => rowsOf.get(keyOf(gold, pred)) ?? 0;
  const title = (pred: string | null): string => (pred === null ? "no answer" : oneLine(pred, 24));
  const totals = new Map(
    golds.map((gold) => [gold, columns.reduce((sum, pred) => sum + at(gold, pred), 0)]),
  );
  const body = golds.map(
    (gold) =>
      markup`<tr>
        ${headCell(oneLine(gold, 24), "short")}
        ${columns.map((pred) => shadedCell(at(gold, pred), totals.get(gold) ?? 0, gold === pred))}
      </tr>`,
  );
  return {
    html: markup`<table class="bf-grid">
      <tr>
        ${headCell("gold ╲ answer", "short")}${columns.map((pred) => headCell(title(pred), "num"))}
      </tr>
      ${body}
    </table>`,
    plain: plainColumns(
      [
        ["  gold ╲ answer", ...columns.map(title)],
        ...golds.map((gold) => [
          `  ${oneLine(gold, 24)}`,
          ...columns.map((pred) => count(at(gold, pred))),
        ]),
      ],
      new Set(columns.map((_, index) => index + 1)),
    ),
  };
}

function keyOf(gold: string, pred: string | null): string {
  return JSON.stringify([gold, pred]);
}

function shadedCell(rows: number, whole: number, isRight: boolean): Html {
  const share = whole === 0 ? 0 : rows / whole;
  const colour = isRight ? "61,122,224" : "214,76,63";
  const shade = `rgba(${colour},${(0.55 * share).toFixed(2)})`;
  return markup`<td class="bf-num" style="text-align:right;background-color:${shade}">${count(rows)}</td>`;
}

const HISTOGRAM = { width: 420, height: 110, floor: 92, bins: 24 } as const;

/** How numbers are spread: 24 bars of equal width, with the least, the median and the greatest below. */
export function histogramChart(values: readonly number[], say: (value: number) => string): Part {
  const sorted = Float64Array.from(values).sort();
  const [least = 0] = sorted;
  const greatest = sorted.at(-1) ?? 0;
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  const { width, height, floor, bins } = HISTOGRAM;
  const size = (greatest - least) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (const value of sorted) {
    const bin = size === 0 ? 0 : Math.min(bins - 1, Math.floor((value - least) / size));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const most = Math.max(1, ...counts);
  const step = width / bins;
  const bars = counts.map((rows, bin) => {
    const tall = rows === 0 ? 0 : Math.max(1, Math.round((rows / most) * (floor - 8)));
    const [x, wide] = [bin * step, step - 1].map((length) => length.toFixed(1));
    return markup`
      <rect class="bf-bar" x="${x ?? ""}" y="${floor - tall}" width="${wide ?? ""}" height="${tall}" fill="#3d7ae0" />`;
  });
  const summary = `least ${say(least)} · median ${say(median)} · greatest ${say(greatest)}`;
  const steps = "▁▂▃▄▅▆▇█";
  const spark = counts.map((rows) => (rows === 0 ? " " : steps[Math.ceil((rows / most) * 8) - 1]));
  return {
    html: markup`<svg
        width="${width}"
        height="${height}"
        viewBox="0 0 ${width} ${height}"
        role="img"
        aria-label="${summary}"
      >
        <rect class="bf-track" y="${floor}" width="${width}" height="1" fill="#8883" />
        ${bars}
        <text x="0" y="${height - 4}" fill="currentColor">${say(least)}</text>
        ${instead(` ${spark.join("").replaceAll(" ", "\u00a0")} `)}
        <text x="${width}" y="${height - 4}" text-anchor="end" fill="currentColor">${say(greatest)}</text>
      </svg>
      <div class="bf-dim">${summary}</div>`,
    plain: `  ${visible(spark.join(""))}\n  ${summary}`,
  };
}
