/**
 * Packs the package as it is published and uses it as a stranger would: `node scripts/packed.ts`.
 *
 * It is judged by publint and attw, installed into an empty project under Node 22 and Node 24, imported
 * there and from Deno, compiled against with both ways of finding modules, and its command started under
 * Nodes that are too old. Prints one line for each, and the size of the installation; exits with 1 at the
 * first that fails. `--write` writes the size into README.md. Packages and Nodes come from npm.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BIN = join(ROOT, "node_modules", ".bin");
const CONSUMER = join(ROOT, "test", "package", "consumer.ts");
const EXPECTED = `{"ok":2,"statuses":["ok","ok"],"shown":2,"promises":"function","hint":`;
const PEERS = join(ROOT, "test", "package", "peers.ts");
/** What is said to be installed where a companion is missing. */
const HINTS: Readonly<Record<string, string>> = {
  llama: "node-llama-cpp",
  storage: "npm install @google-cloud/storage",
  postgres: "npm install pg pg-boss",
  ticks: "npm install pg pg-boss@",
  s3: "npm install @aws-sdk/client-s3",
  metrics: "npm install prom-client",
};
const LONGEST_MS = 300_000;

interface Place {
  readonly cwd: string;
  /** Put before everything else of the PATH. */
  readonly node?: string;
}

/** Runs a program to its end; the home is the user's own, where npm keeps what it has downloaded. */
function run(file: string, args: readonly string[], { cwd, node }: Place) {
  const path = [...(node === undefined ? [] : [dirname(node)]), BIN, process.env["PATH"] ?? ""];
  const env = { ...process.env, PATH: path.join(delimiter), NODE_OPTIONS: "", NO_COLOR: "1" };
  const home = { HOME: userInfo().homedir, npm_config_update_notifier: "false" };
  const options = { cwd, env: { ...env, ...home }, timeout: LONGEST_MS };
  return spawnSync(file, args, { ...options, encoding: "utf8" });
}

/** What a program prints; an error where it fails. */
function printed(file: string, args: readonly string[], place: Place): string {
  const { status, error, stdout, stderr } = run(file, args, place);
  if (error === undefined && status === 0) return stdout;
  const why = error === undefined ? `${stdout}${stderr}` : error.message;
  throw new Error(`${[file, ...args].join(" ")} ended with ${String(status)}.\n${why}`);
}

function expectIn(text: string, expected: string, what: string): void {
  if (text.includes(expected)) return;
  throw new Error(`${what} said\n${text}\nand not\n${expected}`);
}

/** A Node of this version: npm packages hold the programs, and run no install script. */
function nodeOf(major: number, cwd: string): string {
  if (process.versions.node.startsWith(`${String(major)}.`)) return process.execPath;
  const { platform, arch } = process;
  const name = `${platform === "darwin" && arch === "arm64" ? "node-bin" : "node"}-${platform}-${arch}`;
  const from = ["exec", "--yes", "--prefer-offline", `--package=${name}@${String(major)}`];
  return printed("npm", [...from, "--", "node", "-p", "process.execPath"], { cwd }).trim();
}

/** The script of npm, so that it can be run by a Node of our choice: it judges engines by that one. */
function npmScript(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.map((folder) => join(folder, "npm")).find((path) => isFile(path));
  if (found === undefined) throw new Error("npm was not found on the PATH.");
  return realpathSync(found);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Builds into a folder of its own, so that nothing built is left in the clone, and packs that. */
function packed(folder: string): string {
  const source = join(folder, "package");
  mkdirSync(source);
  const { files } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly files: readonly string[];
  };
  const built = files.filter((name) => name !== "dist");
  for (const name of ["package.json", "README.md", "LICENSE", ...built])
    cpSync(join(ROOT, name), join(source, name), { recursive: true });
  printed("tsc", ["-p", "tsconfig.build.json", "--outDir", join(source, "dist")], { cwd: ROOT });
  const name = printed("npm", ["pack", "--ignore-scripts", "--silent"], { cwd: source }).trim();
  expectIn(printed("publint", ["--strict"], { cwd: source }), "All good!", "publint");
  // CommonJS gets the package by import() only, which is what an ESM package is.
  printed("attw", [name, "--profile", "esm-only"], { cwd: source });
  return join(source, name);
}

function installed(archive: string, node: string, cwd: string): void {
  mkdirSync(cwd);
  writeFileSync(join(cwd, "package.json"), '{ "private": true, "type": "module" }\n');
  writeFileSync(join(cwd, "mine.csv"), "text\nI love it\nI hate it\n");
  writeFileSync(join(cwd, "tiny.gguf"), Buffer.from("GGUF\u0003\u0000\u0000\u0000"));
  cpSync(CONSUMER, join(cwd, "consumer.ts"));
  cpSync(PEERS, join(cwd, "peers.ts"));
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
  printed(node, [npmScript(), "install", ...quiet, archive, "nodejs-polars@0.25.2"], { cwd, node });
}

