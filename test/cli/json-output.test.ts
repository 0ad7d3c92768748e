/** What every command prints with --json, and the events of --progress json, are as json-output.schema.json says. */

import { readFileSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { jsonSchema, schemaPath } from "../../scripts/json-schema.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { describedProgram } from "../../src/cli/program.ts";
import { definitionOf, schema, wrongWith } from "./json-shape.ts";
import { cli, emulated, folder, pointedAt, start } from "./support.ts";

const LONGEST_MS = 600_000;

let emulator: Emulator | null = null;

afterEach(async () => {
  await emulator?.close();
  emulator = null;
});

const ROWS = [
  "id,review,gold",
  "1,I love it. Wonderful.,positive",
  "2,Terrible and broken.,negative",
  "3,,positive",
  "4,I love it. Wonderful.,positive",
  "",
].join("\n");

const ASK = ["-m", "openai/gpt-5-mini", "--yes", "--poll", "20ms", "--lane", "batch"];
const LABEL = [...["-p", "{{ review }}", "--labels", "positive,negative", "-c", "mood"], ...ASK];

const BUILD = ["-p", "Tell {{ review }}", "-o", "asked.jsonl"];

/** Command lines in the order in which one leaves what the next needs; BATCH is the id that was printed last. */
const LINES: readonly (readonly [words: readonly string[], exit: number])[] = [
  [["run", "in.csv", ...LABEL, "--name", "a", "-o", "a.csv"], 3],
  [["run", "in.csv", ...LABEL, "--no-cache", "--name", "b", "-o", "b.csv"], 3],
  [["run", "in.csv", ...LABEL, "--print-prompt", "2"], 0],
  [["run", "in.csv", ...LABEL, "--dry-run"], 0],
  [["run", "none.csv", ...LABEL], 2],
  [["run", "--nonsense"], 2],
  [["classify", "in.csv", "--text", "review", "--labels", "x,y", ...ASK], 0],
  [["extract", "in.csv", "--text", "review", "--schema", "n: int", "--meta", "cost", ...ASK], 0],
  [["filter", "in.csv", "--text", "review", "--condition", "is kind", "--keep-rows", ...ASK], 0],
  [["score", "in.csv", "--text", "review", "--by", "warmth", "--votes", "3", ...ASK], 0],
  [["translate", "in.csv", "--text", "review", "--to", "French", ...ASK, "--deadline", "9h"], 0],
  [["summarize", "in.csv", "--text", "review", "--fallback-model", "openai/gpt-5", ...ASK], 0],
  [["embed", "in.csv", "--text", "review", ...ASK, "-m", "openai/text-embedding-3-small"], 0],
  [["preview", "in.csv", "-p", "Say {{ id }}", ...ASK, "-m", "openai/gpt-5"], 0],
  [["plan", "in.csv", "-p", "Tell {{ review }}", "-m", "openai/gpt-5"], 0],
  [["ls"], 0],
  [["status", "a"], 0],
  [["show", "a", "--row", "1"], 0],
  [["show", "a", "--row", "3"], 0],
  [["show", "a"], 0],
  [["failures", "a"], 0],
  [["failures", "a", "-o", "failed.csv"], 0],
  [["export", "a", "-o", "again.jsonl"], 3],
  [["resume", "a"], 3],
  [["attach", "a"], 3],
  [["collect", "a"], 3],
  [["cancel", "a"], 0],
  [["reparse", "a", "-o", "read.csv"], 3],
  [["eval", "a", "--gold", "gold", "--by", "id"], 0],
  [["diff", "a", "b", "-o", "changed.csv"], 0],
  [["retry", "a", "--yes", "--poll", "20ms"], 0],
  [["retry", "a"], 0],
  [["build", "in.csv", ...BUILD, "-m", "openai/gpt-5-mini", "--name", "c"], 0],
  [["collect", "c"], 75],
  [["batches", "submit", "asked.jsonl", "-m", "openai"], 0],
  [["batches", "status", "BATCH", "-m", "openai"], 0],
  [["batches", "wait", "BATCH", "-m", "openai", "--poll", "20ms"], 0],
  [["batches", "results", "BATCH", "-m", "openai", "-o", "results.jsonl"], 0],
  [["batches", "list", "-m", "openai"], 0],
  [["batches", "remove", "BATCH", "-m", "openai"], 0],
  [["cache", "info"], 0],
  [["cache", "clear"], 0],
  [["gc", "--older-than", "1ms", "--dry-run"], 0],
  [["rm", "b"], 0],
  [["models"], 0],
  [["doctor"], 0],
  [["init", "ts"], 0],
  [["completions", "bash"], 0],
];

it(
  "is as the schema says, of every command",
  async () => {
    // The first sending of every row is refused, so that there is something to ask again.
    const here = (emulator = await emulated({ faults: { refuseRows: 1 } }));
    const cwd = folder({ "in.csv": ROWS });
    const tried = new Set<string>();
    let batch = "";
    for (const [line, exit] of LINES) {
      const words = [...line.map((word) => (word === "BATCH" ? batch : word)), "--json"];
      if (line[0] === "classify" || line[0] === "retry") here.setFaults({});
      // Held to the schema on the way.
      const { code, stdout, stderr } = await cli(cwd, words, pointedAt(here));
      expect(code, `${words.join(" ")}: ${stderr}`).toBe(exit);
      expect(stdout).not.toBe("");
      batch = /"batch": "([^"]+)"/.exec(stdout)?.[1] ?? batch;
      tried.add(definitionOf(words));
    }
    const commands = describedProgram().map(({ words }) => words.replaceAll(" ", "-"));
    // Tried below, in review.test.ts and in test/machines/cli.test.ts; a worker's output is its log.
    const reviews = ["review-export", "review-import"];
    const elsewhere = ["batches-cancel", "emulate", "migrate", "ui", "worker", ...reviews];
    expect([...tried, ...elsewhere].toSorted()).toEqual(commands.toSorted());
    expect(Object.keys(schema.definitions)).toEqual(
      expect.arrayContaining(commands.filter((words) => words !== "worker")),
    );
  },
  LONGEST_MS,
);

