/** Whole runs over Anthropic's protocol, with what goes wrong on the way. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { priceOf } from "../../src/core/price.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import type { OutputOption } from "../../src/output/form.ts";

let folder: string;
let emulator: Emulator;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anthropic-run-"));
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(count: number, options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 2, ...options });
  const rows = Array.from({ length: count }, (_, row) => `${String(row)},text ${String(row)}`);
  await writeFile(join(folder, "in.csv"), `id,text\n${rows.join("\n")}\n`);
}

async function run(
  options: EnrichOptions<string, OutputOption> = {},
  name = "claude-haiku-4-5",
): Promise<Receipt> {
  vi.stubEnv("ANTHROPIC_API_KEY", "sk-test-0123456789");
  const model = {
    provider: "anthropic",
    model: name,
    baseUrl: emulator.urls.anthropic,
    settleMs: 100,
  };
  const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
  const settings = { runDir: join(folder, "runs"), pollEveryMs: 10, ...options };
  return await enrichFile(files, "{{ text }}", model, settings);
}

/** The rows of the output that do not hold their own text as an answer. */
async function wrongRows(): Promise<readonly string[]> {
  const lines = (await readFile(join(folder, "out.csv"), "utf8")).trimEnd().split("\n").slice(1);
  return lines.filter((line) => {
    const [, text, answer, status] = line.split(",");
    return text !== answer || status !== "ok";
  });
}

