/** What a run prints before anything is sent. */

import type { Lane, OpenFileOptions, RowSample, RunPlan } from "../index.ts";
import { printable, wrapped } from "./cells.ts";
import type { Colours } from "./colour.ts";
import { count, counted } from "./format.ts";
import { shortInput, shortPath } from "./paths.ts";
import { planCostText, tokensText } from "./plan-text.ts";

/** What is known of a run before its first request. */
export interface RunFacts {
  readonly input: string;
  /** How the input is read; its rows come out as they are. */
  readonly reading: OpenFileOptions;
  readonly output: string;
  /** `provider/model`. */
  readonly model: string;
  /** Why this model, when nobody named one; null otherwise. */
  readonly modelWhy: string | null;
  /** Columns that the prompt shows the model; null when that is not known here. */
  readonly promptColumns: readonly string[] | null;
  readonly column: string;
  readonly runDir: string | undefined;
}

/** Where a model is and what it takes for an answer. */
export interface Host {
  readonly name: string;
  readonly free: boolean;
}

/** The run, once it is open. */
export interface Opened {
  readonly id: string;
  readonly directory: string;
}

const LABEL_WIDTH = 9;

/** How text is to look. */
export interface Look {
  readonly colours: Colours;
  /** Columns that tables may take. */
  readonly width: number;
  /** Columns after which words are broken into another line. */
  readonly wrapWidth: number;
}

/** A line that begins with a word of a fixed width; what does not fit goes on below the text. */
export function line(label: string, text: string, { colours, wrapWidth }: Look): string {
  const begun = `${colours.dim(label.padEnd(LABEL_WIDTH))} `;
  return begun + wrapped(text, wrapWidth - LABEL_WIDTH - 1, 0).replaceAll("\n", CONTINUED);
}

const CONTINUED = `\n${" ".repeat(LABEL_WIDTH + 1)}`;

/** Input, model, column, plan with its warnings, and run, a line each. */
export function headText(
  facts: RunFacts,
  known: { readonly host: Host; readonly opened: Opened; readonly plan: RunPlan },
  look: Look,
): string {
  const { colours } = look;
  const { host, opened, plan } = known;
  const where = host.free ? "free · your rows stay on this machine" : `rows go to ${host.name}`;
  return [
    line("input", `${printable(shortInput(facts.input))} · ${counted(plan.rows, "row")}`, look),
    line("model", `${colours.strong(facts.model)} · ${where}`, look),
    ...(facts.modelWhy === null ? [] : [line("", colours.dim(facts.modelWhy), look)]),
    line("column", `${colours.strong(printable(facts.column))}${promptText(facts)}`, look),
    ...(plan.sample === undefined ? [] : [line("sample", sampleText(plan.sample), look)]),
    line("plan", `${planText(plan)}${laneText(plan, host)}`, look),
    ...(host.free || plan.requests === plan.cached ? [] : moneyLines(plan, look)),
    ...plan.warnings.map((warning) => line("note", printable(warning), look)),
    line("run", `${colours.strong(opened.id)} · ${shortPath(opened.directory)}`, look),
  ].join("\n");
}

/** That requests go one by one, or the first does; nothing where they go in batches, or cost nothing either way. */
function laneText({ lane, canary }: RunPlan, { free }: Host): string {
  if (free) return "";
  if (lane === "realtime") return " · in realtime";
  return canary === true ? " · the first alone, in realtime, at full price" : "";
}

/** Which rows were drawn, and by what seed: `1,000 rows drawn by "team", seed 0`. */
export function sampleText({ rows, by, seed }: RowSample): string {
  const how = by === null ? "at random" : `by ${JSON.stringify(printable(by))}`;
  return `${counted(rows, "row")} drawn ${how}, seed ${String(seed)}`;
}

function moneyLines(plan: RunPlan, look: Look): readonly string[] {
  const tokens = tokensText(plan);
  return [
    ...(tokens === null ? [] : [line("tokens", tokens, look)]),
    line("cost", planCostText(plan, plan.lane), look),
  ];
}

function promptText({ promptColumns }: RunFacts): string {
  if (promptColumns === null || promptColumns.length === 0) return "";
  return ` from ${promptColumns.map((name) => JSON.stringify(printable(name))).join(", ")}`;
}

/** What of a plan is told in one line. */
export type CountedPlan = Pick<
  RunPlan,
  "rows" | "requests" | "duplicates" | "skipped" | "rejected" | "chunks"
>;

/** A plan's counts: `294 requests = 300 rows − 6 blank − 8 duplicates`. */
export function planText(plan: CountedPlan): string {
  const { blank, limit, where, sample, kept } = plan.skipped;
  const minus = [
    ...(blank > 0 ? [`${count(blank)} blank`] : []),
    ...(limit > 0 ? [`${count(limit)} past the limit`] : []),
    ...(where > 0 ? [`${count(where)} left out by the condition`] : []),
    ...(kept > 0 ? [`${count(kept)} answered already`] : []),
    ...(sample > 0 ? [`${count(sample)} not in the sample`] : []),
    ...Object.entries(plan.rejected).map(([code, rows]) => `${count(rows)} ${code}`),
    ...(plan.duplicates > 0 ? [counted(plan.duplicates, "duplicate")] : []),
  ];
  const chunks = plan.chunks > 1 ? ` · ${counted(plan.chunks, "chunk")}` : "";
  const from = minus.length === 0 ? "" : ` = ${counted(plan.rows, "row")} − ${minus.join(" − ")}`;
  return `${counted(plan.requests, "request")}${from}${chunks}`;
}

/** What to know while a run goes on: that it may be left, and how to come back. The command has a line of its own, to be copied. */
export function whileText(
  { host, goOn, lane }: { readonly host: Host; readonly goOn: string; readonly lane?: Lane },
  { wrapWidth, colours }: Look,
): string {
  const leaves =
    host.free || lane === "realtime"
      ? "Ctrl-C stops here and keeps what is answered."
      : "Ctrl-C leaves the batches running at the provider.";
  const text = wrapped(`${leaves} Go on with:`, wrapWidth, 0);
  return colours.dim(`${text}\n  ${goOn}`);
}
