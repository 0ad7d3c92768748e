/** `batchframe show`: a row's cell, traced to the requests that made it. */

import { findRun, traceRow, type RowTrace, type Sending } from "../index.ts";
import { printable } from "./cells.ts";
import type { LookFlags } from "./flags.ts";
import { ago, count, counted, dollarsText } from "./format.ts";
import { line } from "./head-text.ts";
import { outlineText } from "./outline.ts";
import { rowNumber } from "./row-numbers.ts";
import { keyText, rowMeant } from "./row-meant.ts";
import { statusCommand } from "./status.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `show`. */
export interface ShowFlags extends LookFlags {
  /** The row's number, counted from 1, `column=value`, or its key. */
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
  const row = await rowMeant(flags.row, run, terminal);
  const traces = await traceRow(run, row);
  tellTraces(traces, terminal, await keyText(run, row));
  return 0;
}

/** Tells a row's traces; `key` is what the row is called besides its number. */
export function tellTraces(traces: readonly RowTrace[], terminal: Terminal, key = ""): void {
  const told = traces.map((trace) => ({ ...trace, row: rowNumber(trace.row) }));
  terminal.data({ schemaVersion: 1, traces: told });
  for (const [at, trace] of traces.entries())
    terminal.say(`${at === 0 ? "" : "\n"}${traceText(trace, terminal, key)}`);
}

function traceText(trace: RowTrace, terminal: Terminal, key: string): string {
  const { colours } = terminal;
  const shared =
    trace.sharedBy > 1 ? ` · shared by ${counted(trace.sharedBy, "row")} with the same prompt` : "";
  const part = trace.part === undefined ? "" : ` · part ${count(trace.part)}`;
  return [
    line(
      "row",
      `${colours.strong(count(rowNumber(trace.row)))}${key} of ${colours.strong(trace.run)}${part}${shared}`,
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
