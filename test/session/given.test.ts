import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openBatches, type Batches } from "../../src/batches/batches.ts";
import { BatchframeError } from "../../src/core/errors.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import { enrichFile } from "../../src/enrich.ts";
import type { ChunkFile } from "../../src/session/given.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import { findRun } from "../../src/runs/runs.ts";

const ROWS = 6;
let folder: string;
let emulator: Emulator;
let batches: Batches;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "given-"));
  const rows = Array.from({ length: ROWS }, (_, at) => `${String(at)},text ${String(at)}`);
  writeFileSync(join(folder, "in.csv"), ["id,text", ...rows, ""].join("\n"));
});
afterEach(async () => {
  await batches[Symbol.asyncDispose]();
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 5, ...options });
  batches = await openBatches(model());
}

const model = (): ModelSpec => ({
  provider: "openai",
  model: "m",
  baseUrl: emulator.url,
  apiKey: "test-key",
  settleMs: 50,
});

/** The run, as each new process would make it. */
function run(chunkRows = ROWS): EnrichRun<Receipt, string> {
  const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
  return enrichFile(files, "say {{ text }}", model(), {
    runDir: join(folder, "runs"),
    name: "r",
    pollEveryMs: 5,
    chunkRows,
  });
}

const status = () => findRun("r", join(folder, "runs"));
const states = async (): Promise<readonly string[]> =>
  (await status()).chunks.map(({ state }) => state);
