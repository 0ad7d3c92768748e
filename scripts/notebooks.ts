/**
 * Executes the notebooks of `notebooks/` with Deno's kernel and compares what they show with what is
 * committed: `node scripts/notebooks.ts [--write] [NOTEBOOK…]`. Needs Jupyter's client, which
 * `scripts/debian-packages.sh` installs; Deno comes from npm.
 *
 * Each is executed in a copy of the tree that has no runs and no cache, under an empty home, and with no
 * way out of this machine for what it would download. Exits with 1 when a cell fails, shows nothing or
 * shows something else than before; `--write` takes over what they show.
 */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LINKED = ["deno.json", "models", "node_modules", "package.json", "sample-data", "src"];
// Four notebooks take about 20 s together; one that hangs is ended.
const LONGEST_MS = 300_000;

interface Cell {
  readonly cell_type: string;
  readonly outputs?: readonly unknown[];
}

interface Notebook {
  readonly cells: readonly Cell[];
}

function copyTree(notebooks: readonly string[]): string {
  const copy = mkdtempSync(join(tmpdir(), "notebooks-"));
  for (const name of LINKED) symlinkSync(join(ROOT, name), join(copy, name));
  for (const folder of ["home", "notebooks"]) mkdirSync(join(copy, folder));
  for (const path of notebooks) cpSync(path, join(copy, "notebooks", basename(path)));
  return copy;
}

/** An environment in which nothing is known of this machine's user, and nothing can be downloaded. */
function environmentOf(copy: string): NodeJS.ProcessEnv {
  const nowhere = "http://127.0.0.1:9";
  return {
    PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env["PATH"] ?? ""}`,
    HOME: join(copy, "home"),
    TMPDIR: copy,
    HTTP_PROXY: nowhere,
    HTTPS_PROXY: nowhere,
    NO_PROXY: "127.0.0.1,localhost",
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}

function run(file: string, args: readonly string[], copy: string): void {
  const { status, error, stdout, stderr } = spawnSync(file, args, {
    cwd: copy,
    env: environmentOf(copy),
    encoding: "utf8",
    timeout: LONGEST_MS,
  });
  if (error === undefined && status === 0) return;
  const why = error === undefined ? `${stdout}${stderr}` : error.message;
  throw new Error(`${file} ${args[0] ?? ""} ended with ${String(status)}.\n${why}`);
}

function outputsOf(path: string): readonly (readonly unknown[])[] {
  const { cells } = JSON.parse(readFileSync(path, "utf8")) as Notebook;
  return cells.map(({ outputs }) => outputs ?? []);
}

/** The numbers of the cells that show something else in the second notebook than in the first. */
function changed(before: string, after: string): readonly number[] {
  const old = outputsOf(before);
  return outputsOf(after).flatMap((outputs, at) =>
    JSON.stringify(outputs) === JSON.stringify(old[at]) ? [] : [at + 1],
  );
}

function check(path: string, executed: string, isWriting: boolean): boolean {
  const name = basename(path);
  if (readFileSync(executed, "utf8").includes(tmpdir())) {
    console.log(`${name}: shows a path of this machine.`);
    return false;
  }
  const cells = changed(path, executed);
  if (isWriting) writeFileSync(path, readFileSync(executed));
  const told = isWriting || cells.length === 0;
  console.log(
    told ? `${name}: ok` : `${name}: shows something else than before in cell ${cells.join(", ")}.`,
  );
  return told;
}

const given = process.argv.slice(2);
const isWriting = given.includes("--write");
const named = given.filter((argument) => argument !== "--write");
const all = readdirSync(join(ROOT, "notebooks")).filter((name) => name.endsWith(".ipynb"));
const notebooks =
  named.length > 0
    ? named.map((path) => resolve(path))
    : all.map((name) => join(ROOT, "notebooks", name));
const copy = copyTree(notebooks);
try {
  run("deno", ["jupyter", "--install"], copy);
  for (const path of notebooks) {
    const executed = join(copy, "notebooks", basename(path));
    // The system's own Python: Debian's packages are found by no other.
    const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
    run(python, [join(ROOT, "scripts", "notebooks.py"), executed], copy);
    if (!check(path, executed, isWriting)) process.exitCode = 1;
  }
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
