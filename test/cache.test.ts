import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearCache, inspectCache } from "../src/cache.ts";
import type { Emulator, EmulatorOptions } from "../src/emulator/emulator.ts";
import { startEmulator } from "../src/emulator/emulator.ts";
import { enrichColumn, type EnrichOptions } from "../src/enrich.ts";
import type { OutputOption } from "../src/output/form.ts";

let emulator: Emulator;
let runDir: string;

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), "cache-runs-"));
});
afterEach(async () => {
  await emulator.close();
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 4, ...options });
}

type Options = EnrichOptions<"answer", OutputOption>;

function ask(texts: readonly string[], options: Options = {}, template = "Say: {{ text }}") {
  const model = {
    provider: "openai",
    model: "gpt-test",
    baseUrl: emulator.url,
    apiKey: "k",
  } as const;
  const settings = { column: "answer", runDir, pollEveryMs: 5, ...options } as const;
  return enrichColumn(pl.DataFrame({ text: [...texts] }), template, model, settings);
}

const executed = (): number => emulator.stats().rowsExecuted;
const statusesOf = (frame: { getColumn(name: string): { toArray(): unknown[] } }): unknown[] =>
  frame.getColumn("answer_status").toArray();

describe("a cache", () => {
  it("answers what any run bought before: only new rows are sent, and rows say so", async () => {
    await start();
    await ask(["a", "b"]);
    expect(executed()).toBe(2);
    const run = ask(["c", "b", "a", "b", "d"]);
    const plan = await run.plan();
    expect(plan).toMatchObject({ requests: 4, cached: 2, duplicates: 1 });
    const frame = await run;
    expect(executed()).toBe(4);
    expect(statusesOf(frame)).toEqual(["ok", "cached", "cached", "cached", "ok"]);
    expect(frame.getColumn("answer").toArray()).toEqual(
      ["c", "b", "a", "b", "d"].map((text) => expect.stringContaining(text) as unknown),
    );
    const receipt = await run.report();
    expect(receipt.rows).toEqual({ total: 5, ok: 2, cached: 3, skipped: 0, failed: 0 });
    expect(receipt).toMatchObject({ requests: 4, cached: 2 });
    expect(receipt.usage.outputTokens).toBeGreaterThan(0);
  });

  it("is not needed by a run that has taken its answers, which are read again from the run itself", async () => {
    await start();
    const texts = Array.from({ length: 700 }, (_, at) => `text ${String(at)}`);
    await ask(texts, { name: "first" });
    const before = executed();
    // Of each pack most, and some rows that are new.
    const changed = texts.map((text, at) => (at % 50 === 3 ? `${text} changed` : text));
    const run = ask(changed, { name: "second" });
    const answers = (await run).getColumn("answer").toArray();
    expect(executed() - before).toBe(14);
    await clearCache(join(runDir, "cache.sqlite"), {});
    await rm(join(runDir, "first"), { recursive: true });
    const chunks = join(runDir, "second", "chunks");
    const kept = await readdir(chunks);
    expect(kept).toContain("000000.replies.jsonl.zst");
    // What they were read as is gone too: the replies say it again.
    for (const name of kept) if (name.endsWith(".answers")) await rm(join(chunks, name));
    const again = ask(changed, { name: "second" });
    expect((await again).getColumn("answer").toArray()).toEqual(answers);
    expect(statusesOf(await again)).toEqual(
      changed.map((_, at) => (at % 50 === 3 ? "ok" : "cached")),
    );
    expect(executed() - before).toBe(14);
  });

  it("leaves nothing to send when every row was answered, whatever the chunks", async () => {
    await start();
    await ask(["a", "b", "c"]);
    const again = ask(["c", "a", "b"], { chunkRows: 1 });
    expect(statusesOf(await again)).toEqual(["cached", "cached", "cached"]);
    expect(executed()).toBe(3);
    expect((await again.report()).usage).toMatchObject({ inputTokens: 0, outputTokens: 0 });
    expect((await again.report()).batches).toEqual([]);
  });

  it("does not answer another prompt, model, form or setting", async () => {
    await start();
    await ask(["a"]);
    await ask(["a"], {}, "Tell: {{ text }}");
    await ask(["a"], { temperature: 0.5 });
    await ask(["a"], { output: { labels: ["x", "y"] } });
    expect(executed()).toBe(4);
  });

  it("does not answer for another host: one name may stand for two models", async () => {
    await start();
    await ask(["a"]);
    const first = emulator;
    await start();
    const frame = await ask(["a"]);
    expect(statusesOf(frame)).toEqual(["ok"]);
    await first.close();
  });

  it("holds no failure: a refused row is asked again by a new run", async () => {
    await start({ faults: { invalidJsonRows: 1 } });
    const output = { labels: ["x", "y"] } as const;
    expect(statusesOf(await ask(["a"], { output }))).toEqual(["failed"]);
    expect((await inspectCache(join(runDir, "cache.sqlite"))).shares).toEqual([]);
    const before = executed();
    expect(statusesOf(await ask(["a", "b"], { output }))).toEqual(["failed", "failed"]);
    expect(executed()).toBeGreaterThan(before + 1);
  });

  it("can be left unread and unwritten, and can be bought anew", async () => {
    await start();
    await ask(["a"], { cache: false });
    await ask(["a"], { name: "reading" });
    expect(executed()).toBe(2);
    const refreshed = ask(["a"], { cache: "refresh" });
    expect(statusesOf(await refreshed)).toEqual(["ok"]);
    expect(executed()).toBe(3);
    // Awaited again it is the same run; a new call after it finds the new answer.
    await refreshed;
    expect(executed()).toBe(3);
    expect(statusesOf(await ask(["a", "b"]))).toEqual(["cached", "ok"]);
  });

  it("may be shared by runs in different directories", async () => {
    await start();
    const cacheFile = join(runDir, "shared", "cache.sqlite");
    await ask(["a"], { cacheFile });
    const elsewhere = await mkdtemp(join(tmpdir(), "cache-elsewhere-"));
    expect(statusesOf(await ask(["a"], { cacheFile, runDir: elsewhere }))).toEqual(["cached"]);
    expect(executed()).toBe(1);
  });
});
