/** Charts for notebooks: drawn as SVG in the page, with their figures as text beside them. */

import { displayed, type Displayed } from "../display/bundle.ts";
import { cardBundle } from "../display/card.ts";
import { barChart, histogramChart } from "../display/chart.ts";
import { count, dollars } from "../display/text.ts";

/** What stands above a chart. */
export interface ChartOptions {
  readonly title?: string;
}

/** How numbers are said below a histogram. */
export interface HistogramOptions extends ChartOptions {
  /** `usd` for costs, `ms` for times; plain numbers when left out. */
  readonly unit?: "usd" | "ms";
}

/**
 * A bar for each name with its number and share: the labels of a receipt, or counts of your own, in their
 * order; null, for a receipt without labels, shows none.
 */
export function bars(
  counts: Readonly<Record<string, number>> | null,
  { title = "" }: ChartOptions = {},
): Displayed {
  return displayed({} as Displayed, () =>
    cardBundle({ title, parts: [barChart(Object.entries(counts ?? {}))] }),
  );
}

/**
 * How numbers are spread, in 24 bars: costs or times of a column's answers, say. What is no finite number
 * is left out, and counted below.
 */
export function histogram(
  values: Iterable<number | bigint | null>,
  { title = "", unit }: HistogramOptions = {},
): Displayed {
  const all = [...values].map((value) => (value === null ? Number.NaN : Number(value)));
  const finite = all.filter((value) => Number.isFinite(value));
  const left = all.length - finite.length;
  return displayed({} as Displayed, () =>
    cardBundle({
      title,
      parts: [histogramChart(finite, sayIn(unit))],
      notes: left === 0 ? [] : [`${count(left)} without a number left out.`],
    }),
  );
}

function sayIn(unit: HistogramOptions["unit"]): (value: number) => string {
  if (unit === "usd") return dollars;
  const plain = (value: number): string =>
    value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
  return unit === "ms" ? (value) => `${plain(value)} ms` : plain;
}
