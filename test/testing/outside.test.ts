/** The contract suite as an outside author has it: from the built package, under another runner. */

import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { spawned, type Ended } from "../setup/spawned.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
const PATIENCE_MS = 180_000;

/** What stands in for the names that a user of the package writes. */
const NAMES = [
  ["../../src/index.ts", "batchframe"],
  ["../../src/emulator/emulator.ts", "batchframe/emulator"],
  ["../../src/testing/testing.ts", "batchframe/testing"],
] as const;

async function built(folder: string): Promise<void> {
  const installed = join(folder, "node_modules", "batchframe");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  symlinkSync(join(root, "node_modules"), join(installed, "node_modules"));
  symlinkSync(join(root, "node_modules", "@types"), join(folder, "node_modules", "@types"));
  const config = join(root, "tsconfig.build.json");
  const args = ["-p", config, "--noCheck", "--outDir", join(installed, "dist")];
  const { code, stdout } = await spawned(process.execPath, [tsc, ...args]).ended;
  expect(code, stdout).toBe(0);
}

function count(report: string, what: string): number {
  return Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(report)?.[1] ?? Number.NaN);
}

describe("a provider by somebody else", () => {
  const folder = mkdtempSync(join(tmpdir(), "outside-"));
  let ended: Ended;

  beforeAll(async () => {
    await built(folder);
    let text = readFileSync(join(root, "test", "testing", "postbox.ts"), "utf8");
    for (const [path, name] of NAMES) text = text.replaceAll(`"${path}"`, `"${name}"`);
    expect(text).not.toContain("../src/");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "postbox.test.ts"), text);
    const args = ["--test", "--test-reporter=tap", "postbox.test.ts"];
    ended = await spawned(process.execPath, args, { cwd: folder }).ended;
  }, PATIENCE_MS);

  it("proves itself from the built package under node:test", () => {
    expect(ended.stdout).not.toMatch(/^\s*not ok/m);
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toContain("openai from outside, as a provider");
    expect(count(ended.stdout, "fail")).toBe(0);
    expect(count(ended.stdout, "pass")).toBeGreaterThan(40);
  });

  it("is told what could not be tried, and why", () => {
    const skipped = ended.stdout.split("\n").filter((line) => line.includes("# SKIP"));
    expect(skipped).toHaveLength(count(ended.stdout, "skipped"));
    expect(skipped.length).toBeGreaterThan(10);
    for (const line of skipped)
      expect(line).toMatch(/not tried: the service has no (?:faults|answers)/);
    expect(skipped.join("\n")).not.toContain("has no books");
  });

  it("compiles against the declarations of the package", { timeout: PATIENCE_MS }, async () => {
    const options = ["--module", "nodenext", "--target", "es2024", "--skipLibCheck", "--noEmit"];
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--types", "node"];
    const lib = ["--lib", "es2024,esnext.disposable,esnext.array"];
    const args = [tsc, ...options, ...strict, ...lib, "postbox.test.ts"];
    const { code, stdout } = await spawned(process.execPath, args, { cwd: folder }).ended;
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });
});
