import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { table } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, KEY, pointedAt, REVIEWS, runsIn } from "./support.ts";

const FREE = ["classify", "in.csv", "--text", "review", "--labels", "positive,negative,neutral"];

describe("classify on the free model", () => {
  it("writes the file and tells of every row, and again for nothing", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const first = await cli(cwd, [...FREE, "-c", "sentiment"]);
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toContain("3 requests = 5 rows − 1 blank − 1 duplicate");
    expect(first.stderr).toContain("free · your rows stay on this machine");
    expect(first.stderr).toContain("the default for labels");
    expect(first.stderr).toContain("✔ 5 rows = 4 ok + 1 skipped (blank) + 0 failed");
    expect(first.stderr).toMatch(/positive +2 +50\.0 %/);
    expect(first.stderr).toContain("$0.00, the model runs here");
    expect(first.stderr).toContain("3 columns unchanged + sentiment, sentiment_status");
    const written = readFileSync(join(cwd, "in.enriched.csv"), "utf8");
    expect(written.split("\n").slice(0, 3)).toEqual([
      "id,review,zip,sentiment,sentiment_status,sentiment_error",
      "1,I love it. Wonderful and reliable.,02139,positive,ok,",
      "2,Terrible. It broke on the first day and nobody helps.,00725,negative,ok,",
    ]);

    const second = await cli(cwd, [...FREE, "-c", "sentiment"]);
    expect(second).toMatchObject({ code: 0, stdout: "" });
    expect(second.stderr).toContain("already done. Nothing is sent and nothing is spent");
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toBe(written);
    expect(runsIn(cwd)).toHaveLength(1);
  });

  it("prints nothing with -q, and one object with --json", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const ended = await cli(cwd, [...FREE, "-q", "--json", "-o", "out.csv", "-n", "2"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ended.stdout)).toMatchObject({
      schemaVersion: 1,
      run: runsIn(cwd)[0],
      status: "finished",
      rows: { total: 5, ok: 2, skipped: 3, failed: 0 },
      skippedBy: { limit: 3 },
      failedBy: {},
      labels: { positive: 1, negative: 1, neutral: 0 },
      requests: 2,
      duplicates: 0,
      costUsd: 0,
      output: expect.stringMatching(/out\.csv$/) as string,
    });
  });

  it("shows its prompt, and asks nothing", async () => {
    const cwd = folder({ "in.csv": '"odd | name"\nfine\n' });
    const ended = await cli(cwd, [
      ...FREE.slice(0, 3),
      "odd | name",
      ...FREE.slice(4),
      "--print-prompt",
    ]);
    expect(ended).toMatchObject({ code: 0, stderr: "The prompt of row 1. Nothing was sent.\n" });
    expect(ended.stdout).toMatch(/user:\n\[text (\w+)\]\nfine\n\[\/text \1\]\n/);
  });

  it("never acts out what a cell says to a terminal", async () => {
    const cwd = folder({ "in.csv": "review\n\u001b[2Jgreat\u0007\nbad\n" });
    const ended = await cli(cwd, FREE);
    expect(ended.stderr).toContain("\\x1b[2Jgreat\\x07");
    expect(ended.stderr).not.toContain("\u001b");
  });
});

