/** `batchframe status`: one run in detail. */

import { findRun, type Lane, type RunStatus } from "../index.ts";
import { printable } from "./cells.ts";
import type { LookFlags } from "./flags.ts";
import { ago, count, counted, span } from "./format.ts";
import { line, planText, type Look } from "./head-text.ts";
import type { StatusOutput } from "./json-output.ts";
import { worthText } from "./progress-text.ts";
import { runCommandLine, shortPath } from "./paths.ts";
import { runData, stateOf } from "./run-state.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const MOST_CHUNKS = 20;

/** Runs the command; gives the exit code, 0 whatever the run's state. */
export async function statusCommand(
  ref: string,
  flags: LookFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await findRun(ref, flags.runDir);
  terminal.data({
    schemaVersion: 1,
    ...runData(run),
    lanes: lanesOf(run),
    deadline: deadlineData(run),
    batches: partsOf(run).flatMap((part) =>
      part.chunks.map(({ number, lane, state, batchId, requestCount, collection }) => ({
        chunk: number,
        column: part.column,
        model: part.model,
        lane,
        state,
        phase: phaseOf(part, number),
        batchId,
        requests: requestCount,
        answered: collection?.succeeded ?? 0,
        failed: collection?.failed ?? 0,
      })),
    ),
  });
  terminal.say(runText(run, terminal));
  const parts = partsOf(run).filter((part) => part.chunks.length > 0);
  for (const part of parts) {
    // Several columns or models count their chunks each from 1.
    const whose = run.passes.length > 0 ? part.model : printable(part.column);
    const title = parts.length < 2 ? "" : `${terminal.colours.strong(whose)}\n`;
    terminal.say(`\n${title}${chunksText(part, terminal.width)}`);
  }
  if (stateOf(run) !== "finished" && run.input !== null)
    terminal.say(`\n${line("go on", runCommandLine("resume", run.id, flags.runDir), terminal)}`);
  return 0;
}

function runText(run: RunStatus, look: Look): string {
  const { colours } = look;
  const { plan, progress, input, output, createdAt, finishedAt } = run;
  const open = progress.requests - progress.answered - progress.failed;
  const files =
    input === null || output === null
      ? "rows in memory"
      : `${placeText(input, "standard input")} → ${placeText(output, "standard output")}`;
  const ended =
    finishedAt === null
      ? ""
      : ` · finished after ${span(finishedAt.getTime() - createdAt.getTime())}`;
  const state = stateOf(run);
  const worth = worthText(progress);
  return [
    line(
      "run",
      `${colours.strong(run.id)} · ${state === "finished" ? colours.good(state) : colours.warn(stateText(run))}`,
      look,
    ),
    line("files", files, look),
    line("column", `${printable(run.column)} by ${run.model}`, look),
    ...(plan === null ? [] : [line("plan", planText(plan), look)]),
    ...laneLines(run, look),
    line(
      "requests",
      `${count(progress.answered)} answered · ${count(progress.failed)} failed · ${count(Math.max(0, open))} open`,
      look,
    ),
    ...(worth === "" ? [] : [line("so far", worth, look)]),
    line("started", `${ago(createdAt)}${ended}`, look),
    line("kept in", shortPath(run.directory), look),
  ].join("\n");
}

/** The lanes its chunks go by, or its plan says they will; none while nothing is known. */
function lanesOf({ chunks, plan }: RunStatus): readonly Lane[] {
  const planned = plan?.lane === undefined ? [] : [plan.lane];
  return [...new Set(chunks.length === 0 ? planned : chunks.map(({ lane }) => lane))].toSorted();
}

function deadlineData({ deadline }: RunStatus): StatusOutput["deadline"] {
  if (deadline === null) return null;
  const { atMs, handedOver } = deadline;
  return { at: new Date(atMs).toISOString(), handedOver };
}

/** How requests travel, and by when they are to be answered. */
function laneLines(run: RunStatus, look: Look): string[] {
  const { chunks, deadline } = run;
  const lanes = lanesOf(run);
  const texts = lanes.map((lane) => {
    const own = chunks.filter((chunk) => chunk.lane === lane).length;
    return lanes.length === 1 ? lane : `${lane} (${counted(own, "chunk")})`;
  });
  const handed =
    deadline?.handedOver === true ? " · what batches would not make goes in realtime" : "";
  return [
    ...(lanes.length === 0 ? [] : [line("lane", texts.join(" · "), look)]),
    ...(deadline === null
      ? []
      : [line("deadline", `${new Date(deadline.atMs).toISOString()}${handed}`, look)]),
  ];
}

/** The state, and for a run under way its phase. */
function stateText(run: RunStatus): string {
  const state = stateOf(run);
  return state === "underway" ? `${state} · ${run.progress.phase}` : state;
}

/** What the batch of a chunk is doing; null when it has none that is under way. */
function phaseOf({ progress }: RunStatus, chunk: number): string | null {
  return progress.batches.find((batch) => batch.chunk === chunk)?.phase ?? null;
}

/** What the provider has worked on of a chunk's batch; nothing where there is none under way, or nobody counts. */
function workedOn({ progress }: RunStatus, chunk: number): string {
  const done = progress.batches.find((batch) => batch.chunk === chunk)?.done ?? null;
  return done === null ? "" : count(done);
}

/** The runs it is made of, whose chunks are counted each by themselves. */
function partsOf(run: RunStatus): readonly RunStatus[] {
  const parts = [...run.steps, ...run.passes];
  return parts.length > 0 ? parts : [run];
}

/** A line for each chunk; of many, those that are not collected come first. */
function chunksText(run: RunStatus, width: number): string {
  const { chunks } = run;
  const open = chunks.filter(({ state }) => state !== "collected");
  const collected = chunks.filter(({ state }) => state === "collected");
  const shown = [...open, ...collected].slice(0, MOST_CHUNKS);
  const text = tableText(
    [
      { title: "chunk", align: "right", whole: true },
      { title: "state", whole: true },
      { title: "batch", whole: true },
      { title: "asked", align: "right", whole: true },
      { title: "worked on", align: "right", whole: true, spare: true },
      { title: "ok", align: "right", whole: true },
      { title: "failed", align: "right", whole: true },
    ],
    shown
      .toSorted((a, b) => a.number - b.number)
      .map(({ number, state, lane, requestCount, collection, batchId }) => [
        count(number),
        phaseOf(run, number) ?? state,
        // An id that no provider knows is of no use, and too wide for a narrow terminal.
        lane === "realtime" ? "one by one" : (batchId ?? ""),
        count(requestCount),
        workedOn(run, number),
        collection === null ? "" : count(collection.succeeded),
        collection === null ? "" : count(collection.failed),
      ]),
    width,
  );
  const hidden = chunks.length - shown.length;
  return hidden === 0 ? text : `${text}\n  … and ${counted(hidden, "more chunk", "more chunks")}`;
}

/** A path as people read it; what stands for a pipe, in words. */
function placeText(path: string, pipe: string): string {
  return path === "-" ? pipe : printable(shortPath(path));
}
