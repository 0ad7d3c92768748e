/** The first page: the runs there are. */

import { basename } from "node:path";
import { listRuns, type RunStatus } from "../index.ts";
import { ago } from "../cli/format.ts";
import { stateOf } from "../cli/run-state.ts";
import { markup, type Content, type Html } from "../display/html.ts";
import { count, dollars } from "../display/text.ts";
import { link, section, table, type Page } from "./page.ts";

/** The page over the runs of a directory, the newest first. */
export async function runsPage(runDir: string): Promise<Page> {
  const { runs, unreadable } = await listRuns(runDir);
  return {
    title: "Runs",
    isLive: runs.some(({ progress }) => isMoving(progress.phase)),
    body: [
      table(COLUMNS, runs.map(runCells), `There are no runs in ${runDir}.`),
      ...(runs.length < 2 ? [] : [diffForm(runs)]),
      ...(unreadable.length === 0
        ? []
        : [
            section(
              "Unreadable",
              table(
                [{ title: "run", kind: "short" }, { title: "why" }],
                unreadable.map(({ id, error }) => [id, error.message]),
                "",
              ),
            ),
          ]),
    ],
  };
}

/** Whether a run in this phase may look otherwise in a while. */
export function isMoving(phase: RunStatus["progress"]["phase"]): boolean {
  return phase !== "done" && phase !== "paused";
}

const COLUMNS = [
  { title: "run" },
  { title: "state", kind: "short" },
  { title: "input" },
  { title: "model" },
  { title: "column" },
  { title: "rows", kind: "num" },
  { title: "requests", kind: "num" },
  { title: "answered", kind: "num" },
  { title: "cached", kind: "num" },
  { title: "failed", kind: "num" },
  { title: "open", kind: "num" },
  { title: "spent / cap", kind: "num" },
  { title: "started", kind: "short" },
] as const;

function runCells(run: RunStatus): readonly Content[] {
  const { requests, answered, cached, failed } = run.progress;
  return [
    link(run.id, "/run", { run: run.id }),
    stateText(run),
    basename(placeText(run.input, "standard input")),
    run.model,
    run.column,
    run.plan === null ? "" : count(run.plan.rows),
    run.plan === null ? "" : count(run.plan.requests),
    count(answered),
    count(cached),
    count(failed),
    count(Math.max(0, requests - answered - failed)),
    moneyText(run),
    ago(run.createdAt),
  ];
}

/** What was spent, and the cap where there is one. */
export function moneyText({ progress: { spentUsd, capUsd } }: RunStatus): string {
  return `${dollars(spentUsd)}${capUsd === undefined ? "" : ` / ${dollars(capUsd)}`}`;
}

/** The state of a run, and for one under way its phase. */
export function stateText(run: RunStatus): string {
  const state = stateOf(run);
  return state === "underway" ? `${state} · ${run.progress.phase}` : state;
}

/** A file of a run as people read it. */
export function placeText(path: string | null, pipe: string): string {
  if (path === null) return "rows in memory";
  return path === "-" ? pipe : path;
}

function diffForm(runs: readonly RunStatus[]): Html {
  // The newest run after the one before it: one compared with itself differs nowhere.
  const choice = (name: string, title: string, chosen: number): Html =>
    markup`<label
      >${title}<select name="${name}">
        ${runs.map(({ id }, at) =>
          at === chosen
            ? markup`<option value="${id}" selected>${id}</option>`
            : markup`<option value="${id}">${id}</option>`,
        )}
      </select></label
    >`;
  return section(
    "Compare the outputs of two runs",
    markup`<form action="/diff">
      ${choice("before", "before", 1)}${choice("after", "after", 0)}<button>Compare</button>
    </form>`,
  );
}
