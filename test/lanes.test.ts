import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../src/emulator/emulator.ts";
import { enrichColumn, type EnrichOptions } from "../src/enrich.ts";
import type { OutputOption } from "../src/output/form.ts";
import type { ModelRef } from "../src/provider/models.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lanes-"));
});
afterEach(async () => {
  await emulator.close();
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 8, ...options });
}

const texts = (count: number, from = 0): readonly string[] =>
  Array.from({ length: count }, (_, at) => `text ${String(from + at)}`);

const prices = { "gpt-test": { inputPerM: 1_000_000, outputPerM: 1_000_000 } };

type Options = EnrichOptions<"answer", OutputOption>;

function ask(
  rows: readonly string[],
  options: Options = {},
  told: Partial<{ apiKey: string }> = {},
) {
  const model = {
    provider: "openai",
    model: "gpt-test",
    baseUrl: emulator.url,
    apiKey: "k",
    ...told,
  } satisfies ModelRef;
  return enrichColumn(pl.DataFrame({ text: [...rows] }), "{{ text }}", model, {
    column: "answer",
    runDir: folder,
    pollEveryMs: 5,
    prices,
    ...options,
  });
}

const answers = (frame: { getColumn(name: string): { toArray(): unknown[] } }): unknown[] =>
  frame.getColumn("answer").toArray();

describe("the realtime lane", () => {
  it("answers every row once, in order, without a batch, at the price of live calls", async () => {
    await start();
    const run = ask(texts(25), { lane: "realtime", meta: ["cost"] });
    expect(await run.plan()).toMatchObject({ lane: "realtime" });
    const frame = await run;
    expect(answers(frame)).toEqual(texts(25));
    const stats = emulator.stats();
    expect(stats).toMatchObject({ batchesCreated: 0, uploads: 0, liveCalls: 25 });
    expect(stats.bodiesBilledAgain).toBe(0);
    const { costUsd, lanes } = await run.report();
    const billed = stats.promptTokensBilled + stats.completionTokensBilled;
    expect(costUsd).toBe(billed);
    expect(lanes).toEqual({ realtime: { answered: 25, costUsd: billed } });
    const costs = frame.getColumn("answer_cost").toArray() as number[];
    expect(costs.reduce((sum, cost) => sum + cost, 0)).toBe(billed);
  });

  it("costs twice what the same rows cost in a batch", async () => {
    await start();
    const realtime = await ask(texts(5), { lane: "realtime", cache: false, name: "a" }).report();
    const batch = await ask(texts(5), { lane: "batch", cache: false, name: "b" }).report();
    expect(realtime.costUsd).toBe(2 * (batch.costUsd ?? 0));
    expect(batch.lanes).toEqual({ batch: { answered: 5, costUsd: batch.costUsd } });
  });

  it("is taken by auto for up to 200 requests, and batches for more", async () => {
    await start();
    expect(await ask(texts(200), { lane: "auto" }).plan()).toMatchObject({ lane: "realtime" });
    const many = ask(texts(201), { lane: "auto" });
    expect(await many.plan()).toMatchObject({ lane: "batch" });
    await many;
    // One request may go ahead of all others, to see whether they can be asked at all.
    const { batchesCreated, rowsExecuted } = emulator.stats();
    expect([batchesCreated, rowsExecuted >= 200]).toEqual([1, true]);
    // What a cache answers is not left to send.
    expect(await ask(texts(300), { lane: "auto" }).plan()).toMatchObject({
      cached: 201,
      lane: "realtime",
    });
  });

  it("counts toward the batch run, and the other way round", async () => {
    await start();
    await ask(texts(20), { lane: "realtime" });
    await ask(texts(50), { lane: "batch" });
    await ask(texts(60), { lane: "realtime" });
    expect(emulator.stats()).toMatchObject({
      liveCalls: 30,
      rowsExecuted: 30,
      bodiesBilledAgain: 0,
    });
  });

  it("decides nothing of what is asked: another lane, chunk size or pace sends nothing again", async () => {
    await start();
    const first = ask(texts(12), { lane: "batch" });
    await first;
    const same: readonly Options[] = [
      { lane: "realtime" },
      { lane: "auto", chunkRows: 5 },
      { lane: "realtime", concurrency: 2, requestsPerMinute: 6000 },
    ];
    for (const options of same) {
      const again = ask(texts(12), options);
      expect((await again.report()).run).toBe((await first.report()).run);
      expect(answers(await again)).toEqual(texts(12));
    }
    const { rowsExecuted, liveCalls } = emulator.stats();
    expect({ rowsExecuted, liveCalls }).toEqual({ rowsExecuted: 12, liveCalls: 0 });
  });

  it("may be changed for what is not sent yet", async () => {
    await start();
    await ask(texts(4), { lane: "batch" }).plan();
    await ask(texts(4), { lane: "realtime" });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, liveCalls: 4 });
  });

  it("is kept by whoever goes on with the run and says nothing of it", async () => {
    await start();
    await ask(texts(4), { lane: "realtime" }).plan();
    await ask(texts(4));
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, liveCalls: 4 });
  });

  it("asks again what was not answered, and takes failed rows up again by retry", async () => {
    await start({ faults: { failRows: { containing: "text 3", status: 400 } } });
    const run = ask(texts(6), { lane: "realtime" });
    expect((await run.report()).rows).toMatchObject({ ok: 5, failed: 1 });
    emulator.setFaults({ invalidJsonRows: 0 });
    expect((await run.retry().report()).rows).toMatchObject({ ok: 6, failed: 0 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 0, bodiesBilledAgain: 0 });
  });

  it("ends with the key's error and loses nothing that was answered", async () => {
    await start({ apiKeys: ["k"] });
    await expect(ask(texts(5), { lane: "realtime" }, { apiKey: "wrong" })).rejects.toMatchObject({
      code: "provider_auth",
    });
    expect(answers(await ask(texts(5), { lane: "realtime" }))).toEqual(texts(5));
    expect(emulator.stats()).toMatchObject({ liveCalls: 5, bodiesBilledAgain: 0 });
  });

  it("is waited for by collect, since nobody else goes on with it", async () => {
    await start({ faults: { delayMs: 20 } });
    const run = ask(texts(3), { lane: "realtime" });
    expect(await run.collect()).toBe(true);
    expect(answers(await run)).toEqual(texts(3));
  });

  it("has bounds that are refused where nothing is asked one by one", async () => {
    await start();
    expect(() => ask(texts(1), { lane: "batch", concurrency: 3 })).toThrow(
      expect.objectContaining({ code: "option_unsupported" }),
    );
    expect(() => ask(texts(1), { lane: "express" as "batch" })).toThrow(
      expect.objectContaining({ code: "lane_unknown" }),
    );
  });
});