describe("a run over Anthropic's protocol", () => {
  it("answers every row through lost, doubled and failed ones and a create call cut off", async () => {
    await start(1000, {
      faults: {
        dropRows: 0.01,
        duplicateRows: 0.01,
        failRows: 0.01,
        createAcceptedThenCut: { count: 1 },
      },
    });
    const receipt = await run({ chunkRows: 200, retries: 8, lane: "batch" });
    expect(receipt.rows).toEqual({ total: 1000, ok: 1000, cached: 0, skipped: 0, failed: 0 });
    expect(await wrongRows()).toEqual([]);
    const stats = emulator.stats();
    // What was bought twice is what was lost, and nothing else.
    expect(stats.bodiesBilledAgain).toBeGreaterThan(0);
    expect(receipt.resent).toBe(stats.rowsFailed + stats.bodiesBilledAgain);
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every batch is deleted once it has been collected.
    expect(stats.batches).toEqual({});
  });

  it("gives one of the labels for every row", async () => {
    await start(20);
    const receipt = await run({ output: { labels: ["good", "bad"] } });
    expect(receipt.rows).toMatchObject({ ok: 20 });
    expect((receipt.labels?.["good"] ?? 0) + (receipt.labels?.["bad"] ?? 0)).toBe(20);
  });

  it("gets labels from a model that must call a tool for them, and asks again where one is unusable", async () => {
    await start(200, {
      faults: {
        ...{ dropRows: 0.01, duplicateRows: 0.01, failRows: 0.01, invalidJsonRows: { count: 3 } },
        createAcceptedThenCut: { count: 1 },
      },
    });
    const options = { output: { labels: ["good", "bad"] }, chunkRows: 100, retries: 8 } as const;
    const receipt = await run(options, "claude-3-5-haiku-20241022");
    expect(receipt.rows).toMatchObject({ ok: 200 });
    expect((receipt.labels?.["good"] ?? 0) + (receipt.labels?.["bad"] ?? 0)).toBe(200);
    expect(emulator.stats().customIdsBilledAgain).toBe(0);
    expect(receipt.resent).toBeGreaterThanOrEqual(3);
  });

  it("gives every row the calls its model wished to make, while it thinks", async () => {
    await start(20, {
      answer: ({ body }) => ({
        content: null,
        toolCalls: [{ name: "look_up", arguments: { of: JSON.stringify(body["messages"]) } }],
      }),
    });
    const tools = [{ name: "look_up", parameters: { type: "object" } }];
    const promptCache = { tools: true, system: true } as const;
    const receipt = await run({ tools, reasoning: "low", system: "Be brief.", promptCache });
    expect(receipt.rows).toMatchObject({ ok: 20 });
    const written = parse<Record<string, string>>(await readFile(join(folder, "out.csv"), "utf8"), {
      columns: true,
    });
    const calls = written.map((row) => {
      const name = Object.keys(row).find((column) => column.endsWith("_tool_calls")) ?? "";
      return [JSON.parse(row[name] ?? "") as unknown, row["text"]] as const;
    });
    for (const [made, text] of calls)
      expect(made).toEqual([
        { name: "look_up", arguments: { of: expect.stringContaining(text ?? "?") as string } },
      ]);
    // All rows begin alike, so only the first of them is not read from the cache.
    expect(receipt.usage.cachedInputTokens).toBeGreaterThan(0);
    expect(receipt.usage.reasoningTokens).toBeGreaterThan(0);
  });

  it.each([undefined, "1h"] as const)(
    "costs what the tokens billed come to, those put into the cache (%s) at their own price",
    async (ttl) => {
      await start(30);
      const price = priceOf("anthropic", "claude-haiku-4-5");
      if (price?.cacheWritePerM === undefined || price.cacheWriteHourPerM === undefined)
        throw new Error("The price is missing.");
      const promptCache = {
        system: true,
        lastUserMessages: 1,
        ...(ttl === undefined ? {} : { ttl }),
      };
      const receipt = await run({ system: "Be brief. ".repeat(200), promptCache, meta: ["cost"] });
      const billed = emulator.stats();
      const { cacheReadTokensBilled: read, cacheWriteTokensBilled: written } = billed;
      // One beginning that is read by all others, and an end of its own for each.
      expect(written).toBeGreaterThan(500);
      expect(read).toBeGreaterThan(5000);
      expect(billed.cacheWriteHourTokensBilled).toBe(ttl === undefined ? 0 : written);
      const perM =
        (billed.promptTokensBilled - read - written) * price.inputPerM +
        read * (price.cachedInputPerM ?? Number.NaN) +
        written * (ttl === undefined ? price.cacheWritePerM : price.cacheWriteHourPerM) +
        billed.completionTokensBilled * price.outputPerM;
      expect(receipt.costUsd).toBeCloseTo(perM / 2e6, 12);
      expect(receipt.usage.cacheWriteTokens).toBe(written);
      const rows = parse<Record<string, string>>(await readFile(join(folder, "out.csv"), "utf8"), {
        columns: true,
      });
      const costs = rows.map((row) => Number(row["enriched_cost"]));
      expect(costs.reduce((sum, cost) => sum + cost, 0)).toBeCloseTo(perM / 2e6, 12);
    },
  );

  it("never sends a lost chunk again while any batch might be it, a stranger's too", async () => {
    await start(40, { faults: { createAcceptedThenCut: { count: 4 }, stuck: 1 } });
    const running = run({ chunkRows: 10 });
    while (emulator.stats().batchesCreated < 4)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await stranger(10);
    // Longer than settling takes: were they taken for lost, they would be sent again.
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(emulator.stats().batchesCreated).toBe(5);
    emulator.setFaults({});
    emulator.release();
    expect((await running).rows).toMatchObject({ ok: 40 });
    expect(await wrongRows()).toEqual([]);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 5, bodiesBilledAgain: 0 });
  });

  it("sends again what was never made", async () => {
    await start(20, {
      faults: { dropConnection: { routes: ["POST /messages/batches"], count: 1 } },
    });
    expect((await run({ chunkRows: 10 })).rows).toMatchObject({ ok: 20 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 0 });
  });

  it("does not wait for its own other batches to see that one was never made", async () => {
    const routes = ["POST /messages/batches"];
    await start(20, { faults: { dropConnection: { routes, count: 1 }, stuck: 1 } });
    const running = run({ chunkRows: 10 });
    while (emulator.stats().batchesCreated < 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
    emulator.setFaults({});
    emulator.release();
    expect((await running).rows).toMatchObject({ ok: 20 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 0 });
  });

  it("is gone on with by another call after the first was stopped at a lost create call", async () => {
    await start(20, { faults: { createAcceptedThen500: { count: 1 }, stuck: 1 } });
    const stop = new AbortController();
    const first = run({ signal: stop.signal });
    while (emulator.stats().batchesCreated === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await expect(first).rejects.toThrow();
    emulator.setFaults({});
    emulator.release();
    expect((await run()).rows).toMatchObject({ ok: 20 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
  });

  it("waits out an overloaded service", async () => {
    await start(10, {
      faults: { error429: { routes: ["POST /messages/batches"], count: 2, retryAfterMs: 5 } },
    });
    expect((await run()).rows).toMatchObject({ ok: 10 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
  });
});

/** Makes a batch of somebody else's in the same account. */
async function stranger(count: number): Promise<void> {
  const message = { role: "user", content: "a stranger's" };
  const requests = Array.from({ length: count }, (_, row) => ({
    custom_id: `s${String(row)}`,
    params: { model: "m", max_tokens: 9, messages: [message], metadata: { user_id: String(row) } },
  }));
  await fetch(`${emulator.urls.anthropic}/v1/messages/batches`, {
    method: "POST",
    body: JSON.stringify({ requests }),
    headers: { "x-api-key": "k", "anthropic-version": "2023-06-01" },
  });
}
