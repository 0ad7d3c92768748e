import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl, { type DataFrame } from "nodejs-polars";
import { afterEach, describe, expect, it } from "vitest";
import type { ModelSpec } from "../../src/index.ts";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import { enrichColumn, type EnrichOptions, type OutputOption } from "../../src/index.ts";

// Faults by which the emulator refuses requests are about rows; keys and models are its settings.
const KEY = "right-key";
let emulator: Emulator;

afterEach(async () => {
  await emulator.close();
});

async function modelAt(options: EmulatorOptions = {}, apiKey = KEY): Promise<ModelSpec> {
  emulator = await startEmulator({ seed: 3, apiKeys: [KEY], ...options });
  return { provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey };
}

const rows = (count: number): DataFrame =>
  pl.DataFrame({ n: pl.Series("n", [...Array(count).keys()].map(String), pl.String) });

const here = (
  more: EnrichOptions<string, OutputOption> = {},
): EnrichOptions<string, OutputOption> => ({
  pollEveryMs: 10,
  runDir: mkdtempSync(join(tmpdir(), "first-")),
  ...more,
});

describe("the first request of a large run", () => {
  it.each([
    ["no lane is chosen", {}],
    ["the lane is auto", { lane: "auto" }],
  ] as const)("is asked before anything is uploaded where %s, and counts", async (_when, how) => {
    const model = await modelAt();
    const run = enrichColumn(rows(250), "say {{ n }}", model, here(how));
    expect(await run.plan()).toMatchObject({ lane: "batch", canary: true, chunks: 2 });
    const result = await run;
    expect(result.getColumn("enriched").toArray()).toEqual(
      [...Array(250).keys()].map((n) => `say ${String(n)}`),
    );
    expect(emulator.stats()).toMatchObject({
      liveCalls: 1,
      batchesCreated: 1,
      rowsExecuted: 249,
      distinctBodies: 250,
      bodiesBilledAgain: 0,
    });
    const calls = emulator.requests().map(({ path }) => path);
    expect(calls[0]).toMatch(/\/chat\/completions$/);
  });

  it.each([
    ["a wrong key", { apiKey: "wrong" }, "provider_auth"],
    ["a model nobody has", { emulator: { models: ["another"] } }, "first_request_refused"],
  ] as const)("ends a run with %s before anything is uploaded", async (_what, how, code) => {
    const options = "emulator" in how ? { models: [...how.emulator.models] } : {};
    const model = await modelAt(options, "apiKey" in how ? how.apiKey : KEY);
    const run = enrichColumn(rows(250), "{{ n }}", model, here());
    await expect(run.report()).rejects.toMatchObject({
      code,
      message: expect.stringContaining("the first of 250 requests, asked alone") as string,
    });
    expect(emulator.stats()).toMatchObject({ uploads: 0, batchesCreated: 0, rowsExecuted: 0 });
  });

  it("ends a run whose setting the model refuses, which the same call then goes on with", async () => {
    const refusal = {
      error: {
        status: 400,
        body: {
          error: { message: "Unsupported value: 'temperature'.", code: "unsupported_value" },
        },
      },
    };
    const model = await modelAt({ answer: table((text) => (text === "0" ? refusal : "fine")) });
    const options = here();
    const refused = enrichColumn(rows(250), "{{ n }}", model, options);
    await expect(refused.report()).rejects.toMatchObject({
      code: "first_request_refused",
      message: expect.stringContaining("Unsupported value") as string,
    });
    expect(emulator.stats()).toMatchObject({ uploads: 0, batchesCreated: 0 });
    const goneOn = await enrichColumn(rows(250), "{{ n }}", model, options).report();
    expect(goneOn.rows).toMatchObject({ ok: 249, failed: 1 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, rowsExecuted: 249 });
    const asked = emulator.requests().filter(({ path }) => path.endsWith("/chat/completions"));
    expect(asked).toHaveLength(1);
  });

  it("does not stop for an answer that only this row makes unusable", async () => {
    const model = await modelAt({
      answer: table((text) => (text === "0" ? { content: "", finishReason: "length" } : "fine")),
    });
    const receipt = await enrichColumn(rows(250), "{{ n }}", model, here({ retries: 0 })).report();
    expect(receipt.rows).toMatchObject({ total: 250, ok: 249, failed: 1 });
  });

  it.each([
    ["there are few", 150, {}],
    ["batches are asked for outright", 250, { lane: "batch" }],
  ] as const)("is one like the others where %s", async (_when, count, how) => {
    const model = await modelAt();
    const plan = await enrichColumn(rows(count), "{{ n }}", model, here(how)).plan();
    expect(plan).toMatchObject({ requests: count, chunks: 1 });
    expect(plan.canary).toBeUndefined();
  });
});

