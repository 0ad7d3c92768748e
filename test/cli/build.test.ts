import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, manyRows, pointedAt } from "./support.ts";

const ROWS = 6;
const ASK = ["in.csv", "-p", "say {{ text }}", "-m", "openai/x", "--name", "r"];

let emulator: Emulator;

afterEach(async () => {
  await emulator.close();
});

async function standing(files: Readonly<Record<string, string>> = {}) {
  emulator = await emulated();
  const cwd = folder({ "in.csv": manyRows(ROWS), ...files });
  const batchframe = (...words: string[]) => cli(cwd, words, pointedAt(emulator));
  return { cwd, batchframe, path: (name: string) => join(cwd, name) };
}

interface Line {
  readonly custom_id: string;
  readonly body: { readonly model: string };
}

const linesOf = (text: string): readonly Line[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const posts = (): number => emulator.requests().filter(({ method }) => method === "POST").length;

describe("build", () => {
  it("prints the requests on standard output, all else on standard error, and sends nothing", async () => {
    const { batchframe, cwd } = await standing();
    const built = await batchframe("build", ...ASK);
    expect(built).toMatchObject({ code: 0 });
    const lines = linesOf(built.stdout);
    expect(lines.map(({ body }) => body.model)).toEqual(Array.from({ length: ROWS }, () => "x"));
    expect(new Set(lines.map((line) => line.custom_id)).size).toBe(ROWS);
    expect(built.stderr).toContain("run r");
    expect(built.stderr).toContain("batchframe collect r --batch-id ID");
    expect(posts()).toBe(0);
    expect(existsSync(join(cwd, "in.enriched.csv"))).toBe(false);
    // The same command gives the same requests.
    expect((await batchframe("build", ...ASK)).stdout).toBe(built.stdout);
  });

  it("writes one file, whose batch the run collects by its id", async () => {
    const { batchframe, path } = await standing();
    const built = await batchframe("build", ...ASK, "-o", "requests.jsonl", "--json");
    const told = JSON.parse(built.stdout) as { run: string; files: readonly object[] };
    expect(told).toMatchObject({
      run: "r",
      files: [{ chunk: 1, path: "requests.jsonl", requests: ROWS }],
    });
    expect(linesOf(readFileSync(path("requests.jsonl"), "utf8"))).toHaveLength(ROWS);
    const submitted = await batchframe("batches", "submit", "requests.jsonl", "-m", "openai");
    expect(submitted.code).toBe(0);
    const id = submitted.stdout.trim();
    expect((await batchframe("batches", "wait", id, "-m", "openai", "--poll", "20ms")).code).toBe(
      0,
    );
    const collected = await batchframe("collect", "r", "--batch-id", id, "-o", "out.csv", "--json");
    expect(collected.code).toBe(0);
    expect(JSON.parse(collected.stdout)).toMatchObject({ rows: { total: ROWS, ok: ROWS } });
    expect(readFileSync(path("out.csv"), "utf8")).toContain(
      "1,text number 1,say text number 1,ok,",
    );
    expect(emulator.stats().rowsExecuted).toBe(ROWS);
  });

  it("writes a file for each chunk into a folder, and takes their replies back by themselves", async () => {
    const { batchframe, path } = await standing();
    const refused = await batchframe("build", ...ASK, "--chunk-rows", "4", "-o", "one.jsonl");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("-o DIR/");
    expect(existsSync(path("one.jsonl"))).toBe(false);
    const built = await batchframe("build", ...ASK, "--chunk-rows", "4", "-o", "parts/");
    expect(built.code).toBe(0);
    expect(readdirSync(path("parts"))).toEqual(["r-000001.jsonl", "r-000002.jsonl"]);
    for (const [part, code] of [
      ["r-000002", 75],
      ["r-000001", 0],
    ] as const) {
      const id = (
        await batchframe("batches", "submit", `parts/${part}.jsonl`, "-m", "openai", "-q")
      ).stdout;
      await batchframe("batches", "wait", id.trim(), "-m", "openai", "--poll", "20ms");
      const raw = ["--raw", "-o", "replies.jsonl"];
      const saved = await batchframe("batches", "results", id.trim(), "-m", "openai", ...raw);
      expect(saved.code).toBe(0);
      const collected = await batchframe("collect", "r", "--results", "replies.jsonl");
      expect(collected.code).toBe(code);
      if (code === 75) expect(collected.stderr).toContain("4 requests wait to be sent");
    }
    expect(emulator.stats()).toMatchObject({ rowsExecuted: ROWS, bodiesBilledAgain: 0 });
  });

  it("has nothing to write for a run whose chunks are all sent", async () => {
    const { batchframe } = await standing();
    await batchframe("run", ...ASK, "--yes", "--poll", "20ms");
    const built = await batchframe("build", ...ASK, "-o", "requests.jsonl");
    expect(built.code).toBe(2);
    expect(built.stderr).toContain("No chunk of run r waits to be sent");
  });

  it("refuses what it cannot do: no prompt, a folder that is not there, two things on one stream", async () => {
    const { batchframe } = await standing();
    expect((await batchframe("build", "in.csv", "-m", "openai/x")).stderr).toContain("no prompt");
    expect((await batchframe("build", ...ASK, "-o", "no/such/file")).code).toBe(2);
    const both = await batchframe("build", ...ASK, "--json");
    expect(both.code).toBe(2);
    expect(JSON.parse(both.stdout)).toMatchObject({ error: { code: "option_invalid" } });
  });
});

describe("collect", () => {
  it("sends nothing of a run that nobody has agreed to", async () => {
    const { batchframe } = await standing();
    await batchframe("build", ...ASK, "-q");
    const collected = await batchframe("collect", "r");
    expect(collected.code).toBe(75);
    expect(collected.stderr).toContain(`${String(ROWS)} requests wait to be sent`);
    expect(posts()).toBe(0);
    // Going on asks, since collecting agreed to nothing.
    expect((await batchframe("resume", "r")).code).toBe(2);
    expect(posts()).toBe(0);
    expect((await batchframe("collect", "r", "--yes")).code).not.toBe(2);
    expect(posts()).toBeGreaterThan(0);
  });

  it("asks before it sends what is left when one chunk was given", async () => {
    const { batchframe } = await standing();
    await batchframe("build", ...ASK, "--chunk-rows", "4", "-o", "parts/", "-q");
    const id = (await batchframe("batches", "submit", "parts/r-000001.jsonl", "-m", "openai", "-q"))
      .stdout;
    await batchframe("batches", "wait", id.trim(), "-m", "openai", "--poll", "20ms");
    expect((await batchframe("collect", "r", "--batch-id", id.trim())).code).toBe(75);
    const asked = await batchframe("resume", "r");
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain("2 requests");
    expect((await batchframe("resume", "r", "--yes", "--poll", "20ms")).code).toBe(0);
    expect(emulator.stats()).toMatchObject({ rowsExecuted: ROWS, bodiesBilledAgain: 0 });
  });

  it("refuses replies of another run with exit code 2, and keeps the chunk", async () => {
    const { batchframe, cwd } = await standing({ "other.jsonl": '{"custom_id":"a"}\n' });
    await batchframe("build", ...ASK, "-q");
    const refused = await batchframe("collect", "r", "--results", "other.jsonl");
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("none is to a request of this run");
    expect(existsSync(join(cwd, "in.enriched.csv"))).toBe(false);
  });
});