describe("run through a provider", () => {
  it("sends each prompt once and writes what came back", async () => {
    const asked: unknown[] = [];
    const emulator = await emulated({
      answer: (request) => {
        asked.push(request.body);
        return { content: `read ${String(asked.length > 0)}` };
      },
    });
    const cwd = folder({
      "in.csv": REVIEWS,
      "p.txt": "Say: {{ review }}\n",
      "s.txt": "Be brief.\n",
    });
    const words = ["run", "in.csv", "-p", "@p.txt", "-s", "@s.txt", "-c", "said"];
    const more = [
      "-m",
      "openai/somebodys-model",
      "--base-url",
      emulator.url,
      "--yes",
      "--poll",
      "20ms",
    ];
    const options = ["-O", "temperature=1", "-O", "user=me", "--json"];
    const env = { OPENAI_API_KEY: KEY };
    const ended = await cli(cwd, [...words, ...more, ...options], env);
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ requests: 3, costUsd: null });
    expect(ended.stderr).toContain("rows go to 127.0.0.1");
    expect(ended.stderr).toContain("unknown (no price for openai/somebodys-model)");
    expect(ended.stderr + ended.stdout).not.toContain(KEY);
    expect(asked).toHaveLength(3);
    expect(asked).toContainEqual(
      expect.objectContaining({
        model: "somebodys-model",
        temperature: 1,
        user: "me",
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "Say: Awful, a complete waste of money." },
        ],
      }),
    );
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toContain("07030,,skipped,\n");

    const again = await cli(cwd, [...words, ...more, ...options], env);
    expect(again.code).toBe(0);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, rowsExecuted: 3 });
    await emulator.close();
  });

  it("ends with 3 when rows failed, and says which way", async () => {
    const bad = { error: { status: 400, body: { error: { message: "no", code: "bad" } } } };
    const emulator = await emulated({
      answer: table((text) => (text.includes("Terrible") ? bad : "fine")),
    });
    const cwd = folder({ "in.csv": REVIEWS });
    const words = ["run", "in.csv", "-p", "{{ review }}", "-m", "openai/x", "--yes"];
    const ended = await cli(cwd, [...words, "--poll", "20ms", "--json"], pointedAt(emulator));
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain("! 5 rows = 3 ok + 1 skipped (blank) + 1 failed");
    expect(ended.stderr).toMatch(/failed +1 \w+/);
    const { status, failedBy } = JSON.parse(ended.stdout) as Record<string, object>;
    expect(status).toBe("finished_with_failures");
    expect(Object.values(failedBy ?? {})).toEqual([1]);
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toContain("00725,,failed,");
    await emulator.close();
  });

  it("refuses a name that another run has, with 6", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const named = [...FREE, "--name", "mine"];
    expect((await cli(cwd, named)).code).toBe(0);
    const other = await cli(cwd, [...named, "-c", "another"]);
    expect(other.code).toBe(6);
    expect(other.stderr).toContain('"mine" already');
  });
});

describe("progress where no terminal is", () => {
  it("is a line for each phase, without a single escape sequence", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const { stderr } = await cli(cwd, FREE);
    const phases = stderr.match(
      /^(planning|submitting|validating|running|finalizing|downloading|done)\b/gm,
    );
    expect(phases?.at(-1)).toBe("done");
    expect(new Set(phases).size).toBe(phases?.length);
    expect(stderr).not.toContain("\u001b");
    // Node's own remarks about itself have no place between ours.
    expect(stderr).not.toContain("Warning");
  });

  it("is an object a line for programs, and nothing else on standard error", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const { code, stderr } = await cli(cwd, [...FREE, "--progress", "json"]);
    expect(code).toBe(0);
    const events = stderr
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ event: "open", run: runsIn(cwd)[0], plan: { requests: 3 } });
    expect(events.at(-1)).toMatchObject({ event: "receipt", rows: { total: 5, ok: 4 } });
    const progress = events.filter(({ event }) => event === "progress");
    expect(progress.at(-1)).toMatchObject({
      schemaVersion: 1,
      phase: "done",
      requests: 3,
      answered: 3,
      spentUsd: 0,
    });
    const batches = events.filter(({ event }) => event === "batch");
    expect(batches.at(-1)).toMatchObject({ chunk: 1, phase: "collected", total: 3 });
    const lines = (await cli(cwd, [...FREE, "--progress", "json", "-n", "x"])).stderr;
    expect(JSON.parse(lines)).toMatchObject({ event: "error", code: "usage" });
  });

  it("is left out when it is not wanted", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const { stderr } = await cli(cwd, [...FREE, "--progress", "none"]);
    expect(stderr).not.toMatch(/^(planning|submitting|running|done)\b/m);
    expect(stderr).toContain("✔ 5 rows");
  });

  it("has colours when they are forced, unless they are forbidden", async () => {
    const cwd = folder();
    const forced = { FORCE_COLOR: "1" };
    expect((await cli(cwd, ["status"], forced)).stderr).toContain("\u001b[31merror:");
    expect((await cli(cwd, ["status"], { ...forced, NO_COLOR: "1" })).stderr).not.toContain(
      "\u001b",
    );
    expect((await cli(cwd, ["status", "--no-color"], forced)).stderr).not.toContain("\u001b");
  });
});
