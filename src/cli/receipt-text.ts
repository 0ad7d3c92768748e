/** What a finished run prints: some of its first rows, and the receipt. */

import type { CascadeReceipt, KeptRows, PassReceipt, FileHead, Receipt } from "../index.ts";
import { cut, padded, printable, widthOf, wrapped } from "./cells.ts";
import { bar, count, counted, dollarsText, percent } from "./format.ts";
import { line, type Host, type Look, type RunFacts } from "./head-text.ts";
import { runCommandLine, shortPath } from "./paths.ts";
import { rowNumber } from "./row-numbers.ts";
import { tableText } from "./table.ts";

/** The places of the first rows that were asked, or failed, at most so many; of the first rows where none was. */
export function askedFirst(
  { columns, rows }: FileHead,
  column: string,
  most: number,
): readonly number[] {
  const status = columns.indexOf(`${column}_status`);
  const asked = rows.flatMap((row, at) => (row[status] === "skipped" ? [] : [at]));
  return (asked.length > 0 ? asked : [...rows.keys()]).slice(0, most);
}

/** Some rows of the top of the output as a table: what the model was shown, and what it answered. */
export function shownRowsText(
  head: FileHead,
  places: readonly number[],
  { facts, look }: { readonly facts: RunFacts; readonly look: Look },
): string {
  const { columns } = head;
  const rows = places.map((at) => head.rows[at] ?? []);
  const failed = columns.indexOf(`${facts.column}_error`);
  const isNameless = facts.reading.header === false && !columns.includes(facts.column);
  const shown = [
    ...new Set(
      isNameless
        ? columns.keys()
        : [...sourceColumns({ columns, rows }, facts), ...answerColumns(columns, facts.column)],
    ),
    ...(rows.some((row) => (row[failed] ?? "") !== "") ? [failed] : []),
  ].filter((at) => at >= 0);
  return tableText(
    [
      { title: "row", align: "right", whole: true },
      ...shown.map((at) => ({ title: columns[at] ?? "" })),
    ],
    rows.map((row, number) => [
      count((places[number] ?? 0) + 1),
      ...shown.map((at) => row[at] ?? ""),
    ]),
    look.width,
  );
}

/** Where the answer is: one column, or one for each field of an object, just before the status. */
function answerColumns(columns: readonly string[], column: string): readonly number[] {
  const status = columns.indexOf(`${column}_status`);
  const isAnswer = (name: string): boolean => name === column || name.startsWith(`${column}_`);
  const before = columns.slice(0, Math.max(0, status));
  const first = before.findLastIndex((name) => !isAnswer(name)) + 1;
  return before.slice(first).map((_, at) => first + at);
}

/** The columns in the prompt; when they are not known, the one with the longest text. */
function sourceColumns({ columns, rows }: FileHead, facts: RunFacts): readonly number[] {
  if (facts.promptColumns !== null) return facts.promptColumns.map((name) => columns.indexOf(name));
  const sizes = columns
    .slice(0, answerColumns(columns, facts.column)[0])
    .map((_, at) => rows.reduce((total, row) => total + (row[at] ?? "").length, 0));
  return [sizes.indexOf(Math.max(...sizes))];
}

/** What became of every row, what it cost, and what was written. */
export function receiptText(
  receipt: Receipt,
  more: {
    readonly facts: RunFacts;
    readonly host: Host;
    /** Columns of the written file. */
    readonly columns: readonly string[];
    /** Whether everything had been answered before this process started. */
    readonly wasFinished: boolean;
  },
  look: Look,
): string {
  const { facts, host, columns, wasFinished } = more;
  const say = (label: string, text: string): string => line(label, text, look);
  return [
    sumText(receipt, look),
    ...labelLines(receipt, look),
    ...failureLines(receipt, look),
    ...(receipt.passes ?? []).slice(1).map((pass) => say(pass.role, passText(pass))),
    ...(receipt.cascade === undefined
      ? []
      : cascadeTexts(receipt.cascade, receipt.passes ?? []).map((text, at) =>
          say(at === 0 ? "cascade" : "", text),
        )),
    ...(receipt.corrected === undefined
      ? []
      : [say("reviewed", `${counted(receipt.corrected, "answer")} corrected by people`)]),
    ...oddLines(receipt).map((text) => say("batches", text)),
    ...(receipt.warnings ?? []).map((text) => say("note", text)),
    ...(receipt.kept === undefined ? [] : [say("kept", keptText(receipt.kept))]),
    ...laneLines(receipt).map((text) => say("lanes", text)),
    say("cost", costText(receipt, { facts, host, wasFinished })),
    say("wrote", wroteText(facts, columns, look)),
    ...(receipt.neutralisedCells === 0 ? [] : [say("", neutralisedText(receipt))]),
    ...nextTexts(receipt, facts).map((text, at) => say(at === 0 ? "next" : "", text)),
  ].join("\n");
}

