/** Shows progress while a run goes on. */

import type { Progress } from "../index.ts";
import { progressLine, progressPanel } from "./progress-text.ts";
import type { Terminal } from "./terminal.ts";

const REDRAW_MS = 100;
const LINE_EVERY_MS = 30_000;
const EVENT_EVERY_MS = 1000;

/** What progress is told to; it owns a timer until closed. */
export interface ProgressDisplay {
  readonly update: (progress: Progress) => void;
  readonly close: () => void;
}

/**
 * A panel redrawn ten times a second on a terminal; elsewhere a line for each new phase, and one every
 * 30 s. With `--progress json` an object for each new phase and at most one a second besides; with
 * `none` nothing.
 */
export function openProgressDisplay(terminal: Terminal): ProgressDisplay {
  const startedMs = performance.now();
  const elapsedMs = (): number => performance.now() - startedMs;
  if (terminal.progress === "none") return { update: () => undefined, close: () => undefined };
  if (terminal.progress === "json") return eventDisplay(terminal, elapsedMs);
  return terminal.isLive ? panelDisplay(terminal, elapsedMs) : lineDisplay(terminal, elapsedMs);
}

function panelDisplay(terminal: Terminal, elapsedMs: () => number): ProgressDisplay {
  let latest: Progress | null = null;
  const draw = (): void => {
    if (latest !== null) terminal.draw(progressPanel(latest, elapsedMs(), terminal));
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    update: (progress) => {
      const isFirst = latest === null;
      latest = progress;
      if (isFirst) draw();
    },
    close: () => {
      clearInterval(timer);
      terminal.erase();
    },
  };
}

function lineDisplay(terminal: Terminal, elapsedMs: () => number): ProgressDisplay {
  let latest: Progress | null = null;
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const told = new Set<string>();
  const tell = (progress: Progress): void => {
    told.add(progress.phase);
    toldAtMs = performance.now();
    terminal.say(progressLine(progress, elapsedMs()));
  };
  const tellAgain = (): void => {
    if (latest !== null && performance.now() - toldAtMs >= LINE_EVERY_MS) tell(latest);
  };
  const timer = setInterval(tellAgain, LINE_EVERY_MS / 10);
  return {
    update: (progress) => {
      latest = progress;
      // With many chunks the phase goes back and forth; a log needs each one once.
      if (told.has(progress.phase)) tellAgain();
      else tell(progress);
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

function eventDisplay(terminal: Terminal, elapsedMs: () => number): ProgressDisplay {
  let told: { readonly phase: string; readonly atMs: number } | null = null;
  return {
    update: (progress) => {
      const atMs = performance.now();
      if (told?.phase === progress.phase && atMs - told.atMs < EVENT_EVERY_MS) return;
      told = { phase: progress.phase, atMs };
      terminal.event("progress", { ...progress, elapsedMs: Math.round(elapsedMs()) });
    },
    close: () => undefined,
  };
}
