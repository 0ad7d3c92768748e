/** `batchframe/notebook`: dataframes and charts as notebooks show them, without scripts or a network. */

export { show } from "./show.ts";
export type { ShowOptions } from "./show.ts";
export { bars, histogram } from "./charts.ts";
export type { ChartOptions, HistogramOptions } from "./charts.ts";
export type { Bundle, Displayed } from "../display/bundle.ts";
