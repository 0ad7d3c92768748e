/** One run: what became of its rows, its chunks, its errors and its answers. */

import { findRun, type RunStatus } from "../index.ts";
import { ago, span } from "../cli/format.ts";
import { barOf } from "../display/chart.ts";
import { markup, type Content, type Html } from "../display/html.ts";
import { SKIPPED } from "../display/receipt.ts";
import { count, counted, dollars, oneLine, percent } from "../display/text.ts";
import { facts, link, section, table, type Page, type Query } from "./page.ts";
import { isMoving, moneyText, placeText, stateText } from "./runs-page.ts";
import type { Tallies, Tally } from "./tally.ts";

/** The page over one run. */
export async function runPage(ref: string, runDir: string, tallies: Tallies): Promise<Page> {
  const run = await findRun(ref, runDir);
  const columns = columnsOf(run);
  const sections: Html[] = [];
  for (const [at, column] of columns.entries()) {
    const step = run.steps.length > 0 ? at + 1 : undefined;
    const title = step === undefined ? "" : `${column.column}: `;
    const tally = await tallies.of(column);
    sections.push(...rowSections(tally, title, { run: run.id, step }));
  }
  return {
    title: run.id,
    above: [link("Runs", "/")],
    isLive: isMoving(run.progress.phase),
    body: [runFacts(run), ...sections, chunkSection(run)],
  };
}

/** The runs whose rows are shown, one for each column: a run's steps, or the run itself. */
export function columnsOf(run: RunStatus): readonly RunStatus[] {
  return run.steps.length > 0 ? run.steps : [run];
}

function runFacts(run: RunStatus): Html {
  const { plan, progress, createdAt, finishedAt } = run;
  const open = Math.max(0, progress.requests - progress.answered - progress.failed);
  const took =
    finishedAt === null
      ? ""
      : `, finished after ${span(finishedAt.getTime() - createdAt.getTime())}`;
  return facts([
    ["state", stateText(run)],
    ["input", placeText(run.input, "standard input")],
    ["output", placeText(run.output, "standard output")],
    ["column", `${run.column} by ${run.model}`],
    ...(plan === null
      ? []
      : [
          [
            "plan",
            `${counted(plan.rows, "row")}, ${counted(plan.requests, "request")}, ${counted(plan.duplicates, "row")} sharing one`,
          ] as const,
        ]),
    [
      "requests",
      `${count(progress.answered)} answered (${count(progress.cached)} cached) · ${count(progress.failed)} failed · ${count(open)} open`,
    ],
    ["spent / cap", moneyText(run)],
    ["expected in all", dollars(progress.projectedUsd)],
    ["started", `${ago(createdAt)}${took}`],
    ["kept in", run.directory],
  ]);
}

const STATUSES = ["ok", "cached", "skipped", "failed", "pending"] as const;

function rowSections(tally: Tally, title: string, at: Query): readonly Html[] {
  const { rows, byStatus, byCode, byReason, answers } = tally;
  const sum = STATUSES.map((status) => `${count(byStatus[status])} ${status}`).join(" + ");
  const listed: readonly (readonly Content[])[] = STATUSES.filter(
    (status) => byStatus[status] > 0,
  ).map((status) => [
    markup`<svg class="bf-key" viewBox="0 0 11 11" aria-hidden="true"><rect class="bf-${status}" width="11" height="11" rx="2" /></svg>${link(status, "/rows", { ...at, status })}`,
    count(byStatus[status]),
    percent(byStatus[status], rows),
  ]);
  const figures = [
    { title: "share", kind: "num" },
    { title: "rows", kind: "num" },
  ] as const;
  return [
    section(
      `${title}${counted(rows, "row")} = ${sum}`,
      wholeBar(tally),
      table(
        [{ title: "status", kind: "short" }, { title: "rows", kind: "num" }, figures[0]],
        listed,
        "No rows are planned yet.",
      ),
      markup`<p>${link("All rows", "/rows", at)}</p>`,
    ),
    ...(byCode.length === 0
      ? []
      : [
          section(
            `${title}errors`,
            table(
              [{ title: "code", kind: "short" }, figures[1]],
              byCode.map(([code, failed]) => [
                link(code, "/rows", { ...at, status: "failed", code }),
                count(failed),
              ]),
              "",
            ),
          ),
        ]),
    ...(byReason.length === 0
      ? []
      : [
          section(
            `${title}skipped`,
            table(
              [{ title: "why", kind: "short" }, figures[1]],
              byReason.map(([reason, skipped]) => [SKIPPED[reason] ?? reason, count(skipped)]),
              "",
            ),
          ),
        ]),
    ...answers.map(([field, counts]) =>
      section(
        `${title}answers${field === "" ? "" : ` · ${field}`}`,
        answerTable(counts, { ...at, field }),
      ),
    ),
  ];
}

