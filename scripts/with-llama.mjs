/**
 * Runs a command that may import node-llama-cpp, though the repository does not depend on it:
 * `node scripts/with-llama.mjs node test/provider/gguf-child.ts`. Without a command it installs the
 * package and prints where it is.
 *
 * The package is installed once, outside the repository, with the one binary this machine needs and
 * without running its install scripts (85 MB, about 10 s). Node programs started through this find it
 * by its name. Everything said here goes to standard error.
 */

import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { endAs, run } from "./run.mjs";

const VERSION = "3.22.1";
const BINARIES = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "darwin-x64": "mac-x64",
  "darwin-arm64": "mac-arm64-metal",
  "win32-x64": "win-x64",
};

/** A failure whose message is all that the reader needs. */
class Stop extends Error {}

/** The first folder that can be written: the user's own cache, whatever HOME says, else a temporary one. */
function cacheFolder() {
  const named = process.env.XDG_CACHE_HOME;
  const candidates = [named, join(userInfo().homedir, ".cache"), tmpdir()];
  for (const candidate of candidates) {
    if (!candidate) continue;
    try {
      const folder = join(candidate, "batchframe");
      mkdirSync(folder, { recursive: true });
      accessSync(folder, constants.W_OK);
      return folder;
    } catch {
      // The next one.
    }
  }
  throw new Stop("No folder can be written to install node-llama-cpp in.");
}

/** The folder whose node_modules holds the package. */
async function installed() {
  const machine = `${process.platform}-${process.arch}`;
  const binary = BINARIES[machine];
  if (binary === undefined) throw new Stop(`node-llama-cpp has no binary for ${machine}.`);
  const cache = cacheFolder();
  const folder = join(cache, `node-llama-cpp-${VERSION}-${machine}`);
  if (existsSync(folder)) return folder;
  process.stderr.write("Installing node-llama-cpp (once, 85 MB, about 10 s)…\n");
  const fresh = mkdtempSync(join(cache, "installing-"));
  try {
    writeFileSync(join(fresh, "package.json"), '{"private":true}\n');
    await install(fresh, [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${binary}@${VERSION}`]);
    moveTo(folder, fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** Gives the whole installation its name at once; another process may have been faster, which is as good. */
function moveTo(folder, fresh) {
  try {
    renameSync(fresh, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

async function install(folder, packages) {
  const args = ["install", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
  // npm's own patience is over a minute: too long to learn that there is no network.
  const patience = ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=8000"];
  // Tests keep every Node process from leaving this machine; npm is the one that must.
  const env = { ...process.env, NODE_OPTIONS: "", HOME: userInfo().homedir };
  const isWindows = process.platform === "win32";
  const outcome = await run(isWindows ? "npm.cmd" : "npm", [...args, ...patience, ...packages], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    shell: isWindows,
  });
  if (outcome.code === 0) return;
  process.stderr.write(outcome.stderr + outcome.stdout);
  throw new Stop(
    "node-llama-cpp could not be installed: npm's own words are above. " +
      "If its registry cannot be reached, this needs a network the first time.",
  );
}

async function main([command, ...args]) {
  const folder = await installed();
  if (command === undefined) {
    process.stdout.write(`${join(folder, "node_modules", "node-llama-cpp")}\n`);
    return;
  }
  const here = dirname(fileURLToPath(import.meta.url));
  const hook = pathToFileURL(join(here, "resolve-llama.mjs")).href;
  const options = `${process.env.NODE_OPTIONS ?? ""} --import=${hook}`.trim();
  const env = { ...process.env, NODE_OPTIONS: options, BATCHFRAME_LLAMA: folder };
  const file = command === "node" ? process.execPath : command;
  endAs(await run(file, args, { env, stdio: "inherit" }));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
