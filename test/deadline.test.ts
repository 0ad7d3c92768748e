import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { handOverAtMs, makesIt, realtimePerSecond } from "../src/core/deadline.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../src/emulator/emulator.ts";
import { enrichColumn, type EnrichOptions } from "../src/enrich.ts";
import { readSqliteRun } from "../src/store/sqlite-reader.ts";
import type { OutputOption } from "../src/output/form.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "deadline-"));
});
afterEach(async () => {
  await emulator.close();
});

async function start(options: EmulatorOptions): Promise<void> {
  emulator = await startEmulator({ seed: 6, ...options });
}

const TEXTS = Array.from({ length: 24 }, (_, at) => `text ${String(at)}`);
const prices = { "gpt-test": { inputPerM: 1_000_000, outputPerM: 1_000_000 } };

function ask(options: EnrichOptions<"answer", OutputOption>) {
  const { url: baseUrl } = emulator;
  const model = { provider: "openai", model: "gpt-test", baseUrl, apiKey: "k" } as const;
  const warnings: string[] = [];
  const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model, {
    ...{ column: "answer", runDir: folder, pollEveryMs: 10, lane: "batch", prices },
    ...options,
  });
  run.on("warning", ({ code }) => warnings.push(code));
  return { run, warnings };
}

const answers = (frame: { getColumn(name: string): { toArray(): unknown[] } }): unknown[] =>
  frame.getColumn("answer").toArray();

/** How often each row was billed. */
const billed = (): readonly number[] =>
  TEXTS.map((content) =>
    emulator.executions({ body: { model: "gpt-test", messages: [{ role: "user", content }] } }),
  );