/** A bar for each answer, with its rows one link away. */
function answerTable(
  counts: readonly (readonly [answer: string, rows: number])[],
  at: Query,
): Html {
  const whole = counts.reduce((sum, [, rows]) => sum + rows, 0);
  const most = Math.max(1, ...counts.map(([, rows]) => rows));
  return table(
    [
      { title: "answer" },
      { title: "rows", kind: "num" },
      { title: "share", kind: "num" },
      { title: "" },
    ],
    counts.map(([answer, rows]) => [
      answer === "" ? "(empty)" : link(oneLine(answer, 60), "/rows", { ...at, answer }),
      count(rows),
      percent(rows, whole),
      barOf(rows / most),
    ]),
    "",
  );
}

const WHOLE = 1000;

/** One bar for all rows, each share as wide as it is large. */
function wholeBar({ rows, byStatus }: Tally): Html {
  let x = 0;
  const parts = STATUSES.map((status) => {
    const width = rows === 0 ? 0 : (byStatus[status] / rows) * WHOLE;
    const part = markup`<rect class="bf-${status}" x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="18"><title>${count(byStatus[status])} ${status}</title></rect>`;
    x += width;
    return part;
  });
  return markup`<svg class="bf-whole" viewBox="0 0 ${WHOLE} 18" preserveAspectRatio="none" role="img" aria-label="rows by status">${parts}</svg>`;
}

const MOST_CHUNKS = 200;

function chunkSection(run: RunStatus): Html {
  const parts = [...run.steps, ...run.passes];
  const owners = parts.length > 0 ? parts : [run];
  const all = owners.flatMap((owner) => owner.chunks.map((chunk) => ({ owner, chunk })));
  // Those that are not collected say how the run stands.
  const shown = all
    .toSorted(
      (a, b) => Number(a.chunk.state === "collected") - Number(b.chunk.state === "collected"),
    )
    .slice(0, MOST_CHUNKS);
  const more = all.length - shown.length;
  const whose = run.passes.length > 0 ? "model" : "column";
  return section(
    counted(all.length, "chunk"),
    table(
      [
        ...(owners.length > 1 ? [{ title: whose }] : []),
        { title: "chunk", kind: "num" },
        { title: "state", kind: "short" },
        { title: "lane", kind: "short" },
        { title: "batch" },
        { title: "asked", kind: "num" },
        { title: "ok", kind: "num" },
        { title: "failed", kind: "num" },
        { title: "asked again", kind: "num" },
      ],
      shown.map(({ owner, chunk }) => [
        ...(owners.length > 1 ? [owner[whose]] : []),
        count(chunk.number),
        phaseOf(owner, chunk.number) ?? chunk.state,
        chunk.origin === "cache" ? "cache" : chunk.lane,
        chunk.lane === "realtime" ? "one by one" : (chunk.batchId ?? ""),
        count(chunk.requestCount),
        chunk.collection === null ? "" : count(chunk.collection.succeeded),
        chunk.collection === null ? "" : count(chunk.collection.failed),
        chunk.collection === null ? "" : count(chunk.collection.resent),
      ]),
      "Nothing is cut into chunks yet.",
    ),
    ...(more === 0
      ? []
      : [
          markup`<p class="bf-dim">and ${counted(more, "more chunk")}, all of them collected or waiting</p>`,
        ]),
  );
}

function phaseOf({ progress }: RunStatus, chunk: number): string | null {
  return progress.batches.find((batch) => batch.chunk === chunk)?.phase ?? null;
}
