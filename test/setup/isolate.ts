/** Runs before every test file: an empty home, no keys, no way out of this machine. */

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, expect } from "vitest";

const SECRET = /(_API_KEY|_API_TOKEN|_ACCESS_TOKEN|_SECRET|_SECRET_KEY|_SECRET_ACCESS_KEY)$/;
const SERVICE =
  /^(OPENAI|ANTHROPIC|CLAUDE|GOOGLE|GEMINI|VERTEX|AZURE|AWS|BATCHFRAME|HF|HUGGING_FACE|GCS|STORAGE)_/;
const SERVICE_ADDRESS = /_BASE_URL$/;
const PROXY = /^(https?|all|no)_proxy$/i;
const FOLDERS = /^XDG_/;

for (const name of Object.keys(process.env)) {
  if ([SECRET, SERVICE, SERVICE_ADDRESS, PROXY, FOLDERS].some((kind) => kind.test(name))) {
    Reflect.deleteProperty(process.env, name);
  }
}

const folder = mkdtempSync(join(tmpdir(), "test-home-"));
const home = join(folder, "home");
const breaches = join(folder, "breaches");
const guard = fileURLToPath(new URL("loopback-only.mjs", import.meta.url));

mkdirSync(home);
writeFileSync(breaches, "");
process.env["HOME"] = home;
process.env["BATCHFRAME_TEST_BREACHES"] = breaches;
process.env["NODE_OPTIONS"] =
  `${process.env["NODE_OPTIONS"] ?? ""} --import=${pathToFileURL(guard).href}`.trim();

// Code under test may swallow the refused connection, so a test fails by this record of it.
afterEach(() => {
  const hosts = readFileSync(breaches, "utf8");
  writeFileSync(breaches, "");
  expect(hosts, "hosts beyond this machine that were to be connected to").toBe("");
});
