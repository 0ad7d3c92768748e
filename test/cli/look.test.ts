import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  cli,
  emulated,
  folder,
  inner,
  KEY,
  manyRows,
  pointedAt,
  REVIEWS,
  runsIn,
} from "./support.ts";

const FREE = ["classify", "in.csv", "--text", "review", "--labels", "good,bad", "-q"];

describe("ls", () => {
  it("says that there are no runs", async () => {
    const ended = await cli(folder(), ["ls"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toBe("There are no runs in .batchframe.\n");
  });

  it("lists the newest first, and names what cannot be read", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    await cli(cwd, [...FREE, "--name", "older"]);
    await cli(cwd, [...FREE, "--name", "newer", "-c", "other"]);
    writeFileSync(join(inner(join(cwd, ".batchframe"), "broken"), "run.sqlite"), "not a database");
    const told = await cli(cwd, ["ls"]);
    expect(told).toMatchObject({ code: 0, stdout: "" });
    expect(told.stderr).toMatch(/newer +finished +5 +3 +3 +0 [^]*older +finished/);
    expect(told.stderr).toContain("unreadable: broken:");
    const listed = JSON.parse((await cli(cwd, ["ls", "--json", "-q"])).stdout) as {
      runs: { run: string }[];
    };
    expect(listed).toMatchObject({ schemaVersion: 1, unreadable: [{ run: "broken" }] });
    expect(listed.runs.map(({ run }) => run)).toEqual(["newer", "older"]);
  });
});

describe("status", () => {
  it("shows one run and its chunks, by the beginning of its name", async () => {
    const emulator = await emulated();
    const cwd = folder({ "in.csv": manyRows(1050) });
    const words = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes"];
    const more = [
      "--poll",
      "20ms",
      "--lane",
      "batch",
      "--chunk-rows",
      "50",
      "--name",
      "many",
      "-q",
    ];
    await cli(cwd, [...words, ...more], pointedAt(emulator));
    const ended = await cli(cwd, ["status", "ma"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain("1,050 answered · 0 failed · 0 open");
    expect(ended.stderr).toContain("… and 1 more chunk");
    expect(ended.stderr).not.toContain("batchframe resume");
    await emulator.close();
  });

  it("tells the lane of a run, and its deadline", async () => {
    const emulator = await emulated({ faults: { stuck: 1 } });
    const cwd = folder({ "in.csv": REVIEWS });
    const words = ["run", "in.csv", "-p", "{{ review }}", "-m", "openai/x", "--yes", "-q"];
    const env = pointedAt(emulator);
    await cli(cwd, [...words, "--poll", "20ms", "--deadline", "10ms"], env);
    const late = await cli(cwd, ["status", "--json"]);
    expect(late.stderr).toMatch(/lane +realtime\n/);
    expect(late.stderr).toMatch(/deadline +\d{4}-.*goes in\s+realtime/);
    expect(JSON.parse(late.stdout)).toMatchObject({
      lanes: ["realtime"],
      deadline: { handedOver: true },
      batches: [{ lane: "realtime" }],
    });
    await emulator.close();
  });

  it("refuses a name that no run has", async () => {
    const ended = await cli(folder(), ["status", "none"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain('no run "none"');
  });

  it("looks where it is told", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    await cli(cwd, [...FREE, "--run-dir", "elsewhere"]);
    expect(runsIn(cwd)).toEqual([]);
    expect((await cli(cwd, ["status", "--run-dir", "elsewhere"])).code).toBe(0);
    expect((await cli(cwd, ["status"])).code).toBe(2);
  });
});

describe("doctor", () => {
  it("finds a machine that can run this test ready, and names keys only by name", async () => {
    const ended = await cli(folder(), ["doctor"], { OPENAI_API_KEY: KEY });
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain(process.version);
    expect(ended.stderr).toMatch(/✔ OPENAI_API_KEY +set\n/);
    expect(ended.stderr).toContain("Ready.");
    expect(ended.stderr).not.toContain(KEY);
  });

  it("ends with 1 when what was asked for is missing", async () => {
    const words = ["doctor", "--model", "openai/x", "--base-url", "http://127.0.0.1:9/v1"];
    const ended = await cli(folder(), [...words, "--json"]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("Not ready");
    const { ok, checks } = JSON.parse(ended.stdout) as {
      ok: boolean;
      checks: { name: string; state: string }[];
    };
    expect(ok).toBe(false);
    const missing = checks.filter(({ state }) => state === "missing").map(({ name }) => name);
    expect(missing).toEqual(["openai/x", "base URL"]);
  });
});

describe("help", () => {
  it("goes to standard output, with the exit codes", async () => {
    const ended = await cli(folder(), ["help"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toContain("130  interrupted");
    const one = await cli(folder(), ["run", "--help"]);
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(one.stdout).toContain("--chunk-rows <n>");
  });

  it("knows the version", async () => {
    const ended = await cli(folder(), ["--version"]);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
