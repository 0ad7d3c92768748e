/** One measurement in a process of its own, so that its peak memory is its own, of the package as it is published. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

/** What one task took. */
export interface Measured {
  readonly seconds: number;
  /** Time of all its processors, which other work on the machine disturbs less. */
  readonly cpuSeconds: number;
  /** The most memory the process held at once, with everything Node itself needs (about 45 MB). */
  readonly peakMB: number;
  /** The longest time in which the event loop could do nothing else. */
  readonly longestBlockMs: number;
}

/** Something to be measured; `rows` is how many rows it goes through. */
export type Task = (folder: string, rows: number) => Promise<void>;

/** The tasks of one file, by name. */
export type Tasks = Readonly<Record<string, Task>>;

/** What {@link compared} is told. */
export interface Series {
  /** The file that holds the tasks: `import.meta.filename`. */
  readonly file: string;
  readonly folder: string;
  readonly rows: number;
  readonly repetitions?: number;
}

/**
 * Runs one task when this process was started to, and prints what it took; gives false otherwise.
 *
 * Every bench file calls it first: the same file is the parent that compares and the child that works.
 */
export async function isTaskRun(tasks: Tasks): Promise<boolean> {
  const [mark, name = "", folder = "", rows = ""] = process.argv.slice(2);
  if (mark !== TASK) return false;
  const task = tasks[name];
  if (task === undefined) throw new Error(`there is no task ${name}`);
  let longestBlockMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestBlockMs = Math.max(longestBlockMs, now - last);
    last = now;
  }, 1);
  const before = process.cpuUsage();
  const start = performance.now();
  await task(folder, Number(rows));
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  const peakMB = process.resourceUsage().maxRSS / 1024;
  const { user, system } = process.cpuUsage(before);
  const cpuSeconds = (user + system) / 1e6;
  const measured: Measured = { seconds, cpuSeconds, peakMB, longestBlockMs };
  console.log(JSON.stringify(measured));
  return true;
}

const TASK = "--task";

/** Measures a task as often as the series says; the fastest counts, with the least of what was in the way. */
export function measured(name: string, series: Series): Measured {
  const runs = Array.from({ length: series.repetitions ?? 1 }, () => once(name, series));
  return runs.reduce((best, run) => (run.seconds < best.seconds ? run : best));
}

function once(name: string, { file, folder, rows }: Series): Measured {
  const words = [...asBuilt(), file, TASK, name, folder, String(rows)];
  const run = spawnSync(process.execPath, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1024 * 1024 * 1024,
  });
  if (run.status !== 0) throw new Error(`${name} ended with ${String(run.status ?? run.signal)}`);
  return JSON.parse(run.stdout.trimEnd().split("\n").at(-1) ?? "") as Measured;
}

/** What Node is told so that a bench runs the package as it is published, which is built first. */
export function asBuilt(): readonly string[] {
  build();
  return ["--import", join(import.meta.dirname, "built.mjs")];
}

let isBuilt = false;

/** Writes `dist`, once: what is left from an earlier build would be measured in place of what stands here. */
function build(): void {
  if (isBuilt) return;
  const root = join(import.meta.dirname, "..");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const run = spawnSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], {
    stdio: "inherit",
  });
  if (run.status !== 0) throw new Error("the package could not be built");
  isBuilt = true;
}

/** One line of figures. */
export function lineOf(name: string, measured: Measured): string {
  const { seconds, cpuSeconds, peakMB, longestBlockMs } = measured;
  const figures = [
    `${seconds.toFixed(2)} s`,
    `${cpuSeconds.toFixed(2)} s of processors`,
    `peak ${peakMB.toFixed(0)} MB`,
    `longest block ${longestBlockMs.toFixed(0)} ms`,
  ];
  return [name.padEnd(28), ...figures.map((figure) => figure.padStart(22))].join(" ");
}

/** How many times as long one takes as another, by the clock and by the processors. */
export function ratioOf(of: Measured, to: Measured): string {
  const clock = (of.seconds / to.seconds).toFixed(2);
  return `x ${clock} (x ${(of.cpuSeconds / to.cpuSeconds).toFixed(2)} by processors)`;
}