function sumText({ rows, skippedBy }: Receipt, { colours, wrapWidth }: Look): string {
  const mark = rows.failed > 0 ? colours.warn("!") : colours.good("✔");
  const why = Object.entries(skippedBy)
    .filter(([, number]) => number > 0)
    .map(([reason, number]) =>
      Object.keys(skippedBy).length > 1
        ? `${count(number)} ${SKIPPED[reason] ?? reason}`
        : (SKIPPED[reason] ?? reason),
    );
  const skipped = `${count(rows.skipped)} skipped${why.length === 0 ? "" : ` (${why.join(", ")})`}`;
  // Told apart only where there are any, and then always: the sum must come out.
  const cached = rows.cached === 0 ? "" : ` + ${count(rows.cached)} cached`;
  const failed = `${count(rows.failed)} failed`;
  const sum = `${counted(rows.total, "row")} = ${count(rows.ok)} ok${cached} + ${skipped} + ${failed}`;
  const shown = wrapped(sum, wrapWidth - MARK_WIDTH, 0).replaceAll(
    "\n",
    `\n${" ".repeat(MARK_WIDTH)}`,
  );
  return `${mark} ${colours.strong(shown)}`;
}

const MARK_WIDTH = 2;

const SKIPPED: Readonly<Record<string, string>> = {
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

const WIDEST_LABEL = 24;
const WIDEST_BAR = 30;

function labelLines({ labels, rows }: Receipt, { width, colours }: Look): string[] {
  const counts = Object.entries(labels ?? {});
  const names = counts.map(([name]) => cut(printable(name), WIDEST_LABEL));
  const nameWidth = Math.max(0, ...names.map(widthOf));
  const numbers = counts.map(([, number]) => count(number));
  const numberWidth = Math.max(0, ...numbers.map((text) => text.length));
  const room = Math.min(WIDEST_BAR, width - nameWidth - numberWidth - 14);
  // An answer from the cache is an answer: shares of the others alone would pass 100 %.
  const answered = rows.ok + rows.cached;
  if (answered === 0) return [];
  return counts.map(([, number], at) => {
    const share = percent(number, answered).padStart(7);
    const drawn = room < 4 ? "" : bar(number / answered, room);
    const text = `  ${padded(names[at] ?? "", nameWidth)}  ${(numbers[at] ?? "").padStart(numberWidth)}  ${share}`;
    return `${text}  ${colours.good(drawn)}`.trimEnd();
  });
}

function failureLines({ failedBy, rows }: Receipt, look: Look): string[] {
  if (rows.failed === 0) return [];
  const codes = Object.entries(failedBy)
    .sort(([, a], [, b]) => b - a)
    .map(([code, number]) => `${count(number)} ${code}`);
  return [line("failed", look.colours.warn(codes.join(" · ")), look)];
}

/** How a cascade's threshold was set, and what it saved. */
function cascadeTexts(
  cascade: CascadeReceipt,
  [cheap, ...strong]: readonly PassReceipt[],
): readonly string[] {
  const { target, delta, gold, sampled, disagreed, keepAbove, allStrongUsd } = cascade;
  const share = (of: number): string => percent(of * 1000, 1000);
  const stays =
    keepAbove === null
      ? "no cheap answer stays"
      : cheap?.answers === 0 && strong.every(({ role }) => role === "sample")
        ? "every row was in the sample"
        : keepAbove < 0
          ? "every cheap answer stays"
          : `cheap answers stay above a confidence of ${share(keepAbove)}`;
  const answers = strong.reduce((sum, pass) => sum + pass.answers, 0);
  return [
    `${counted(sampled, "row")} compared${gold === undefined ? "" : ` with ${printable(gold)}`}, ${count(disagreed)} differ: ${stays}`,
    `${count(cheap?.answers ?? 0)} answers of ${cheap?.model ?? ""} · ${count(answers)} of ${strong[0]?.model ?? ""}`,
    `${gold === undefined ? "agreement" : "right or the strong model's"} ${share(cascade.estimatedAgreement)} expected, at least ${share(cascade.agreementAtLeast)} with ${share(1 - delta)} confidence (target ${share(target)})`,
    ...(gold === undefined
      ? []
      : ["of all rows, if those with a gold label are a uniform sample of them"]),
    `the strong model on every row would have cost ${allStrongUsd === null ? "an unknown amount" : `about ${dollarsText(allStrongUsd)}`}`,
  ];
}

/** What another model was asked besides: `12 rows to openai/gpt-5 (10 refused · 2 truncated): 11 answered, 1 failed`. */
function passText({ model, rows, answers, failed, cameFor }: PassReceipt): string {
  const came = Object.entries(cameFor).map(([code, number]) => `${count(number)} ${code}`);
  const why = came.length === 0 ? "" : ` (${came.join(" · ")})`;
  return `${counted(rows, "row")} to ${model}${why}: ${count(answers)} answered, ${count(failed)} failed`;
}

/** Where requests went by both lanes, what each came to; and what a cancelled batch may have charged for as well. */
function laneLines({ lanes, paidTwice }: Receipt): string[] {
  const { batch, realtime } = lanes ?? {};
  const sum = (what: string, { answered, costUsd }: NonNullable<typeof batch>): string =>
    `${counted(answered, "request")} ${what}${costUsd === null ? "" : ` (${dollarsText(costUsd)})`}`;
  const both =
    batch === undefined || realtime === undefined
      ? []
      : [`${sum("in batches", batch)} · ${sum("in realtime", realtime)}`];
  if (paidTwice === undefined) return both;
  const { count: rows, rows: first } = paidTwice;
  const named = first.slice(0, 5).map((row) => count(rowNumber(row)));
  const more = rows > named.length ? ", …" : "";
  return [
    ...both,
    `${counted(rows, "row")} asked again after a batch was cancelled; both may be charged: row ${named.join(", ")}${more} (all with --json)`,
  ];
}

function oddLines({ resent, duplicateReplies, unknownReplies }: Receipt): string[] {
  const odd = [
    ...(resent > 0 ? [`${counted(resent, "request")} sent again`] : []),
    ...(duplicateReplies > 0 ? [`${counted(duplicateReplies, "reply", "replies")} repeated`] : []),
    ...(unknownReplies > 0 ? [`${counted(unknownReplies, "reply", "replies")} to no request`] : []),
  ];
  return odd.length === 0 ? [] : [odd.join(" · ")];
}

function costText(
  { costUsd, plannedUsd, usage, skippedBy, passes = [] }: Receipt,
  more: { readonly facts: RunFacts; readonly host: Host; readonly wasFinished: boolean },
): string {
  const { facts, host, wasFinished } = more;
  const all = (skippedBy.pending ?? 0) > 0 ? "" : ": every answer was there";
  const before = wasFinished ? `nothing was sent${all} · ` : "";
  if (host.free) return `${before}$0.00, the model runs here`;
  const tokens = `${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`;
  const unpriced = passes.filter((pass) => pass.costUsd === null).map(({ model }) => model);
  const [model = facts.model] = unpriced;
  const dollars = costUsd === null ? `unknown (no price for ${model})` : dollarsText(costUsd);
  const each =
    passes.length < 2 || costUsd === null
      ? ""
      : ` = ${passes.map((pass) => `${dollarsText(pass.costUsd ?? 0)} ${pass.role}`).join(" + ")}`;
  // A finished run that is told again was planned long ago.
  const planned =
    plannedUsd === undefined || costUsd === null || wasFinished || passes.length > 1
      ? ""
      : ` actual · ${dollarsText(plannedUsd.low)} – ${dollarsText(plannedUsd.high)} planned`;
  return `${before}${dollars}${each}${planned} · ${tokens}`;
}

function keptText({ rows, unanswered, leftOut }: KeptRows): string {
  const some = unanswered === 0 ? "" : `, ${count(unanswered)} of them without an answer`;
  return `${counted(rows, "row")}${some} · ${count(leftOut)} left out`;
}

function wroteText(facts: RunFacts, columns: readonly string[], { colours }: Look): string {
  // New columns stand after all others: the answer's, its status, and what else is told of it.
  const added = columns.slice(answerColumns(columns, facts.column)[0] ?? columns.length);
  const unchanged = columns.length - added.length;
  // What went into a pipe cannot be looked at.
  if (facts.output === "-") return colours.strong("standard output");
  const path = colours.strong(printable(shortPath(facts.output)));
  return `${path} · ${counted(unchanged, "column")} unchanged + ${added.map(printable).join(", ")}`;
}

function neutralisedText({ neutralisedCells }: Receipt): string {
  return `${counted(neutralisedCells, "new cell")} a spreadsheet would run as a formula begin with ' now`;
}

/** Each on a line of its own: a command that is broken over two cannot be copied. */
function nextTexts({ run, rows }: Receipt, facts: RunFacts): readonly string[] {
  const about = (command: string): string => runCommandLine(command, run, facts.runDir);
  if (rows.failed === 0) return [about("status")];
  return [`${about("failures")} shows why`, `${about("retry")} asks them again`];
}
