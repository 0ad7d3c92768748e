/**
 * Runs a command of this repository under a Node that can run TypeScript files, with the locked
 * packages installed: `node scripts/with-node.mjs node src/cli/main.ts …`.
 *
 * The Node it was started with is used when it is new enough, else Node 24 from npm. Standard input
 * and output belong to the command alone; everything said here goes to standard error. Exit codes
 * and signals pass through. Old Nodes must be able to read this file, so it is plain JavaScript.
 */

import { accessSync, constants, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endAs, run } from "./run.mjs";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const OFFLINE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

/** A failure whose message is all that the reader needs. */
class Stop extends Error {}

/** The reader pressed Ctrl-C, or something else sent a signal, while packages were being fetched. */
class Interrupted extends Error {
  constructor(signal) {
    super(signal);
    this.signal = signal;
  }
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** The release that first strips types unasked, when the given version is older than it; else null. */
function tooOldFor(version) {
  const [major, minor] = version.split(".").map(Number);
  if (major === 23) return minor < 6 ? "23.6" : null;
  if (major === 22) return minor < 18 ? "22.18" : null;
  return major < 22 ? "22.18" : null;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * How to start npm under a given Node. npm judges `engines` by the Node that runs npm itself, and
 * some distributions write a fixed path into its first line, so Node is handed its script directly.
 */
function npmUnder(node) {
  const fromNpm = process.env.npm_execpath;
  if (fromNpm !== undefined && basename(fromNpm) === "npm-cli.js") return [node, fromNpm];
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = folders.map((folder) => join(folder, "npm")).find(isExecutable);
  if (found === undefined) {
    throw new Stop("npm was not found on the PATH. It comes with Node: https://nodejs.org");
  }
  const script = realpathSync(found);
  return /^npm(-cli\.js)?$/.test(basename(script)) && isNodeScript(script)
    ? [node, script]
    : [found];
}

/** False for the shell scripts and binaries that version managers put in npm's place. */
function isNodeScript(path) {
  return /^#!.*\bnode\b/.test(readFileSync(path, "latin1").slice(0, 200));
}

function environmentFor(node) {
  const path = [join(ROOT, "node_modules", ".bin"), dirname(node), process.env.PATH ?? ""];
  return { ...process.env, PATH: path.join(delimiter), NODE: node, npm_node_execpath: node };
}

/** Runs npm quietly; `aim` begins the sentence that says what could not be done. */
async function npm(node, args, aim) {
  const [file, ...script] = npmUnder(node);
  // npm's own patience is over a minute: too long to learn that there is no network.
  const patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=8000"];
  const outcome = await run(file, [...script, args[0], ...patience, ...args.slice(1)], {
    cwd: ROOT,
    // A distribution's Node trusts the certificates of the machine; the one from npm must be told to.
    env: { NODE_USE_SYSTEM_CA: "1", ...environmentFor(node) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = outcome.signal ?? outcome.received;
  if (ended !== null) throw new Interrupted(ended);
  if (outcome.code === 0) return outcome.stdout;
  const offline = OFFLINE.exec(outcome.stderr);
  if (offline !== null) {
    throw new Stop(`${aim}: npm's registry could not be reached (${offline[0]}).`);
  }
  process.stderr.write(outcome.stderr + outcome.stdout);
  throw new Stop(`${aim}; npm's own words are above.`);
}

/**
 * The npm package that holds Node's program for this machine. The better known package "node" fetches
 * one of these in an install script, which npm 12 and careful settings do not run.
 */
function nodePackage() {
  const { platform, arch } = process;
  return `${platform === "darwin" && arch === "arm64" ? "node-bin" : "node"}-${platform}-${arch}`;
}

/** The path of a Node that is new enough. */
async function chooseNode() {
  const needed = tooOldFor(process.versions.node);
  if (needed === null) return process.execPath;
  say(
    `Node ${process.versions.node} is older than ${needed}: ` +
      "using Node 24 from npm (downloaded once, about 10 s).",
  );
  const args = ["exec", "--yes", "--prefer-offline", `--package=${nodePackage()}@24`];
  const report = "process.execPath + '\\n' + process.versions.node";
  const aim = "Node 24 could not be downloaded";
  const printed = await npm(process.execPath, [...args, "--", "node", "-p", report], aim);
  const [path, version] = printed.trim().split("\n").slice(-2);
  if (version === undefined || tooOldFor(version) !== null || !isExecutable(path)) {
    throw new Stop(`${aim}: npm ran Node ${version} instead.`);
  }
  return path;
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw new Stop(`${path} cannot be read: ${error.message}`);
  }
}

/**
 * Why packages must be installed, or null when they are as the lock file has them. Contents are
 * compared rather than times, which a checkout or a copy changes.
 */
function installReason() {
  const locked = readJson(join(ROOT, "package-lock.json"))?.packages;
  if (locked === undefined) throw new Stop("package-lock.json is missing from the repository.");
  // npm writes this file last: without it an installation never ended.
  const installed = readJson(join(ROOT, "node_modules", ".package-lock.json"))?.packages;
  if (installed === undefined) return "Installing packages (once, about 20 s)…";
  for (const [path, { version, integrity, optional, devOptional, peer }] of Object.entries(
    locked,
  )) {
    if (path === "") continue;
    const present = installed[path];
    if (present === undefined && (optional || devOptional || peer)) continue;
    if (present?.version !== version || present.integrity !== integrity) {
      return "package-lock.json has changed: installing packages again (about 20 s)…";
    }
  }
  return lacksBinary(locked) ? "Installing packages again, under a newer Node (about 20 s)…" : null;
}

/** True after an installation under an old Node, where npm leaves the binary of polars out in silence. */
function lacksBinary(locked) {
  const name = `nodejs-polars-${process.platform}-${process.arch}`;
  const offered = Object.keys(locked).some((path) => path.startsWith(`node_modules/${name}`));
  return offered && !readdirSync(join(ROOT, "node_modules")).some((it) => it.startsWith(name));
}

async function installPackages(node) {
  const reason = installReason();
  if (reason === null) return;
  say(reason);
  // Both kinds are asked for by name: NODE_ENV=production or an "omit" setting would drop them.
  const args = ["ci", "--include=dev", "--include=optional", "--prefer-offline"];
  await npm(node, args, "Packages could not be installed");
  if (installReason() !== null) {
    throw new Stop("npm left packages out of node_modules without saying why; please try again.");
  }
}

async function main([command, ...args]) {
  if (command === undefined) {
    throw new Stop("Nothing to run. Use: node scripts/with-node.mjs <command> [arguments]");
  }
  const node = await chooseNode();
  await installPackages(node);
  const file = command === "node" ? node : command;
  const outcome = await run(file, args, { env: environmentFor(node), stdio: "inherit" });
  endAs(outcome);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof Interrupted) {
    endAs({ code: null, signal: error.signal });
  } else if (error instanceof Stop) {
    say(error.message);
    process.exitCode = 1;
  } else if (String(error.syscall).startsWith("spawn")) {
    say(`${error.path} could not be started (${error.code}).`);
    process.exitCode = error.code === "ENOENT" ? 127 : 126;
  } else {
    throw error;
  }
}
