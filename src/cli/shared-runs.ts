/** `ls`, `status`, `attach`, `cancel` and `retry` for runs that many machines share. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  cancelSharedRun,
  findSharedRun,
  isWithinFailures,
  listSharedRuns,
  openState,
  retrySharedRun,
  type SharedRun,
  type SharedState,
} from "../index.ts";
import { printable } from "./cells.ts";
import { EXIT } from "./exit-codes.ts";
import { ago, count, counted, dollarsText, span } from "./format.ts";
import { line } from "./head-text.ts";
import { onInterrupt } from "./interrupt.ts";
import type { SharedRunData } from "./json-shared.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import { neededState, type StateFlags } from "./worker.ts";

/** Does work on the shared state that the flags name, and closes it. */
export async function withState<T>(
  flags: StateFlags,
  work: (state: SharedState) => Promise<T>,
): Promise<T> {
  const state = await openState(neededState(flags));
  try {
    return await work(state);
  } finally {
    await state[Symbol.asyncDispose]();
  }
}

/** Lists the shared runs; gives the exit code. */
export async function sharedLs(flags: StateFlags, terminal: Terminal): Promise<number> {
  const runs = await withState(flags, ({ database }) => listSharedRuns(database));
  terminal.data({ schemaVersion: 1, runs: runs.map(sharedData) });
  if (runs.length === 0) terminal.say("There are no runs there.");
  else
    terminal.say(
      tableText(
        [
          { title: "run", whole: true },
          { title: "state", whole: true },
          { title: "parts", align: "right", whole: true },
          { title: "answered", align: "right", whole: true, spare: true },
          { title: "failed", align: "right", whole: true, spare: true },
          { title: "started", whole: true, spare: true },
          { title: "model", spare: true },
        ],
        runs.map((run) => [
          run.id,
          stateWord(run),
          `${count(run.sums.parts.done)}/${count(partsOf(run))}`,
          count(run.sums.answered),
          count(run.sums.failed),
          ago(run.createdAt),
          run.model,
        ]),
        terminal.width,
      ),
    );
  return EXIT.ok;
}

/** Shows a shared run; gives the exit code. */
export async function sharedStatus(
  ref: string,
  flags: StateFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await withState(flags, ({ database }) => findSharedRun(ref, database));
  tell(run, terminal);
  return EXIT.ok;
}

function tell(run: SharedRun, terminal: Terminal): void {
  const { sums } = run;
  terminal.data({ schemaVersion: 1, ...sharedData(run) });
  const chunks = Object.entries(sums.chunks).map(([state, n]) => `${count(n)} ${state}`);
  const open = Math.max(0, sums.requests - sums.answered - sums.failed);
  const ended =
    run.finishedAt === null
      ? ""
      : ` · finished after ${span(run.finishedAt.getTime() - run.createdAt.getTime())}`;
  const lines = [
    line("run", `${terminal.colours.strong(run.id)} · ${stateWord(run)}`, terminal),
    line("column", `${printable(run.column)} by ${run.model}`, terminal),
    line(
      "parts",
      `${count(sums.parts.done)} done · ${count(sums.parts.open)} open · ${count(sums.parts.failed)} failed`,
      terminal,
    ),
    line(
      "rows",
      `${count(sums.rows)} in ${counted(sums.planned, "planned part", "planned parts")}`,
      terminal,
    ),
    line(
      "requests",
      `${count(sums.answered)} answered · ${count(sums.failed)} failed · ${count(open)} open`,
      terminal,
    ),
    ...(chunks.length === 0 ? [] : [line("chunks", chunks.join(" · "), terminal)]),
    ...(sums.spentUsd === null ? [] : [line("spent", spentText(run), terminal)]),
    line("started", `${ago(run.createdAt)}${ended}`, terminal),
    line("output", printable(run.output), terminal),
  ];
  terminal.say(lines.join("\n"));
  if (sums.unsent > 0)
    terminal.say(
      `${terminal.colours.warn("budget:")} ${counted(sums.unsent, "request was", "requests were")} not sent. Go on with: batchframe retry ${run.id} --state --max-cost <usd>`,
    );
  for (const { part, error } of sums.errors) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    terminal.say(
      `${terminal.colours.warn(`part ${String(part)}:`)} ${printable(`${message} (${code})`)}`,
    );
  }
}

