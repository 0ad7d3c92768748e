/** `batchframe show`: a row's cell, traced to the requests that made it. */

import {
  findRun,
  InputError,
  openFile,
  traceRow,
  type RowTrace,
  type RunStatus,
  type Sending,
} from "../index.ts";
import { printable } from "./cells.ts";
import type { LookFlags } from "./flags.ts";
import { ago, count, counted, dollarsText } from "./format.ts";
import { line } from "./head-text.ts";
import { outlineText } from "./outline.ts";
import { rowNumber } from "./row-numbers.ts";
import { statusCommand } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `show`. */
export interface ShowFlags extends LookFlags {
  /** The row's number, counted from 1, or `column=value`. */
  readonly row?: string;
}

/** Runs the command; gives 0 whatever became of the row. */
export async function showCommand(
  ref: string,
  flags: ShowFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.row === undefined) return await statusCommand(ref, flags, terminal);
  const run = await findRun(ref, flags.runDir);
  const row = await rowOf(flags.row, run, terminal);
  const traces = await traceRow(run, row);
  tellTraces(traces, terminal);
  return 0;
}

/** Tells a row's traces. */
export function tellTraces(traces: readonly RowTrace[], terminal: Terminal): void {
  const told = traces.map((trace) => ({ ...trace, row: rowNumber(trace.row) }));
  terminal.data({ schemaVersion: 1, traces: told });
  for (const [at, trace] of traces.entries())
    terminal.say(`${at === 0 ? "" : "\n"}${traceText(trace, terminal)}`);
}

/** The row that a word is the number of, counted from 0; null where it is no number. */
export function rowOfNumber(word: string): number | null {
  return /^[1-9]\d{0,14}$/.test(word) ? Number(word) - 1 : null;
}

function traceText(trace: RowTrace, terminal: Terminal): string {
  const { colours } = terminal;
  const shared =
    trace.sharedBy > 1 ? ` · shared by ${counted(trace.sharedBy, "row")} with the same prompt` : "";
  const part = trace.part === undefined ? "" : ` · part ${count(trace.part)}`;
  return [
    line(
      "row",
      `${colours.strong(count(rowNumber(trace.row)))} of ${colours.strong(trace.run)}${part}${shared}`,
      terminal,
    ),
    line("column", `${printable(trace.column)} by ${trace.model}`, terminal),
    line("status", statusText(trace), terminal),
    ...(trace.value === null || trace.value === undefined
      ? []
      : [line("value", printable(valueText(trace.value)), terminal)]),
    ...trace.sendings.map((sending, at) => `\n${sendingText(sending, at, terminal)}`),
  ].join("\n");
}

function statusText({ status, error, reason, isCorrected }: RowTrace): string {
  if (isCorrected === true) return `${status} · corrected by a person`;
  if (error !== null) return `${status} · ${error.code} · ${printable(error.message)}`;
  return reason === null ? status : `${status} (${reason})`;
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function sendingText(sending: Sending, at: number, terminal: Terminal): string {
  const { customId, batchId, chunk, lane, state, sentAt, request, reply, text } = sending;
  const { colours } = terminal;
  const isCached = customId === null;
  const title = isCached
    ? "from the cache: an earlier run bought it"
    : `chunk ${count(chunk)} · ${lane} · ${state}`;
  const none = colours.dim("none kept");
  return [
    line(colours.strong(`sent ${String(at + 1)}`), title, terminal),
    ...(batchId === null ? [] : [line("batch", printable(batchId), terminal)]),
    ...(isCached ? [] : [line("id", customId, terminal)]),
    ...(sentAt === null ? [] : [line("when", ago(sentAt), terminal)]),
    ...usageLines(sending, terminal),
    ...(request === null ? [] : [line("request", "", terminal).trimEnd(), outlineText(request, 2)]),
    line("reply", text === null ? (reply === null ? none : "") : "", terminal).trimEnd(),
    ...(text === null ? replyLines(reply) : [outlineText(text, 2)]),
  ].join("\n");
}

function usageLines(
  { model, finishReason, usage, costUsd, state, reply }: Sending,
  terminal: Terminal,
): readonly string[] {
  if (reply === null && usage === null && state !== "collected")
    return [line("answered", state === "planned" ? "not sent yet" : "not yet", terminal)];
  const tokens =
    usage === null
      ? []
      : [`${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`];
  const cost = costUsd === null ? "cost unknown" : dollarsText(costUsd);
  const ended = finishReason === null ? [] : [`ended with ${finishReason}`];
  const facts = [...(model === null ? [] : [model]), ...ended, ...tokens, cost];
  return [line("answered", printable(facts.join(" · ")), terminal)];
}

function replyLines(reply: string | null): readonly string[] {
  if (reply === null) return [];
  return [outlineText(JSON.parse(reply) as unknown, 2)];
}

const ROWS_PER_BLOCK = 1000;

/**
 * The row that a word means, counted from 0: the number it is, or the first row whose cell in a column
 * is what stands after `column=`.
 *
 * @throws {InputError} `row_unknown` where there is none, and what reading the input throws.
 */
async function rowOf(
  word: string,
  { id, input, reading }: RunStatus,
  terminal: Terminal,
): Promise<number> {
  const number = rowOfNumber(word);
  if (number !== null) return number;
  const at = word.indexOf("=");
  const [column, sought] = [word.slice(0, at), word.slice(at + 1)];
  if (at < 1 || input === null)
    throw new InputError("row_unknown", `${JSON.stringify(word)} is no row of run ${id}.`, {
      hint: "Give its number, counted from 1 without the header, or column=value of a file's row.",
    });
  const frame = await openFile(input, reading);
  if (!frame.columns.includes(column))
    throw new InputError(
      "row_unknown",
      `${input} has no column ${JSON.stringify(column)} to look for a row in.`,
      { hint: `Its columns are: ${frame.columns.join(", ")}.` },
    );
  const found: number[] = [];
  for await (const block of frame.blocks([column], ROWS_PER_BLOCK))
    for (const [row, text] of block.text(column).entries())
      if (text === sought) found.push(block.firstRow + row);
  const [first, ...others] = found;
  if (first === undefined)
    throw new InputError(
      "row_unknown",
      `No row of ${input} has ${JSON.stringify(sought)} in ${JSON.stringify(column)}.`,
    );
  if (others.length > 0)
    terminal.say(`${counted(found.length, "row")} have it; this is the first of them.`);
  return first;
}