function tried(node: string, cwd: string): void {
  const said = printed(node, ["consumer.ts"], { cwd, node });
  expectIn(said, EXPECTED, "The consumer");
  const hints = JSON.parse(printed(node, ["peers.ts"], { cwd, node })) as typeof HINTS;
  for (const [peer, hint] of Object.entries(HINTS))
    expectIn(hints[peer] ?? "", hint, `The hint where ${peer} is missing`);
  const optional = Object.keys(peerDependencies());
  const named = Object.values(hints).join(" ");
  for (const name of optional) expectIn(named, name, "What is said of optional companions");
  const classify = ["classify", "mine.csv", "--text", "text", "--labels", "positive,negative"];
  const command = join(cwd, "node_modules", ".bin", "batchframe");
  printed(command, [...classify, "-m", "embedded/use-lite", "-o", "out.csv"], { cwd, node });
  const answers = readFileSync(join(cwd, "out.csv"), "utf8").split("\n").length;
  if (answers !== 4) throw new Error(`out.csv has ${String(answers - 2)} rows, not 2.`);
}

/** The companions of package.json. */
function peerDependencies(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  return manifest.peerDependencies;
}

function compiled(cwd: string, how: readonly string[]): void {
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--noEmit", "--target", "es2022"];
  printed("tsc", [...strict, ...how, "--skipLibCheck", "false", "consumer.ts"], { cwd });
}

function refused(node: string, cwd: string): void {
  const command = join(cwd, "node_modules", "batchframe", "bin", "batchframe.js");
  const { status, stdout, stderr } = run(node, [command, "--version"], { cwd, node });
  const lines = stderr.trimEnd().split("\n");
  const isTold = lines.length === 1 && stderr.startsWith("batchframe needs Node 22.18 or newer");
  if (status !== 2 || stdout !== "" || !isTold)
    throw new Error(`An old Node ended with ${String(status)}: ${stdout}${stderr}`);
}

/** Bytes of all files below a folder, and of polars' own library among them. */
function sizeOf(folder: string): { readonly bytes: number; readonly native: number } {
  let bytes = 0;
  let native = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const { size } = statSync(join(entry.parentPath, entry.name));
    bytes += size;
    if (entry.name.endsWith(".node")) native += size;
  }
  return { bytes, native };
}

const MARKED = /(<!-- Written by scripts\/packed\.ts -->\n\n)(.*)\n/;

/** Compares the README's words on the size with what was measured; they may be a tenth off. */
function checkSize(cwd: string, isWriting: boolean): string {
  const { bytes, native } = sizeOf(join(cwd, "node_modules"));
  const [whole, own] = [bytes, native].map((size) => Math.round(size / 1e6));
  const text = `An installation takes ${String(whole)} MB, ${String(own)} MB of it the dataframe library's native code.`;
  const path = join(ROOT, "README.md");
  const page = readFileSync(path, "utf8");
  const told = Number(/takes (\d+) MB/.exec(MARKED.exec(page)?.[2] ?? "")?.[1]);
  if (isWriting) writeFileSync(path, page.replace(MARKED, `$1${text}\n`));
  else if (!(Math.abs(told - bytes / 1e6) < bytes / 1e7))
    throw new Error(`README.md says ${String(told)} MB. ${text} \`--write\` corrects it.`);
  return text;
}

const folder = mkdtempSync(join(tmpdir(), "packed-"));
const say = (line: string): void => {
  console.log(line);
};
try {
  const archive = packed(folder);
  say("packed: publint and attw found nothing");
  for (const major of [22, 24]) {
    const node = nodeOf(major, folder);
    const cwd = join(folder, `node-${String(major)}`);
    installed(archive, node, cwd);
    tried(node, cwd);
    say(`Node ${String(major)}: installed, imported, its command run`);
  }
  const cwd = join(folder, "node-24");
  compiled(cwd, ["--module", "nodenext"]);
  compiled(cwd, ["--module", "esnext", "--moduleResolution", "bundler"]);
  say("TypeScript: compiled with nodenext and with bundler");
  expectIn(printed("deno", ["run", "-A", "consumer.ts"], { cwd }), EXPECTED, "Deno");
  say("Deno: imported");
  refused(nodeOf(18, folder), cwd);
  say("Node 18: told in one line what is needed");
  say(checkSize(cwd, process.argv.includes("--write")));
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