it(
  "is as the schema says while a run goes on, and where one is stopped",
  async () => {
    const here = (emulator = await emulated({ runMs: 3_600_000 }));
    const cwd = folder({ "in.csv": ROWS });
    const env = pointedAt(here);
    const events = [...LABEL, "--progress", "json", "--json", "-o", "out.csv"];
    const running = start(cwd, ["run", "in.csv", ...events], env);
    await expect.poll(() => here.stats().batchesCreated, { timeout: LONGEST_MS }).toBe(1);
    running.child.kill("SIGINT");
    const { code, stderr } = await running.ended;
    expect(code).toBe(130);
    const kinds = stderr
      .trim()
      .split("\n")
      .map((text) => (JSON.parse(text) as { event: string }).event);
    expect(kinds).toEqual(expect.arrayContaining(["open", "progress", "batch", "message"]));
    const pending = await cli(cwd, ["collect", "--json"], env);
    expect([pending.code, wrongWith("PendingOutput", JSON.parse(pending.stdout))]).toEqual([
      75,
      null,
    ]);
    const { stdout } = await cli(cwd, ["batches", "list", "-m", "openai", "--json"], env);
    const id = /"batch": "([^"]+)"/.exec(stdout)?.[1] ?? "";
    expect((await cli(cwd, ["batches", "cancel", id, "-m", "openai", "--json"], env)).code).toBe(0);
    const cancelled = await cli(cwd, ["cancel", ...ASK.slice(3, 5), "--progress", "json"], env);
    expect([cancelled.code, cancelled.stderr]).toEqual([3, expect.stringContaining('"receipt"')]);
  },
  LONGEST_MS,
);

it.each(["emulate", "ui"])("is as the schema says of what %s serves", async (command) => {
  const running = start(folder(), [command, "--port", "0", "--json"]);
  await running.printed("}");
  running.child.kill("SIGINT");
  expect((await running.ended).code).toBe(0);
});

it(
  "has a schema that says nothing else than the types",
  async () => {
    expect(readFileSync(schemaPath, "utf8")).toBe(await jsonSchema());
  },
  LONGEST_MS,
);

it("is refused with a member that the schema does not tell of, or without one that it does", () => {
  expect(wrongWith("rm", { schemaVersion: 1, removed: ["r"] })).toBeNull();
  expect(wrongWith("rm", { schemaVersion: 1, removed: ["r"], more: 1 })).toContain("additional");
  expect(wrongWith("rm", { schemaVersion: 1 })).toContain("removed");
  expect(wrongWith("event-message", { schemaVersion: 1, event: "message" })).toContain("text");
});
