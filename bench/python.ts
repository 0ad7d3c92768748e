/**
 * A whole run beside the Python systems that do the same: `node bench/python.ts [rows [folder]]`.
 *
 * Each is installed from PyPI into a throwaway environment of its own and used as its documentation says
 * (bench/python/drive.py), over the same CSV and a fresh emulator without any delay. What is measured is from
 * reading the file to having written the new one, without the start of the interpreter and its imports; ours is
 * with all that it loads. Environments that are in the folder already are used again. A system that cannot be installed, or that fails, is told with the reason.
 */

import { spawn, spawnSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichFile } from "../src/index.ts";
import { isTaskRun, type Measured, type Tasks } from "./measure.ts";
import { reviewOf } from "./rows.ts";

const SYSTEMS = ["lm-deluge", "instructor", "openai-batch", "llm-batch-py", "batchata"] as const;

// Long enough for the slowest at 100,000 rows, short enough to be waited for.
const PATIENCE_MS = 10 * 60_000;

const tasks: Tasks = {
  ours: async (folder) => {
    const files = { input: join(folder, "rows.csv"), output: join(folder, "ours.csv") };
    const baseUrl = process.env["OPENAI_BASE_URL"] ?? "";
    const model = { provider: "openai", model: "gpt-4o-mini", baseUrl, apiKey: "test-key" };
    const options = { runDir: join(folder, "runs"), lane: "batch", pollEveryMs: 100 } as const;
    const template = "Is this review praise, blame or neither?\n\n{{ review }}";
    await enrichFile(files, template, model, options);
  },
};

async function writeCsv(path: string, rows: number): Promise<void> {
  const out = createWriteStream(path);
  out.write("id,review\n");
  for (let row = 0; row < rows; row += 1)
    if (!out.write(`${String(row)},${reviewOf(row)}\n`)) await once(out, "drain");
  out.end();
  await once(out, "finish");
}

interface Ended {
  readonly status: number | null;
  readonly said: string;
  readonly complaint: string;
}

/** Runs a program that talks to the emulator of this process, so this one must not wait standing still. */
async function ranTo(program: string, args: readonly string[], url: string): Promise<Ended> {
  const env = { ...process.env, OPENAI_BASE_URL: url, OPENAI_API_KEY: "test-key" };
  const child = spawn(program, args, { env, timeout: PATIENCE_MS });
  let [said, complaint] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => (said = (said + piece.toString()).slice(-10_000)));
  child.stderr.on(
    "data",
    (piece: Buffer) => (complaint = (complaint + piece.toString()).slice(-4000)),
  );
  const [status] = (await once(child, "close")) as [number | null];
  return { status, said, complaint };
}

async function overEmulator<T>(work: (emulator: Emulator) => Promise<T>): Promise<T> {
  const emulator = await startEmulator({ seed: 1 });
  try {
    return await work(emulator);
  } finally {
    await emulator.close();
  }
}

function figuresOf(rows: number, { seconds, cpuSeconds, peakMB }: Figures): string {
  const perSecond = `${(rows / seconds).toFixed(0)} rows a second`;
  return `${seconds.toFixed(2)} s ${perSecond.padStart(24)} ${`peak ${peakMB.toFixed(0)} MB`.padStart(14)} ${`${cpuSeconds.toFixed(1)} s of processors`.padStart(24)}`;
}

type Figures = Pick<Measured, "seconds" | "cpuSeconds" | "peakMB">;

/** Installs a system; gives its Python, or why there is none. */
function installed(system: string, folder: string): { python: string } | { reason: string } {
  const place = join(folder, system);
  const made = spawnSync("python3", ["-m", "venv", place], { encoding: "utf8" });
  if (made.status !== 0) return { reason: "no python3 with venv here" };
  const python = join(place, "bin", "python");
  const pip = ["-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", system];
  // As it is installed it cannot be imported: its client library no longer brings this along.
  if (system === "openai-batch") pip.push("httpx");
  const got = spawnSync(python, pip, { encoding: "utf8" });
  if (got.status === 0) return { python };
  return { reason: `not installable: ${lastLine(got.stderr)}` };
}

/** lm-deluge's batches know no other host: its copy here is made to ask the emulator. */
async function redirect(python: string, url: string): Promise<void> {
  const library = join(python, "..", "..", "lib");
  const names = await readdir(library, { recursive: true });
  const name = names.find((one) => one.endsWith("site-packages/lm_deluge/batches.py"));
  if (name === undefined) throw new Error("lm_deluge/batches.py is not there");
  const text = await readFile(join(library, name), "utf8");
  const to = text.replaceAll(
    /"(?:https:\/\/api\.openai\.com|http:\/\/127\.0\.0\.1:\d+)\/v1/g,
    `"${url}`,
  );
  await writeFile(
    join(library, name),
    to.replaceAll(/f"(?:https:\/\/api\.openai\.com|http:\/\/127\.0\.0\.1:\d+)\/v1/g, `f"${url}`),
  );
}

function lastLine(text: string): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").slice(0, 200);
}

async function main(rows: number, environments: string | undefined): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-python-"));
  try {
    await writeCsv(join(folder, "rows.csv"), rows);
    await mkdir(join(folder, "runs"));
    const ours = await overEmulator(async ({ url }) => {
      const args = [import.meta.filename, "--task", "ours", folder, String(rows)];
      const { status, said, complaint } = await ranTo(process.execPath, args, url);
      if (status !== 0) throw new Error(complaint);
      return JSON.parse(lastLine(said)) as Measured;
    });
    console.log(`${String(rows)} rows`);
    console.log(`${"batchframe".padEnd(24)} ${figuresOf(rows, ours)}`);
    for (const system of SYSTEMS) {
      const got = installed(system, environments ?? join(folder, "venv"));
      if ("reason" in got) {
        console.log(`${system.padEnd(24)} skipped: ${got.reason}`);
        continue;
      }
      await overEmulator(async (emulator) => {
        const { python } = got;
        if (system === "lm-deluge") await redirect(python, emulator.url);
        const script = join(import.meta.dirname, "python", "drive.py");
        const files = [join(folder, "rows.csv"), join(folder, `${system}.csv`)];
        const ended = await ranTo(python, [script, system, ...files], emulator.url);
        if (ended.status !== 0) {
          const how =
            ended.status === null ? "no end within ten minutes" : lastLine(ended.complaint);
          const answered = emulator.stats().rowsExecuted;
          console.log(
            `${system.padEnd(24)} failed: ${how} (${String(answered)} requests answered)`,
          );
          return;
        }
        const its = JSON.parse(lastLine(ended.said)) as Figures & { readonly version: string };
        console.log(`${`${system} ${its.version}`.padEnd(24)} ${figuresOf(rows, its)}`);
        console.log(
          `${"".padEnd(24)} batchframe: x ${(its.seconds / ours.seconds).toFixed(2)} its rows a second, x ${(ours.peakMB / its.peakMB).toFixed(2)} its memory`,
        );
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 100_000), process.argv[3]);
