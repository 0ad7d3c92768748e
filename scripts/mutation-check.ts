/**
 * Breaks the lines that keep the promises, one at a time in a copy of the tree, and shows that a test
 * notices each: `node scripts/mutation-check.ts [words of a promise]`.
 *
 * Exits with 1 when a break goes unnoticed, when a line to break is no longer there, or when a guard
 * fails before anything was broken.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MUTATIONS, type Guard, type Mutation } from "./mutations.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["src", "bin", "test", "package.json", "tsconfig.json", "vitest.config.ts"];
const LINKED = ["json-output.schema.json", "node_modules", "models", "sample-data"];
// A broken tree may wait for ever for what it has lost.
const LONGEST_MS = 90_000;

type Verdict = "caught" | "SURVIVED" | "LINE GONE" | "GUARD BROKEN";

function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "mutation-"));
  for (const name of COPIED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const name of LINKED) symlinkSync(join(ROOT, name), join(copy, name));
  return copy;
}

/** Whether the guard passes in this tree; one that does not end in time does not pass. */
async function passes(copy: string, guard: Guard): Promise<boolean> {
  const vitest = join(copy, "node_modules", "vitest", "vitest.mjs");
  const only = guard.named === undefined ? [] : ["-t", guard.named];
  const args = [vitest, "run", "--bail=1", "--testTimeout=20000", guard.file, ...only];
  // A group of its own, so that children a broken tree leaves frozen are ended with it.
  const child = spawn(process.execPath, args, { cwd: copy, detached: true });
  let printed = "";
  child.stdout.on("data", (data: Buffer) => (printed += data.toString()));
  child.stderr.resume();
  const timer = setTimeout(() => {
    endGroup(child.pid);
  }, LONGEST_MS);
  const [code] = (await once(child, "exit")) as [number | null];
  clearTimeout(timer);
  endGroup(child.pid);
  // A name that no test has would pass without having looked at anything.
  return code === 0 && /Tests .*\d+ passed/.test(plain(printed));
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is empty already, which is what was wanted.
    return;
  }
}

function plain(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"), "");
}

/** The file's text with every edit made; null when one of the lines is not there exactly once. */
function broken(source: string, { edits }: Mutation): string | null {
  let text = source;
  for (const [find, replace] of edits) {
    if (text.split(find).length !== 2) return null;
    text = text.replace(find, () => replace);
  }
  return text;
}

async function verdictOn(copy: string, mutation: Mutation): Promise<Verdict> {
  const path = join(copy, mutation.file);
  const source = readFileSync(path, "utf8");
  const text = broken(source, mutation);
  if (text === null) return "LINE GONE";
  if (!(await passes(copy, mutation.guard))) return "GUARD BROKEN";
  writeFileSync(path, text);
  try {
    return (await passes(copy, mutation.guard)) ? "SURVIVED" : "caught";
  } finally {
    writeFileSync(path, source);
  }
}

const words = process.argv.slice(2).join(" ");
const chosen = MUTATIONS.filter(({ promise }) => promise.includes(words));
const copy = copyTree();
const rows: { promise: string; file: string; guard: string; verdict: Verdict }[] = [];
try {
  for (const mutation of chosen) {
    const verdict = await verdictOn(copy, mutation);
    const { promise, file, guard } = mutation;
    rows.push({ promise, file, guard: guard.file, verdict });
    console.log(`${verdict.padEnd(12)} ${promise}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const caught = rows.filter(({ verdict }) => verdict === "caught").length;
console.table(rows);
console.log(`${String(caught)} of ${String(rows.length)} breaks caught`);
if (caught < rows.length || rows.length === 0) process.exitCode = 1;