const answers = (): readonly string[] =>
  readFileSync(join(folder, "out.csv"), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").slice(2).join(","));
const WHOLE = Array.from({ length: ROWS }, (_, at) => `say text ${String(at)},ok,`);

async function planned(chunkRows?: number): Promise<readonly ChunkFile[]> {
  return await run(chunkRows).requestFiles();
}

/** Has a file answered elsewhere; gives the batch's id, and with `out` where its replies were downloaded. */
async function answeredElsewhere(file: ChunkFile | undefined, out?: string): Promise<string> {
  const batchId = await batches.submit(file?.path ?? "");
  await batches.wait(batchId, { pollEveryMs: 5 });
  if (out !== undefined) await batches.download(batchId, join(folder, out));
  return batchId;
}

async function failureOf(act: () => Promise<unknown>): Promise<BatchframeError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof BatchframeError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

/** Waits until a batch has come as far as it will: one that is released before that stays stuck. */
async function isStuck(): Promise<void> {
  await expect
    .poll(() => emulator.stats().batches["in_progress"] ?? 0, { timeout: 20_000 })
    .toBe(1);
}

const created = (): number =>
  emulator.requests().filter(({ method, path }) => method === "POST" && path.endsWith("/batches"))
    .length;

describe("a batch that was made elsewhere", () => {
  it("is collected as the chunk it was made from, and its files are left where they are", async () => {
    await start();
    const [file] = await planned();
    expect(file).toMatchObject({ chunk: 1, requestCount: ROWS });
    expect(created()).toBe(0);
    const batchId = await answeredElsewhere(file);
    expect(await run().collect({ batchId })).toBe(true);
    expect(answers()).toEqual(WHOLE);
    expect(created()).toBe(1);
    expect(emulator.stats().rowsExecuted).toBe(ROWS);
    expect((await status()).chunks[0]).toMatchObject({ state: "collected", batchId });
    // Not ours to delete.
    expect(await Array.fromAsync(batches.results(batchId))).toHaveLength(ROWS);
    const receipt = await run();
    expect(receipt.rows).toMatchObject({ ok: ROWS, failed: 0 });
    expect(created()).toBe(1);
  });

  it("is found by its replies among several chunks, and sends none of the others", async () => {
    await start();
    const files = await planned(2);
    expect(files.map(({ chunk }) => chunk)).toEqual([1, 2, 3]);
    const second = await answeredElsewhere(files[1]);
    expect(await run(2).collect({ batchId: second })).toBe(false);
    expect(await states()).toEqual(["planned", "collected", "planned"]);
    expect(created()).toBe(1);
    // Going on sends the rest, and pays for the second chunk no more.
    await run(2);
    expect(answers()).toEqual(WHOLE);
    expect(emulator.stats()).toMatchObject({ rowsExecuted: ROWS, bodiesBilledAgain: 0 });
  });

  it("is waited for while it runs, once its chunk is named", async () => {
    await start({ faults: { stuck: { rate: 1 } } });
    const files = await planned(3);
    const batchId = await batches.submit(files[1]?.path ?? "");
    const unnamed = await failureOf(() => run(3).collect({ batchId }));
    expect(unnamed).toMatchObject({ code: "chunk_ambiguous" });
    expect(await states()).toEqual(["planned", "planned"]);
    expect(await run(3).collect({ batchId, chunk: 2 })).toBe(false);
    expect(await states()).toEqual(["planned", "submitted"]);
    await isStuck();
    emulator.release();
    await batches.wait(batchId, { pollEveryMs: 5 });
    expect(await run(3).collect({ sends: false })).toBe(false);
    expect(await states()).toEqual(["planned", "collected"]);
    expect(created()).toBe(1);
  });

  it("hands on what it left unanswered to a chunk that is not sent", async () => {
    await start({ faults: { dropRows: { count: 2 } } });
    const [file] = await planned();
    const batchId = await answeredElsewhere(file);
    expect(await run().collect({ batchId })).toBe(false);
    expect(await states()).toEqual(["collected", "planned"]);
    expect(created()).toBe(1);
    const [rest] = await run().requestFiles();
    expect(rest).toMatchObject({ chunk: 2, requestCount: 2 });
    expect(await run().collect({ batchId: await answeredElsewhere(rest) })).toBe(true);
    expect(answers()).toEqual(WHOLE);
  });

  it("is refused when its replies are others', and the chunk stays as planned", async () => {
    await start();
    await planned(3);
    const foreign = { text: readFileSync((await planned(3))[0]?.path ?? "", "utf8") };
    const other = foreign.text.replaceAll(/"custom_id":"[a-z0-9]{8}-/g, '"custom_id":"rzzzzzzz-');
    const batchId = await batches.submit({ text: other });
    await batches.wait(batchId, { pollEveryMs: 5 });
    for (const chunk of [undefined, 1]) {
      const given = chunk === undefined ? { batchId } : { batchId, chunk };
      expect(await failureOf(() => run(3).collect(given))).toMatchObject({
        code: "replies_foreign",
      });
    }
    const own = await batches.submit(foreign);
    await batches.wait(own, { pollEveryMs: 5 });
    const wrong = await failureOf(() => run(3).collect({ batchId: own, chunk: 2 }));
    expect(wrong).toMatchObject({ code: "replies_foreign" });
    expect(wrong.message).toContain("chunk 1");
    expect(await states()).toEqual(["planned", "planned"]);
  });

  it("is given back when it turns out to be another's once it has ended", async () => {
    await start({ faults: { stuck: { count: 1 } } });
    const [file] = await planned();
    const text = readFileSync(file?.path ?? "", "utf8").replaceAll(/"r[a-z0-9]{7}-/g, '"rzzzzzzz-');
    const batchId = await batches.submit({ text });
    expect(await run().collect({ batchId })).toBe(false);
    await isStuck();
    emulator.release();
    await batches.wait(batchId, { pollEveryMs: 5 });
    const late = await failureOf(() => run().collect());
    expect(late).toMatchObject({ code: "replies_foreign" });
    expect(late.message).toContain(batchId);
    expect((await status()).chunks[0]).toMatchObject({ state: "planned", batchId: null });
    // The right one is still welcome.
    expect(await run().collect({ batchId: await answeredElsewhere(file) })).toBe(true);
    expect(answers()).toEqual(WHOLE);
  });

  it("is refused for a chunk that is not planned or not there, and when it is another chunk's", async () => {
    await start();
    const files = await planned(3);
    const first = await answeredElsewhere(files[0]);
    await run(3).collect({ batchId: first });
    const claimed = await failureOf(() => run(3).collect({ batchId: first, chunk: 2 }));
    expect(claimed).toMatchObject({ code: "batch_claimed" });
    const again = await answeredElsewhere(files[0]);
    const twice = await failureOf(() => run(3).collect({ batchId: again }));
    expect(twice).toMatchObject({ code: "chunk_not_planned" });
    const running = await batches.submit(files[1]?.path ?? "");
    const none = await failureOf(() => run(3).collect({ batchId: running, chunk: 9 }));
    expect(["chunk_unknown", "replies_foreign"]).toContain(none.code);
    const unheard = await failureOf(() => run(3).collect({ batchId: "batch_unheard_of" }));
    expect(unheard.name).toBe("ProviderError");
    expect(await states()).toEqual(["collected", "planned"]);
  });
});

describe("reply lines from a file", () => {
  it("are the chunk's replies, in any order, and nothing is sent for them", async () => {
    await start();
    const [file] = await planned();
    await answeredElsewhere(file, "results.jsonl");
    const path = join(folder, "results.jsonl");
    const shuffled = readFileSync(path, "utf8").trimEnd().split("\n").reverse();
    writeFileSync(path, shuffled.join("\n"));
    const asked = emulator.requests().length;
    expect(await run().collect({ results: path })).toBe(true);
    // Not even looked at: what was answered offline needs no network.
    expect(emulator.requests()).toHaveLength(asked);
    expect(answers()).toEqual(WHOLE);
    // The run has a copy of its own, and writes its output again without the file.
    await rm(path);
    expect((await run()).rows).toMatchObject({ ok: ROWS });
  });

  it("count like a batch's: missing ones are handed on, repeated and unknown ones are told", async () => {
    await start();
    const [file] = await planned();
    await answeredElsewhere(file, "results.jsonl");
    const path = join(folder, "results.jsonl");
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    writeFileSync(path, [...lines.slice(1), lines[2], '{"custom_id":"nobody"}', ""].join("\n"));
    expect(await run().collect({ results: path })).toBe(false);
    const { chunks } = await status();
    expect(chunks[0]?.collection).toMatchObject({
      match: { answered: ROWS - 1, missing: 1, duplicates: 1, unknown: 1 },
      resent: 1,
    });
    expect(chunks[1]).toMatchObject({ state: "planned", requestCount: 1 });
    expect(created()).toBe(1);
    await run();
    expect(answers()).toEqual(WHOLE);
    expect(created()).toBe(2);
  });

  it("of two chunks need the chunk's number, and are taken once each", async () => {
    await start();
    const files = await planned(3);
    await answeredElsewhere(files[0], "a.jsonl");
    await answeredElsewhere(files[1], "b.jsonl");
    const path = join(folder, "a.jsonl");
    appendFileSync(path, readFileSync(join(folder, "b.jsonl")));
    const unnamed = await failureOf(() => run(3).collect({ results: path }));
    expect(unnamed).toMatchObject({ code: "chunk_ambiguous" });
    expect(await run(3).collect({ results: path, chunk: 1 })).toBe(false);
    const again = await failureOf(() => run(3).collect({ results: path, chunk: 1 }));
    expect(again).toMatchObject({ code: "chunk_not_planned" });
    expect(await run(3).collect({ results: path, chunk: 2 })).toBe(true);
    expect(answers()).toEqual(WHOLE);
  });

  it("that are none of this run's are refused, and so are both ways at once and neither", async () => {
    await start();
    const files = await planned();
    const path = join(folder, "results.jsonl");
    for (const text of ["", "not json\n", '{"custom_id":"request-0","response":null}\n']) {
      writeFileSync(path, text);
      const failure = await failureOf(() => run().collect({ results: path }));
      expect(failure).toMatchObject({ code: "replies_foreign" });
    }
    const missing = await failureOf(() => run().collect({ results: join(folder, "none") }));
    expect(missing).toMatchObject({ code: "file_missing" });
    const both = await failureOf(() => run().collect({ results: path, batchId: "b" }));
    expect(both).toMatchObject({ code: "option_invalid" });
    expect(await states()).toEqual(["planned"]);
    expect(files).toHaveLength(1);
  });
});

describe("collecting without sending", () => {
  it("leaves a planned run as it is", async () => {
    await start();
    await planned();
    expect(await run().collect({ sends: false })).toBe(false);
    expect(created()).toBe(0);
  });
});
