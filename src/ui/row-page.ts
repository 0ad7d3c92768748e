/** One row: its prompt, its replies, its value and every request that was made for it. */

import { findRun, InputError, traceRow, type RowTrace, type Sending } from "../index.ts";
import { ago } from "../cli/format.ts";
import { markup, type Html } from "../display/html.ts";
import { SKIPPED } from "../display/receipt.ts";
import { count, counted, dollars } from "../display/text.ts";
import { facts, link, section, type Page } from "./page.ts";
import { answerText } from "./rows-page.ts";

/** The page over one row, `number` counted from 1. @throws {InputError} `row_unknown` */
export async function rowPage(ref: string, number: string, runDir: string): Promise<Page> {
  const run = await findRun(ref, runDir);
  if (!/^[1-9]\d{0,14}$/.test(number))
    throw new InputError("row_unknown", `${JSON.stringify(number)} is no row of run ${run.id}.`, {
      hint: "Rows are counted from 1, without the header.",
    });
  const row = Number(number);
  const traces = await traceRow(run, row - 1);
  const beside = [
    ...(row === 1 ? [] : [link("← row before", "/row", { run: run.id, row: row - 1 })]),
    ...(row === run.plan?.rows ? [] : [link("row after →", "/row", { run: run.id, row: row + 1 })]),
  ].map((one) => markup`${one} `);
  return {
    title: `Row ${count(row)}`,
    above: [
      link("Runs", "/"),
      link(run.id, "/run", { run: run.id }),
      link("Rows", "/rows", { run: run.id, from: row }),
    ],
    body: [...traces.map(traceSection), markup`<p>${beside}</p>`],
  };
}

function traceSection(trace: RowTrace): Html {
  const { column, model, value, sharedBy, sendings } = trace;
  const shared = sharedBy > 1 ? `, shared by ${counted(sharedBy, "row")} with the same prompt` : "";
  return section(
    `${column} by ${model}`,
    facts([
      ["status", `${statusText(trace)}${shared}`],
      ...(value === null || value === undefined
        ? []
        : [["value", markup`<pre>${answerText(value)}</pre>`] as const]),
    ]),
    ...sendings.map(sendingPart),
  );
}

function statusText({ status, error, reason }: RowTrace): string {
  if (error !== null) return `${status} · ${error.code} · ${error.message}`;
  return reason === null ? status : `${status}: ${SKIPPED[reason] ?? reason}`;
}

function sendingPart(sending: Sending, at: number): Html {
  const { chunk, lane, state, customId, batchId, sentAt, model, finishReason } = sending;
  const { usage, costUsd, request, reply, text } = sending;
  const isCached = customId === null;
  const tokens =
    usage === null ? "unknown" : `${count(usage.inputTokens)} in, ${count(usage.outputTokens)} out`;
  return markup`<h3>Sent ${at + 1}: ${isCached ? "from the cache, an earlier run bought it" : `chunk ${count(chunk)} · ${lane} · ${state}`}</h3>
    ${facts([
      ...(batchId === null ? [] : [["batch", batchId] as const]),
      ...(customId === null ? [] : [["id", customId] as const]),
      ...(sentAt === null ? [] : [["when", `${sentAt.toISOString()} (${ago(sentAt)})`] as const]),
      ...(model === null ? [] : [["answered by", model] as const]),
      ...(finishReason === null ? [] : [["ended with", finishReason] as const]),
      ["tokens", tokens],
      ["cost", dollars(costUsd)],
    ])}
    ${text === null ? markup`` : block("Reply, as the model wrote it", text)}
    ${request === null ? markup`` : block("Request", JSON.stringify(request, null, 2))}
    ${reply === null ? markup`<p class="bf-dim">No reply is kept.</p>` : block("Reply line, as the provider sent it", indented(reply))}`;
}

function block(title: string, text: string): Html {
  return markup`<h3>${title}</h3><pre>${text}</pre>`;
}

/** JSON with a line for each member; what is none, as it is. */
function indented(line: string): string {
  try {
    return JSON.stringify(JSON.parse(line), null, 2);
  } catch {
    return line;
  }
}