describe("a deadline", () => {
  it("ends a run with stuck batches, every row answered and paid for once", async () => {
    await start({ faults: { stuck: 1 } });
    const { run, warnings } = ask({ deadlineMs: 5000, chunkRows: 10 });
    expect(answers(await run)).toEqual(TEXTS);
    expect(warnings).toContain("deadline_near");
    expect(billed()).toEqual(TEXTS.map(() => 1));
    const { lanes, paidTwice, batches } = await run.report();
    expect(lanes?.realtime?.answered).toBe(24);
    // Whether a batch that did nothing will be charged is not known, so its rows are named.
    expect(paidTwice).toMatchObject({ requests: 24, count: 24, rows: TEXTS.map((_, at) => at) });
    expect(batches).toEqual(expect.arrayContaining([...(paidTwice?.batches ?? ["none"])]));
  });

  it.each(["openai", "anthropic"] as const)(
    "is kept though a batch of %s never ends being cancelled, and names its rows",
    async (provider) => {
      await start({ cancellingMs: 3_600_000, faults: { stuck: 1 } });
      const model = { provider, model: "gpt-test", baseUrl: emulator.urls[provider], apiKey: "k" };
      const warnings: string[] = [];
      const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model, {
        ...{ column: "answer", runDir: folder, pollEveryMs: 10, lane: "batch", maxTokens: 50 },
        ...{ deadlineMs: 6000, chunkRows: 12 },
      });
      run.on("warning", ({ code }) => warnings.push(code));
      expect(answers(await run)).toEqual(TEXTS);
      expect(warnings.filter((code) => code === "cancel_unended")).toHaveLength(2);
      const { paidTwice, lanes } = await run.report();
      expect(lanes?.realtime?.answered).toBe(24);
      expect(paidTwice).toMatchObject({ requests: 24, count: 24 });
      expect(paidTwice?.batches).toHaveLength(2);
    },
    60_000,
  );

  it.each([true, false])(
    "keeps what a slow batch had done (delivered: %s), and pays twice for named rows only",
    async (cancelKeeps) => {
      await start({ runMs: 60_000, concurrency: 1, faults: { cancelKeeps } });
      const { run } = ask({ deadlineMs: 8000 });
      const frame = await run;
      expect(answers(frame)).toEqual(TEXTS);
      const { paidTwice, lanes } = await run.report();
      const twice = billed().flatMap((times, row) => (times > 1 ? [row] : []));
      for (const row of twice) expect(paidTwice?.rows).toContain(row);
      if (cancelKeeps) expect(twice).toEqual([]);
      expect((lanes?.batch?.answered ?? 0) + (lanes?.realtime?.answered ?? 0)).toBe(24);
      expect(lanes?.realtime?.answered).toBe(paidTwice?.requests);
    },
    30_000,
  );

  it("sends nothing in batches that could not make it from the start", async () => {
    await start({ faults: { stuck: 1 } });
    const { run } = ask({ deadlineMs: 10 });
    expect(answers(await run)).toEqual(TEXTS);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, liveCalls: 24 });
    expect(await run.report()).not.toHaveProperty("paidTwice");
  });

  it("asks in realtime what turns out never to have become a batch", async () => {
    const isLost = { routes: ["POST /batches"], count: 1 };
    await start({ faults: { dropConnection: isLost } });
    const { url: baseUrl } = emulator;
    const model = { provider: "openai", model: "gpt-test", baseUrl, apiKey: "k", settleMs: 3000 };
    const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model, {
      ...{ column: "answer", runDir: folder, pollEveryMs: 10, lane: "batch", deadlineMs: 5000 },
    });
    expect(answers(await run)).toEqual(TEXTS);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, liveCalls: 24 });
  });

  it("is nearer where few calls may be under way at once", async () => {
    await start({ faults: { stuck: 1 } });
    // At the usual pace three seconds are enough; one by one the calls may take forty.
    const { run } = ask({ deadlineMs: 20_000, concurrency: 1 });
    expect(answers(await run)).toEqual(TEXTS);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, liveCalls: 24 });
  });

  it("is nearer where few tokens may be asked a minute", async () => {
    await start({ faults: { stuck: 1 } });
    // At the usual pace three seconds are enough; a hundred tokens a second and some hundred a request take longer.
    const options = { deadlineMs: 20_000, tokensPerMinute: 6000, concurrency: 16 };
    const { run } = ask(options);
    expect(await run.plan()).toMatchObject({ lane: "batch" });
    run.start();
    await expect.poll(() => emulator.stats().liveCalls, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(emulator.stats().batchesCreated).toBe(0);
    await run.detach();
  });

  it("leaves batches alone that make it", async () => {
    await start({});
    const { run, warnings } = ask({ deadlineMs: 60_000 });
    expect(answers(await run)).toEqual(TEXTS);
    expect(warnings).toEqual([]);
    const receipt = await run.report();
    expect(receipt.lanes).toMatchObject({ batch: { answered: 24 } });
    expect(receipt.lanes).not.toHaveProperty("realtime");
    expect(receipt).not.toHaveProperty("paidTwice");
  });

  it("is kept with the run, whoever goes on with it and whatever he says", async () => {
    await start({ faults: { stuck: 1 } });
    const first = ask({ deadlineMs: 5000 }).run;
    const opened = Promise.withResolvers<string>();
    first.on("open", ({ directory }) => {
      opened.resolve(directory);
    });
    first.start();
    const directory = await opened.promise;
    while (readSqliteRun(directory).chunks[0]?.state !== "submitted")
      await new Promise((resolve) => setTimeout(resolve, 2));
    const { deadline } = readSqliteRun(directory).run;
    await first.detach();
    const { run } = ask({ deadlineMs: 3_600_000 });
    expect(answers(await run)).toEqual(TEXTS);
    expect(readSqliteRun(directory).run.deadline).toEqual({ ...deadline, handedOver: true });
    expect(billed()).toEqual(TEXTS.map(() => 1));
  });

  it("is refused where nothing can be asked in realtime", async () => {
    await start({});
    const { openaiProvider } = await import("../src/provider/openai.ts");
    const { live: _live, ...provider } = openaiProvider({ apiKey: "k", baseUrl: emulator.url });
    const model = { provider, model: "gpt-test" };
    const options = { runDir: folder, deadlineMs: 1000 };
    await expect(
      enrichColumn(pl.DataFrame({ text: ["a"] }), "{{ text }}", model, options),
    ).rejects.toMatchObject({ code: "lane_unsupported" });
  });
});

describe("the moment to hand over", () => {
  const deadline = { atMs: 1_000_000, givenMs: 600_000, handedOver: false };

  it("leaves a tenth of the time, and more where more is left to ask", () => {
    expect(handOverAtMs(deadline, 0)).toBe(940_000);
    expect(handOverAtMs(deadline, 1000, 10)).toBe(1_000_000 - 125_000);
    expect(handOverAtMs(deadline, 1000, 1)).toBeLessThan(0);
  });

  it("goes by the bounds that calls were given", () => {
    const usual = { concurrency: 16, requestsPerMinute: null };
    expect(realtimePerSecond(usual)).toBe(10);
    expect(realtimePerSecond({ ...usual, concurrency: 4 })).toBe(2.5);
    expect(realtimePerSecond({ ...usual, requestsPerMinute: 30 })).toBe(0.5);
    expect(realtimePerSecond({ ...usual, requestsPerMinute: 6000 })).toBe(10);
  });

  it("lets batches be that will be done at their own rate, and no others", () => {
    const half = { total: 100, done: 50, sinceMs: 500_000 };
    expect(makesIt(deadline, half, 600_000)).toBe(true);
    expect(makesIt(deadline, half, 900_000)).toBe(false);
    expect(makesIt(deadline, { ...half, done: 0 }, 600_000)).toBe(false);
    expect(makesIt(deadline, { ...half, done: null }, 600_000)).toBe(false);
    expect(makesIt(deadline, { ...half, sinceMs: null }, 600_000)).toBe(false);
  });
});