const LOOK_EVERY_MS = 1000;

/** Stays with a shared run until nothing of it is open; gives 0, 3 with failed rows or parts, 130 when interrupted. */
export async function sharedAttach(
  ref: string,
  flags: StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async ({ database }) => {
    const stop = new AbortController();
    const forget = onInterrupt(() => {
      stop.abort();
    });
    let said = "";
    try {
      for (;;) {
        const run = await findSharedRun(ref, database);
        const { sums } = run;
        const now = `${count(sums.parts.done)} of ${counted(partsOf(run), "part", "parts")} done · ${count(sums.answered)} answered · ${count(sums.failed)} failed`;
        if (now !== said && !terminal.json) terminal.say(now);
        said = now;
        if (sums.parts.open === 0) {
          tell(run, terminal);
          if (sums.unsent > 0) return EXIT.budget;
          if (sums.parts.failed > 0) return EXIT.failedRows;
          const rows = { total: sums.requests, skipped: 0, failed: sums.failed };
          return isWithinFailures(run.maxFailures ?? 0, rows) ? EXIT.ok : EXIT.failedRows;
        }
        await sleep(LOOK_EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
        if (stop.signal.aborted) return EXIT.interrupted;
      }
    } finally {
      forget();
    }
  });
}

/** Asks the workers to stop a run's remote work; gives the exit code. */
export async function sharedCancel(
  ref: string,
  flags: StateFlags,
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async (state) => {
    const { id } = await findSharedRun(ref, state.database);
    const parts = await cancelSharedRun(id, state);
    terminal.data({ schemaVersion: 1, run: id, status: "cancelling", parts });
    terminal.say(
      parts === 0
        ? `Nothing of run ${id} is open.`
        : `Workers stop ${counted(parts, "open part", "open parts")} of run ${id} and keep every answer that came. Follow it: batchframe attach ${id} --state`,
    );
    return EXIT.ok;
  });
}

/** Asks failed rows of a shared run again; gives the exit code. */
export async function sharedRetry(
  ref: string,
  flags: StateFlags & { readonly codes: readonly string[] | undefined; readonly maxCost?: number },
  terminal: Terminal,
): Promise<number> {
  return await withState(flags, async (state) => {
    const { id } = await findSharedRun(ref, state.database);
    const { codes, maxCost } = flags;
    const cap = maxCost === undefined ? {} : { capUsd: maxCost };
    const asked = { codes: codes ?? ("all" as const), ...cap };
    const parts = await retrySharedRun(id, asked, state);
    terminal.data({ schemaVersion: 1, run: id, status: "retrying", parts });
    terminal.say(
      parts === 0
        ? `No part of run ${id} has failed or unsent rows, or was stopped; there is nothing to ask again.`
        : `${counted(parts, "part", "parts")} of run ${id} ask their failed rows again. Follow it: batchframe attach ${id} --state`,
    );
    return EXIT.ok;
  });
}

function spentText({ sums, capUsd }: SharedRun): string {
  return `${dollarsText(sums.spentUsd ?? 0)}${capUsd === null ? "" : ` of at most ${dollarsText(capUsd)}`}`;
}

function partsOf({ sums: { parts } }: SharedRun): number {
  return parts.open + parts.done + parts.failed;
}

function stateWord(run: SharedRun): SharedRunData["status"] {
  if (run.finishedAt !== null) return "finished";
  const { parts } = run.sums;
  // The last part may have ended between the look at the run and the one at its parts.
  if (parts.open === 0) return parts.failed === 0 ? "finished" : "stopped";
  return run.isCancelled ? "cancelling" : run.sums.planned === 0 ? "planned" : "underway";
}

function sharedData(run: SharedRun): SharedRunData {
  const { id, model, column, output, createdAt, finishedAt, sums } = run;
  const { parts, rows, requests, answered, failed, unsent, spentUsd, chunks, errors } = sums;
  return {
    run: id,
    status: stateWord(run),
    model,
    column,
    output,
    parts,
    rows,
    requests: { total: requests, answered, failed, unsent },
    spentUsd,
    capUsd: run.capUsd,
    chunks,
    errors,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}