describe("maxFailures", () => {
  const bad = {
    error: { status: 400, body: { error: { message: "no such thing", code: "bad" } } },
  };

  it("stops sending once more requests have failed, says why, and can be gone on with", async () => {
    const model = await modelAt({ answer: table(() => bad) });
    const options = here({ lane: "batch", chunkRows: 20, maxFailures: 10 });
    // One batch at a time, so that the rest is still unsent when the first has failed.
    const limited = { ...options, name: "limited" };
    const run = enrichColumn(rows(400), "{{ n }}", model, limited);
    await expect(run.report()).rejects.toMatchObject({
      name: "BudgetError",
      code: "too_many_failures",
      message: expect.stringMatching(
        /\d+ of 400 requests failed, more than the 10 that may; \d+ of them alike: invalid_input: .*no such thing.* were not asked/,
      ) as string,
      hint: expect.stringContaining("batchframe failures limited") as string,
    });
    const asked = emulator.stats().rowsFailed;
    expect(asked).toBeLessThan(400);
    const goneOn = await enrichColumn(rows(400), "{{ n }}", model, {
      ...limited,
      maxFailures: "100%",
    }).report();
    expect(goneOn.rows).toMatchObject({ failed: 400 });
    expect(emulator.stats().rowsFailed).toBe(400);
  });

  it("lets a run end in which no more fail", async () => {
    const model = await modelAt({ answer: table((text) => (text === "7" ? bad : "fine")) });
    const options = here({ lane: "batch", chunkRows: 5, maxFailures: "5%" });
    const receipt = await enrichColumn(rows(20), "{{ n }}", model, options).report();
    expect(receipt.rows).toMatchObject({ ok: 19, failed: 1 });
  });

  it.each([-1, 1.5, "101%", "x%", Number.NaN])("refuses %s before anything is read", (wrong) => {
    expect(() =>
      enrichColumn(rows(1), "{{ n }}", "openai/x", { maxFailures: wrong as number }),
    ).toThrow(/maxFailures must be/);
  });
});

describe("the first failures of a run", () => {
  const refusal = (message: string) => ({ error: { status: 400, body: { error: { message } } } });
  const alike = (row: string): ReturnType<typeof refusal> =>
    refusal(`Unsupported value in request req_${row}f00: 'temperature' (row ${row}).`);
  // Refused calls are billed to nobody, so they are counted by what came in.
  const asked = (): number =>
    emulator.requests().filter(({ path }) => path.endsWith("/chat/completions")).length;

  it("that are alike end it in realtime, soon and resumable, though nobody set a limit", async () => {
    const model = await modelAt({ answer: table((text) => alike(text)) });
    const options = here({ lane: "realtime", concurrency: 8, name: "alike" });
    const run = enrichColumn(rows(500), "{{ n }}", model, options);
    await expect(run.report()).rejects.toMatchObject({
      name: "BudgetError",
      code: "too_many_failures",
      message: expect.stringMatching(
        /^\d+ of 500 requests failed before any was answered, \d+ of them alike: invalid_input: .*Unsupported value.*The other \d+ were not asked/,
      ) as string,
    });
    // Twenty, and what was under way besides.
    const first = asked();
    expect([first >= 20, first <= 20 + 8]).toEqual([true, true]);
    const partial = run.partial()?.receipt.rows;
    expect(partial).toMatchObject({ total: 500, failed: first, skipped: 500 - first });

    // Who starts it again wants to go on: as many are tried once more, and none of them twice.
    await expect(enrichColumn(rows(500), "{{ n }}", model, options).report()).rejects.toMatchObject(
      { code: "too_many_failures" },
    );
    const second = asked() - first;
    expect([second >= 20, second <= 20 + 8]).toEqual([true, true]);
    // An explicit limit wins, also over what was left before.
    const all = await enrichColumn(rows(500), "{{ n }}", model, {
      ...options,
      maxFailures: "100%",
    }).report();
    expect(all.rows).toMatchObject({ total: 500, failed: 500 });
    expect(asked()).toBe(500);
  });

  it("end it between batches: no further chunk is sent", async () => {
    const model = await modelAt({
      answer: table((text) => alike(text)),
      // Room for one batch at a time.
      limits: { enqueuedTokens: 130 },
    });
    const options = here({ lane: "batch", chunkRows: 30, name: "batches" });
    const run = enrichColumn(rows(300), "{{ n }}", model, options);
    await expect(run.report()).rejects.toMatchObject({ code: "too_many_failures" });
    expect(emulator.stats()).toMatchObject({ rowsFailed: 30, rowsExecuted: 0 });
    expect(run.partial()?.receipt.rows).toMatchObject({ failed: 30, skipped: 270 });
  });

  it.each<[string, (text: string) => ReturnType<typeof refusal> | string]>([
    ["one was answered", (text) => (text === "3" ? "fine" : alike(text))],
    ["they are of many kinds", (text) => refusal("abcdefghij"[Number(text) % 10]?.repeat(9) ?? "")],
  ])("let it go on where %s", async (_where, answer) => {
    const model = await modelAt({ answer: table(answer) });
    for (const lane of ["realtime", "batch"] as const) {
      const paced = lane === "realtime" ? { concurrency: 2 } : {};
      const options = here({ lane, chunkRows: 30, cache: false, ...paced });
      const receipt = await enrichColumn(rows(90), "{{ n }}", model, options).report();
      expect(receipt.rows.total).toBe(90);
      expect(receipt.rows.failed).toBeGreaterThan(85);
    }
  });

  it("stop a limited run in the middle of a chunk", async () => {
    const model = await modelAt({
      answer: table((text) => (Number(text) % 2 === 0 ? alike(text) : "fine")),
    });
    const options = here({ lane: "realtime", concurrency: 4, maxFailures: 5 });
    await expect(enrichColumn(rows(400), "{{ n }}", model, options).report()).rejects.toMatchObject(
      { code: "too_many_failures" },
    );
    expect(asked()).toBeLessThan(40);
  });
});
