import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { pretendingNode, spawned } from "../setup/spawned.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "batchframe with node "));

// No npm on this PATH, and none named by the npm that may have started the tests: whatever goes wrong
// here, nothing is installed and no package folder is touched.
const bin = join(folder, "bin");
mkdirSync(bin);
symlinkSync(process.execPath, join(bin, "node"));
const { npm_execpath: _ignored, ...inherited } = process.env;
const environment = { ...inherited, PATH: bin };

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A tree without packages, in a path with spaces. */
function clone(): string {
  const path = mkdtempSync(join(folder, "clone "));
  for (const name of ["package.json", "package-lock.json", "scripts"]) {
    cpSync(join(repository, name), join(path, name), { recursive: true });
  }
  return path;
}

/** A tree whose packages are those already installed here. */
function installedClone(): string {
  const path = clone();
  symlinkSync(join(repository, "node_modules"), join(path, "node_modules"));
  return path;
}

/** A tree whose npm says that all is installed, though the folder holds no package. */
function hollowClone(): string {
  const path = clone();
  mkdirSync(join(path, "node_modules"));
  const record = join("node_modules", ".package-lock.json");
  cpSync(join(repository, record), join(path, record));
  return path;
}

function start(
  root: string,
  command: readonly string[],
  options: { env?: NodeJS.ProcessEnv; stdin?: string } = {},
) {
  const args = [join(root, "scripts", "with-node.mjs"), ...command];
  return spawned(process.execPath, args, { env: environment, ...options });
}

const ready = installedClone();

describe("the command", () => {
  it("gets its arguments and standard input as they were given, and nothing else is printed", async () => {
    const script =
      "process.stdin.pipe(process.stdout); console.log(JSON.stringify(process.argv.slice(1)))";
    const args = ["a b", "", "--flag=x", 'it\'s "q" $HOME *'];
    const { code, stdout, stderr } = await start(ready, ["node", "-e", script, "--", ...args], {
      stdin: "rows\n",
    }).ended;
    expect(stdout).toBe(`${JSON.stringify(args)}\nrows\n`);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("runs under the Node that was chosen, also when a program of a package asks for node", async () => {
    const direct = await start(ready, ["node", "-p", "process.execPath"]).ended;
    expect(direct.stdout.trim()).toBe(process.execPath);
    const first = await start(ready, ["node", "-p", "process.env.PATH"]).ended;
    expect(first.stdout.split(":").slice(0, 2)).toEqual([
      join(ready, "node_modules", ".bin"),
      process.execPath.replace(/\/node$/, ""),
    ]);
    const packaged = await start(ready, ["tsc", "--version"]).ended;
    expect(packaged.stdout).toMatch(/^Version \d/);
  });

  it("hands back its exit code", async () => {
    expect((await start(ready, ["node", "-e", "process.exit(3)"]).ended).code).toBe(3);
  });

  it("hands back the signal that ended it", async () => {
    const script = "process.kill(process.pid, 'SIGKILL')";
    expect((await start(ready, ["node", "-e", script]).ended).signal).toBe("SIGKILL");
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "gets %s once and may end in its own way",
    async (signal) => {
      const script =
        `process.on("${signal}", () => { console.log("got it"); setTimeout(() => process.exit(9), 200); });` +
        `setInterval(() => undefined, 1000); console.log("ready");`;
      const running = start(ready, ["node", "-e", script]);
      await running.printed("ready");
      running.child.kill(signal);
      const { code, stdout } = await running.ended;
      expect(stdout).toBe("ready\ngot it\n");
      expect(code).toBe(9);
    },
  );

  it("that does not exist is named, with the exit code of a shell", async () => {
    const { code, stderr } = await start(ready, ["no-such-program"]).ended;
    expect(stderr).toBe("no-such-program could not be started (ENOENT).\n");
    expect(code).toBe(127);
  });

  it("that is left out is asked for", async () => {
    const { code, stderr } = await start(ready, []).ended;
    expect(stderr).toContain("node scripts/with-node.mjs <command>");
    expect(code).toBe(1);
  });
});

describe("packages", () => {
  it.each([
    ["no package is there", clone, "Installing packages (once"],
    ["the lock file names another version", outdatedClone, "package-lock.json has changed"],
    ["an old Node left the polars binary out", hollowClone, "under a newer Node"],
  ])("are installed when %s", async (_when, make, announcement) => {
    const { code, stdout, stderr } = await start(make(), ["node", "-p", "'ran'"]).ended;
    expect(stderr).toContain(announcement);
    expect(stderr).toContain("npm was not found on the PATH");
    expect(stdout).toBe("");
    expect(code).toBe(1);
  });
});

/** A hollow tree whose lock file was changed since. */
function outdatedClone(): string {
  const path = hollowClone();
  const lock = readFileSync(join(path, "package-lock.json"), "utf8");
  const changed = lock.replace(
    /("node_modules\/csv-parse": \{\s*"version": ")[^"]+/,
    (_all, before: string) => `${before}0.0.1`,
  );
  expect(changed).not.toBe(lock);
  writeFileSync(join(path, "package-lock.json"), changed);
  return path;
}

describe("the Node it was started with", () => {
  it.each([
    ["18.20.8", "22.18"],
    ["20.20.2", "22.18"],
    ["22.17.1", "22.18"],
    ["23.5.0", "23.6"],
  ])("%s is too old: it says so and turns to npm", async (version, needed) => {
    const env = pretendingNode(version, environment);
    const { code, stderr } = await start(ready, ["node", "-p", "1"], { env }).ended;
    expect(stderr).toContain(`Node ${version} is older than ${needed}: using Node 24 from npm`);
    expect(stderr).toContain("npm was not found on the PATH");
    expect(code).toBe(1);
  });

  it.each(["22.18.0", "23.6.0", "24.0.0", "26.1.0"])("%s will do", async (version) => {
    const env = pretendingNode(version, environment);
    const { code, stderr } = await start(ready, ["node", "-p", "1"], { env }).ended;
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });
});
