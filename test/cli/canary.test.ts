/** A key set in every variable that may hold one is in no file, no stream and no list of processes. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { keyVariables } from "../../src/provider/models.ts";
import { spawned } from "../setup/spawned.ts";
import { cli, emulated, folder, manyRows, start } from "./support.ts";

const CANARY = "sk-canary-8f2b61d0c7";

const OTHER_SECRETS = ["PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

const bad = { error: { status: 400, body: { error: { message: "no", code: "bad" } } } };

let emulator: Emulator;
let cwd: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  emulator = await emulated({
    answer: table((text) => (text.endsWith("3") ? bad : "fine")),
  });
  cwd = folder({ "in.csv": manyRows(12) });
  const { urls } = emulator;
  env = {
    ...Object.fromEntries(keyVariables().map(([name]) => [name, CANARY])),
    // Keys of databases and storage, which are read by libraries alone.
    ...Object.fromEntries(OTHER_SECRETS.map((name) => [name, CANARY])),
    OPENAI_BASE_URL: urls.openai,
    ANTHROPIC_BASE_URL: urls.anthropic,
    GOOGLE_BASE_URL: urls.google,
    MISTRAL_BASE_URL: urls.mistral,
    AZURE_BASE_URL: urls.azure,
  };
});
afterAll(async () => {
  await emulator.close();
});

/** Every file below a folder, hidden ones as well. */
function filesBelow(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The command lines of all processes of this machine that can be read. */
function commandLines(): string {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return "";
      }
    })
    .join("\n");
}

const RUN = ["run", "in.csv", "-p", "{{ text }}", "--yes", "--poll", "20ms"];

/** Commands that succeed, fail at the provider, fail before it, and look at what is there. */
const COMMANDS: readonly (readonly [words: readonly string[], code: number])[] = [
  [[...RUN, "-m", "openai/gpt-5-mini", "--name", "a", "--json", "--notify", "cat > told.json"], 3],
  [[...RUN, "-m", "anthropic/claude-haiku-4-5", "--max-tokens", "9", "--name", "b"], 3],
  [[...RUN, "-m", "google/gemini-2.5-flash", "--name", "g", "-v"], 3],
  [[...RUN, "-m", "mistral/mistral-small-latest", "--name", "m"], 3],
  [[...RUN, "-m", "azure/gpt-5-mini", "--name", "z", "--progress", "json"], 3],
  [["plan", "in.csv", "-p", "{{ text }}", "-m", "google/gemini-2.5-flash", "--json"], 0],
  [
    ["preview", "in.csv", "-p", "A {{ text }}", "-m", "openai/gpt-5-mini", "--yes", "--rows", "12"],
    3,
  ],
  [["worker", "--state", "postgres://127.0.0.1:1/none"], 1],
  [[...RUN, "-m", "openai/gpt-5-mini", "-c", "text"], 2],
  [["build", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "-o", "build.jsonl"], 0],
  [["doctor", "-m", "openai/gpt-5-mini", "--remote"], 0],
  [["ls", "--json"], 0],
  [["status", "a", "--json"], 0],
  [["show", "a", "--row", "3", "--json"], 0],
  [["failures", "a", "-o", "failed.csv"], 0],
  [["export", "a", "-o", "out.parquet"], 3],
  [["retry", "a", "--yes", "--poll", "20ms"], 3],
  [["batches", "list", "-m", "openai", "--json"], 0],
  [["cache", "info"], 0],
];

describe("a key", () => {
  it("is nowhere after a broad set of commands", { timeout: 240_000 }, async () => {
    expect(keyVariables().length).toBeGreaterThan(8);
    let printed = "";
    for (const [words, code] of COMMANDS) {
      const ended = await cli(cwd, words, env);
      expect(ended.code, `${words.join(" ")}\n${ended.stderr}`).toBe(code);
      printed += ended.stdout + ended.stderr;
    }
    expect(printed).toContain("OPENAI_API_KEY");
    expect(printed).not.toContain(CANARY);
    const files = filesBelow(cwd);
    expect(files.length).toBeGreaterThan(20);
    const withKey = files.filter((file) => readFileSync(file).includes(CANARY));
    expect(withKey).toEqual([]);
    // Whatever is looked for is found where it is: the search itself is not blind.
    expect(files.some((file) => readFileSync(file).includes("text number 7"))).toBe(true);
  });

  it("is in no card that a notebook shows", { timeout: 120_000 }, async () => {
    const src = (name: string): string => new URL(`../../src/${name}`, import.meta.url).href;
    const code = `
      import pl from "nodejs-polars";
      import { enrichColumn } from ${JSON.stringify(src("index.ts"))};
      import { show } from ${JSON.stringify(src("notebook/notebook.ts"))};
      const frame = pl.DataFrame({ text: ["good", "bad 3", "fine"] });
      const DISPLAY = Symbol.for("Jupyter.display");
      for (const model of ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5", "google/gemini-2.5-flash"]) {
        const options = { runDir: null, pollEveryMs: 10, retries: 0, maxTokens: 9 };
        const run = enrichColumn(frame, "{{ text }}", model, options);
        const things = [run, await run.plan(), await run, await run.report()];
        for (const thing of things)
          console.log(JSON.stringify(await (thing[DISPLAY] ? thing : show(thing))[DISPLAY]()));
      }`;
    // Here the dataframe library is found; a run without a directory leaves nothing behind.
    const here = { cwd: import.meta.dirname, env: { ...process.env, ...env } };
    const words = ["--no-warnings", "--input-type=module", "--eval", code];
    const ended = await spawned(process.execPath, words, here).ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout.match(/text\/html/g)?.length).toBe(12);
    expect(ended.stdout).toContain("gemini-2.5-flash");
    expect(ended.stdout + ended.stderr).not.toContain(CANARY);
  });

  it("is in no list of processes while a run goes on", async () => {
    const run = start(cwd, [...RUN, "-m", "openai/gpt-5-mini", "--name", "seen", "--refresh"], env);
    let lines = "";
    await expect
      .poll(() => (lines += commandLines()), { timeout: 20_000, interval: 50 })
      .toContain("--refresh");
    await run.ended;
    expect(lines).not.toContain(CANARY);
  });

  it("that is refused is not shown", async () => {
    const strict = await emulated({ apiKeys: ["another"] });
    const words = [...RUN, "-m", "openai/gpt-5-mini", "--name", "refused"];
    const ended = await cli(cwd, words, { ...env, OPENAI_BASE_URL: strict.url });
    await strict.close();
    expect(ended.code).not.toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain(CANARY);
  });
});
