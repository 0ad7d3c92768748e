import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { enrichedPath } from "../../src/cli/paths.ts";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { spawned, type Ended, type Spawned } from "../setup/spawned.ts";
import { asTheSchemaSays } from "./json-shape.ts";

const command = fileURLToPath(new URL("../../bin/batchframe.js", import.meta.url));

/** A key that must never be printed. */
export const KEY = "sk-test-never-to-be-printed";

/** A folder of its own for one test, with the given files in it. */
export function folder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "cli-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const ASKING = ["run", "classify", "extract", "filter", "score", "translate", "summarize", "embed"];
const PLACES = ["-o", "--output", "--in-place", "--json", "--print-prompt"];

/** Where rows go on a terminal: beside the input, and not into the pipe that a test reads. */
function besideInput(words: readonly string[]): readonly string[] {
  const [command = "", input = ""] = words;
  const isPlaced = words.some((word) => PLACES.includes(word));
  return ASKING.includes(command) && /^(-$|[^-])/.test(input) && !isPlaced
    ? [...words, "-o", enrichedPath(input)]
    : words;
}

/** Starts the real command in a folder; rows without a place of their own go beside the input. */
export function start(
  cwd: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Spawned {
  return startPiped(cwd, besideInput(words), env);
}

/** Starts the real command in a folder, its standard output in a pipe that rows go to. */
export function startPiped(
  cwd: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Spawned {
  const run = spawned(process.execPath, [command, ...words], {
    cwd,
    env: { ...process.env, ...env },
  });
  const ended = run.ended.then((how) => asTheSchemaSays(words, how));
  // Who waits for something printed hears of it all the same.
  ended.catch(() => undefined);
  return { ...run, ended };
}

/** Runs the real command in a folder to its end. */
export async function cli(
  cwd: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return await start(cwd, words, env).ended;
}

/** The environment under which `openai/…` models are asked of an emulator. */
export function pointedAt(emulator: Emulator): Readonly<Record<string, string>> {
  return { OPENAI_BASE_URL: emulator.url, OPENAI_API_KEY: KEY };
}

/** An emulator, closed by the test. */
export async function emulated(
  options: Parameters<typeof startEmulator>[0] = {},
): Promise<Emulator> {
  return await startEmulator({ seed: 1, ...options });
}

/** The run directories there are in a folder. */
export function runsIn(cwd: string): readonly string[] {
  try {
    return readdirSync(join(cwd, ".batchframe"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Rows of short texts that differ: `id,text` and `count` of them. */
export function manyRows(count: number): string {
  const rows = Array.from(
    { length: count },
    (_, row) => `${String(row + 1)},text number ${String(row + 1)}`,
  );
  return ["id,text", ...rows, ""].join("\n");
}

/** Five rows: two of one opinion each way, a duplicate and a blank. */
export const REVIEWS = [
  "id,review,zip",
  "1,I love it. Wonderful and reliable.,02139",
  "2,Terrible. It broke on the first day and nobody helps.,00725",
  "3,I love it. Wonderful and reliable.,10025",
  "4,,07030",
  '5,"Awful, a complete waste of money.",60614',
  "",
].join("\n");

/** Makes a folder inside a folder. */
export function inner(cwd: string, name: string): string {
  const path = join(cwd, name);
  mkdirSync(path);
  return path;
}
