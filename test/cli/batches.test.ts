import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, KEY, pointedAt, start } from "./support.ts";

const QUICK = ["--poll", "20ms"];
let emulator: Emulator;

afterEach(async () => {
  await emulator.close();
});

const line = (id: string, content: string): string =>
  JSON.stringify({
    custom_id: id,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "m", messages: [{ role: "user", content }] },
  });

async function standing(options: Parameters<typeof emulated>[0] = {}) {
  emulator = await emulated(options);
  const cwd = folder({ "in.jsonl": [line("a", "first"), line("b", "second"), ""].join("\n") });
  const env = pointedAt(emulator);
  const batches = (...words: string[]) => cli(cwd, ["batches", ...words, "-m", "openai"], env);
  const submitted = async (): Promise<string> =>
    (await batches("submit", "in.jsonl", "-q")).stdout.trim();
  return { cwd, env, batches, submitted };
}

describe("batches", () => {
  it("submit, wait, results: each knows the batch by its id alone", async () => {
    const { batches } = await standing();
    const sent = await batches("submit", "in.jsonl");
    expect([sent.code, sent.stdout]).toEqual([0, expect.stringMatching(/^batch_\w+\n$/)]);
    expect(sent.stderr).toContain("batches wait");
    const id = sent.stdout.trim();
    const waited = await batches("wait", id, ...QUICK, "--json");
    expect(waited.code).toBe(0);
    expect(JSON.parse(waited.stdout)).toEqual({
      schemaVersion: 1,
      batch: id,
      phase: "ended",
      outcome: "completed",
      reason: null,
    });
    const results = await batches("results", id, "-q");
    const byId = results.stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as { customId: string });
    expect(byId.toSorted((x, y) => (x.customId < y.customId ? -1 : 1))).toMatchObject([
      { status: "succeeded", customId: "a", text: "first", toolCalls: [], embedding: null },
      { status: "succeeded", customId: "b", text: "second" },
    ]);
    expect(results.code).toBe(0);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("results into a file: as results, or as the provider's own lines", async () => {
    const { batches, cwd, submitted } = await standing();
    const id = await submitted();
    await batches("wait", id, ...QUICK);
    const saved = await batches("results", id, "-o", "out.jsonl", "--json");
    expect(JSON.parse(saved.stdout)).toMatchObject({ batch: id, replyCount: 2, succeededCount: 2 });
    const read = (name: string): readonly object[] =>
      readFileSync(join(cwd, name), "utf8")
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text) as object);
    expect(read("out.jsonl")[0]).toHaveProperty("customId");
    await batches("results", id, "-o", "raw.jsonl", "--raw");
    expect(read("raw.jsonl")[0]).toHaveProperty("response.body.choices");
    const printed = await batches("results", id, "--raw", "-q");
    expect(printed.stdout).toBe(readFileSync(join(cwd, "raw.jsonl"), "utf8"));
  });

  it("give 3 where a request has no answer, and 75 while the batch has not ended", async () => {
    const { batches, submitted } = await standing({
      faults: { refuseRows: { customIds: ["b"] }, stuck: { count: 1 } },
    });
    const id = await submitted();
    await expect
      .poll(() => emulator.stats().batches["in_progress"] ?? 0, { timeout: 20_000 })
      .toBe(1);
    const early = await batches("results", id);
    expect([early.code, early.stdout]).toEqual([75, ""]);
    expect(early.stderr).toContain(`batches wait ${id}`);
    expect(JSON.parse((await batches("status", id, "--json")).stdout)).toMatchObject({
      batch: id,
      phase: "running",
    });
    emulator.release();
    await batches("wait", id, ...QUICK);
    const whole = await batches("results", id);
    expect(whole.code).toBe(3);
    expect(whole.stdout).toContain('"code":"refused"');
  });

  it("cancel stops a batch, and remove waits for that", async () => {
    const { batches, submitted } = await standing({ faults: { stuck: { count: 1 } } });
    const stuck = await submitted();
    const kept = await batches("remove", stuck);
    expect(kept.code).toBe(2);
    expect(kept.stderr).toContain("batches cancel");
    expect((await batches("cancel", stuck)).code).toBe(0);
    const ended = await batches("wait", stuck, ...QUICK);
    expect([ended.code, ended.stderr]).toEqual([3, expect.stringContaining("cancelled")]);
  });

  it("list shows the newest first, as many as asked for; remove takes one away", async () => {
    const { batches, submitted } = await standing();
    expect((await batches("list")).stderr).toContain("no batches");
    const ids = [await submitted(), await submitted()];
    for (const id of ids) await batches("wait", id, ...QUICK);
    const listed = JSON.parse((await batches("list", "--json")).stdout) as {
      batches: readonly { batch: string; isOpen: boolean }[];
    };
    expect(listed.batches.map(({ batch }) => batch).toSorted()).toEqual(ids.toSorted());
    expect((await batches("list", "--limit", "1")).stderr).toContain("older ones");
    const [first = ""] = ids;
    expect((await batches("remove", first)).code).toBe(0);
    expect((await batches("results", first)).code).toBe(1);
  });

  it("stop waiting at Ctrl-C and leave the batch to itself", async () => {
    const { cwd, env, submitted, batches } = await standing({ faults: { stuck: { rate: 1 } } });
    const id = await submitted();
    const waiting = start(cwd, ["batches", "wait", id, "-m", "openai", ...QUICK], env);
    await new Promise((resolve) => waiting.child.stderr.once("data", resolve));
    waiting.child.kill("SIGINT");
    expect((await waiting.ended).code).toBe(130);
    expect((await batches("status", id)).stderr).not.toContain("cancel");
  });

  it("refuse a file that cannot be sent, a name that is none, and a missing key, and say no key", async () => {
    const { cwd, env, batches } = await standing();
    expect((await batches("submit", "none.jsonl")).code).toBe(2);
    const unnamed = await cli(cwd, ["batches", "list"], env);
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining("--model")]);
    const unknown = await cli(cwd, ["batches", "list", "-m", "opnai"], env);
    expect(unknown.code).toBe(2);
    const keyless = await cli(cwd, ["batches", "list", "-m", "anthropic"], env);
    expect(keyless.code).toBe(4);
    emulator.setFaults({ error500: { routes: ["GET /batches"] } });
    const broken = await batches("list");
    expect(broken.code).toBe(1);
    expect(broken.stderr).not.toContain(KEY);
  });

  it("take a model that one provider alone has, and the name from the environment", async () => {
    const { cwd, env } = await standing();
    for (const name of ["gpt-5-mini", "openai/gpt-5-mini", "openai"]) {
      const listed = await cli(cwd, ["batches", "list"], { ...env, BATCHFRAME_MODEL: name });
      expect([name, listed.code]).toEqual([name, 0]);
    }
  });
});
