import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  resultsById,
  succeededResults,
  unsuccessfulResults,
  valuesOf,
} from "../../src/batches/batch-results.ts";
import { openBatches, type Batches } from "../../src/batches/batches.ts";
import { BatchframeError } from "../../src/core/errors.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { ModelSpec } from "../../src/provider/models.ts";

let folder: string;
let emulator: Emulator;
let opened: Batches[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "batches-"));
  opened = [];
});
afterEach(async () => {
  for (const batches of opened) await batches[Symbol.asyncDispose]();
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 5, ...options });
}

async function open(changes: Partial<ModelSpec> = {}): Promise<Batches> {
  const baseUrl = emulator.urls[(changes.provider ?? "openai") as "openai" | "anthropic"];
  const batches = await openBatches({
    provider: "openai",
    model: "m",
    apiKey: "test-key",
    baseUrl,
    settleMs: 50,
    ...changes,
  });
  opened.push(batches);
  return batches;
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

const QUICK = { pollEveryMs: 5 };
const CAPITALS = ["France", "Peru", "Chad"].map((country) => ({
  prompt: `Capital of ${country}?`,
}));
const posts = (): number => emulator.requests().filter(({ method }) => method === "POST").length;
/** Lines that are no replies of any provider, under the ids of some results. */
const linesOf = (results: readonly { readonly customId: string | null }[]): { text: string } => ({
  text: results.map(({ customId }) => JSON.stringify({ custom_id: customId })).join("\n"),
});
const texts = (lines: string): readonly string[] => lines.trimEnd().split("\n");

describe("build", () => {
  it("gives bytes with ids by place, and the same bytes on disk when a path is named", async () => {
    await start();
    const batches = await open();
    const memory = await batches.build({ requests: CAPITALS, system: "Be brief.", maxTokens: 9 });
    const path = join(folder, "in.jsonl");
    const file = await batches.build({
      requests: CAPITALS,
      system: "Be brief.",
      maxTokens: 9,
      path,
    });
    const written = readFileSync(path, "utf8");
    expect(Buffer.from(memory.content).toString()).toBe(written);
    expect(file).toEqual({ path, requestCount: 3, bytes: Buffer.byteLength(written) });
    const lines = texts(written).map(
      (line) => JSON.parse(line) as { custom_id: string; body: { messages: unknown } },
    );
    expect(lines.map((line) => line.custom_id)).toEqual(["request-0", "request-1", "request-2"]);
    expect(lines[1]?.body.messages).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "Capital of Peru?" },
    ]);
    expect(posts()).toBe(0);
  });

  it("lets a request have its own id, messages and parameters", async () => {
    await start();
    const batches = await open();
    const { content } = await batches.build({
      system: "not for whole messages",
      params: { temperature: 0, user: "u" },
      requests: [
        {
          customId: "mine",
          params: { temperature: 1 },
          messages: [
            { role: "user", content: "a" },
            { role: "assistant", content: "b" },
            { role: "user", content: "c" },
          ],
        },
      ],
    });
    const line = JSON.parse(Buffer.from(content).toString()) as {
      custom_id: string;
      body: { messages: readonly unknown[]; temperature: number; user: string };
    };
    expect(line).toMatchObject({ custom_id: "mine", body: { temperature: 1, user: "u" } });
    expect(line.body.messages).toHaveLength(3);
  });

  it.each([
    ["an id that providers refuse", [{ customId: "1", prompt: "a" }], "custom_id_invalid"],
    ["an id that is too long", [{ customId: "a".repeat(65), prompt: "a" }], "custom_id_invalid"],
    [
      "an id that is repeated",
      [
        { customId: "a", prompt: "a" },
        { customId: "a", prompt: "b" },
      ],
      "custom_id_repeated",
    ],
    [
      "a given id that one by place would be",
      [{ prompt: "a" }, { customId: "request-0", prompt: "b" }],
      "custom_id_repeated",
    ],
    ["a blank prompt", [{ prompt: "a" }, { prompt: " \n" }], "request_blank"],
    ["no request at all", [], "batch_empty"],
  ])("refuses %s and leaves no file", async (_, requests, code) => {
    await start();
    const batches = await open();
    const path = join(folder, "in.jsonl");
    expect(await failureOf(() => batches.build({ requests, path }))).toMatchObject({ code });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("refuses more than one batch takes", async () => {
    await start();
    const batches = await open();
    const requests = function* (): Generator<{ prompt: string }> {
      for (let at = 0; at <= 50_000; at++) yield { prompt: "x" };
    };
    expect(await failureOf(() => batches.build({ requests: requests() }))).toMatchObject({
      code: "batch_too_large",
    });
  });
});

describe("submit, wait, results", () => {
  it("answers what was built, and knows each answer by its id from another process's handle", async () => {
    await start();
    const here = await open();
    const { content } = await here.build({ requests: CAPITALS });
    const batchId = await here.submit(content);
    const elsewhere = await open();
    const seen: string[] = [];
    const ended = await elsewhere.wait(batchId, {
      ...QUICK,
      onStatus: ({ phase }) => seen.push(phase),
    });
    expect(ended).toEqual({ batchId, phase: "ended", outcome: "completed", reason: null });
    expect(seen.at(-1)).toBe("ended");
    const all = await Array.fromAsync(elsewhere.results(batchId));
    expect([...resultsById(all).keys()].sort()).toEqual(["request-0", "request-1", "request-2"]);
    expect(resultsById(all).get("request-1")).toMatchObject({
      status: "succeeded",
      text: "Capital of Peru?",
      value: "Capital of Peru?",
      toolCalls: [],
      embedding: null,
    });
    expect(all.every((one) => one.status === "succeeded" && one.usage !== null)).toBe(true);
    // Nothing is deleted by reading, and reading again gives the same.
    expect(await Array.fromAsync(here.results(batchId))).toEqual(all);
    expect(emulator.stats().rowsExecuted).toBe(3);
  });

  it("takes a file that was made elsewhere, and gives its reply lines whole", async () => {
    await start();
    const batches = await open();
    const path = join(folder, "in.jsonl");
    const body = { model: "m", messages: [{ role: "user", content: "hello" }] };
    const line = { custom_id: "7/x", method: "POST", url: "/v1/chat/completions", body };
    writeFileSync(path, JSON.stringify(line));
    const batchId = await batches.submit(path);
    await batches.wait(batchId, QUICK);
    const out = join(folder, "out.jsonl");
    const told = await batches.download(batchId, out);
    const raw = readFileSync(out, "utf8");
    expect(told).toEqual({
      path: out,
      replyCount: 1,
      succeededCount: 1,
      bytes: Buffer.byteLength(raw),
    });
    expect(JSON.parse(raw)).toMatchObject({ custom_id: "7/x", response: { status_code: 200 } });
    const parsed = await Array.fromAsync(batches.parse(out));
    expect(valuesOf(parsed)).toEqual(["hello"]);
    expect(await Array.fromAsync(batches.parse({ text: raw }))).toEqual(parsed);
    expect(await Array.fromAsync(batches.parse(Buffer.from(raw)))).toEqual(parsed);
    // The file was ours to read, not to change.
    expect(readdirSync(folder).sort()).toEqual(["in.jsonl", "out.jsonl"]);
  });

  it("reads values in the form asked for, and fails those that have another", async () => {
    await start();
    const batches = await open();
    const output = { labels: ["good", "bad"] } as const;
    const { content } = await batches.build({ requests: CAPITALS, output });
    const batchId = await batches.submit(content);
    await batches.wait(batchId, QUICK);
    const all = await Array.fromAsync(batches.results(batchId, { output }));
    const values: readonly ("good" | "bad")[] = valuesOf(all);
    expect(values).toHaveLength(3);
    expect(values.every((value) => output.labels.includes(value))).toBe(true);
    const other = { labels: ["yes", "no"] } as const;
    const misread = await Array.fromAsync(batches.results(batchId, { output: other }));
    expect(misread.map((one) => one.status === "failed" && one.code)).toEqual(
      Array.from({ length: 3 }, () => "invalid_output"),
    );
  });

  it("tells failed and expired ones apart, and those without a reply", async () => {
    const only = (place: number): { readonly customIds: readonly string[] } => ({
      customIds: [`request-${String(place)}`],
    });
    await start({ faults: { failRows: only(0), expireRows: only(1), dropRows: only(2) } });
    const batches = await open();
    const requests = Array.from({ length: 5 }, (_, at) => ({ prompt: `number ${String(at)}` }));
    const { content } = await batches.build({ requests });
    const batchId = await batches.submit(content);
    expect(await batches.wait(batchId, QUICK)).toMatchObject({ outcome: "expired" });
    const told = await Array.fromAsync(batches.results(batchId));
    const whole = await Array.fromAsync(batches.results(batchId, { requests: content }));
    expect([told.length, whole.slice(0, told.length)]).toEqual([4, told]);
    const byId = resultsById(whole);
    expect(byId.get("request-0")).toMatchObject({ status: "failed", code: "provider_error" });
    expect(byId.get("request-1")).toEqual({ status: "expired", customId: "request-1" });
    // The batch expired, and so did what it says nothing about.
    expect(byId.get("request-2")).toEqual({ status: "expired", customId: "request-2" });
    expect(succeededResults(whole).map(({ customId }) => customId)).toEqual([
      "request-3",
      "request-4",
    ]);
    expect(unsuccessfulResults(whole)).toHaveLength(3);
    const downloaded = await Array.fromAsync(batches.parse(linesOf(told), { requests: content }));
    expect(downloaded.every(({ status }) => status === "failed")).toBe(true);
  });

  it("says that results are not there yet, and that a cancelled batch was cancelled", async () => {
    await start({ faults: { stuck: { rate: 1 } } });
    const batches = await open();
    const { content } = await batches.build({ requests: CAPITALS });
    const batchId = await batches.submit(content);
    const early = await failureOf(() => Array.fromAsync(batches.results(batchId)));
    expect(early).toMatchObject({ code: "batch_not_ended" });
    const stop = new AbortController();
    const waiting = batches.wait(batchId, {
      ...QUICK,
      signal: stop.signal,
      onStatus: () => {
        stop.abort(new Error("enough"));
      },
    });
    await expect(waiting).rejects.toThrow("enough");
    await batches.cancel(batchId);
    expect(await batches.wait(batchId, QUICK)).toMatchObject({ outcome: "cancelled" });
    const results = await Array.fromAsync(batches.results(batchId, { requests: content }));
    expect(resultsById(results).size).toBe(3);
    expect(results.some(({ status }) => status === "cancelled")).toBe(true);
  });

  it("lists batches, and removes one with its files", async () => {
    await start();
    const batches = await open();
    const { content } = await batches.build({ requests: CAPITALS });
    const ids = [await batches.submit(content), await batches.submit(content)];
    for (const id of ids) await batches.wait(id, QUICK);
    const listed = await Array.fromAsync(batches.list());
    expect(listed.map(({ batchId }) => batchId).sort()).toEqual([...ids].sort());
    await batches.remove(ids[0] ?? "");
    await expect(Array.fromAsync(batches.results(ids[0] ?? ""))).rejects.toMatchObject({
      name: "ProviderError",
    });
    expect(await Array.fromAsync(batches.results(ids[1] ?? ""))).toHaveLength(3);
  });

  it("works the same at another provider", async () => {
    await start();
    const batches = await open({ provider: "anthropic" });
    const { content } = await batches.build({ requests: CAPITALS, maxTokens: 50 });
    const batchId = await batches.submit(content);
    await batches.wait(batchId, QUICK);
    const all = await Array.fromAsync((await open({ provider: "anthropic" })).results(batchId));
    expect([...valuesOf(all)].sort()).toEqual(CAPITALS.map(({ prompt }) => prompt).sort());
  });
});

describe("submit", () => {
  const line = (id: string): string =>
    JSON.stringify({ custom_id: id, method: "POST", url: "/v1/chat/completions", body: {} });

  it.each([
    ["no line", "\n\n", "batch_empty"],
    ["a line that is no JSON", `${line("a")}\n{"custom_id":`, "request_line_invalid"],
    ["a line without an id", `{"body":{}}`, "request_line_invalid"],
    ["a line in another provider's form", `{"custom_id":"a","params":{}}`, "request_line_invalid"],
    ["an id that is repeated", `${line("a")}\n${line("a")}`, "custom_id_repeated"],
    [
      "more than one batch takes",
      Array.from({ length: 50_001 }, (_, at) => line(`a${String(at)}`)).join("\n"),
      "batch_too_large",
    ],
  ])("refuses %s before anything is uploaded", async (_, text, code) => {
    await start();
    const batches = await open();
    expect(await failureOf(() => batches.submit({ text }))).toMatchObject({ code });
    const missing = await failureOf(() => batches.submit(join(folder, "none.jsonl")));
    expect(missing).toMatchObject({ code: "file_missing" });
    expect(posts()).toBe(0);
  });

  it("gives the batch that was made though its answer was lost, and no second one", async () => {
    await start({ faults: { createAcceptedThenCut: { count: 1 } } });
    const batches = await open();
    const { content } = await batches.build({ requests: CAPITALS });
    const batchId = await batches.submit(content);
    await batches.wait(batchId, QUICK);
    expect(await Array.fromAsync(batches.list())).toHaveLength(1);
    expect(await Array.fromAsync(batches.results(batchId))).toHaveLength(3);
  });

  it("says that it cannot tell when the answer was lost and no batch is seen", async () => {
    await start({ faults: { dropConnection: { count: 1, routes: ["POST /batches"] } } });
    const batches = await open();
    const { content } = await batches.build({ requests: CAPITALS });
    const failure = await failureOf(() => batches.submit(content));
    expect(failure).toMatchObject({ code: "batch_unclear" });
    expect(failure.hint).toContain("batches list -m openai");
  });

  it("leaves nothing in the temporary folder once it is disposed", async () => {
    await start();
    // A folder of this test alone: others run at the same time.
    vi.stubEnv("TMPDIR", folder);
    const batches = await open();
    const { content } = await batches.build({ requests: CAPITALS });
    await batches.submit(content);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^batchframe-/)]);
    await batches.close();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a model on this machine", () => {
  it("answers a batch of this process, and leaves the request file's folder as it was", async () => {
    await start();
    const batches = await openBatches("embedded/use-lite");
    opened.push(batches);
    const output = { labels: ["positive", "negative"] } as const;
    const path = join(folder, "in.jsonl");
    const requests = [{ prompt: "I love it, wonderful." }, { prompt: "Terrible, it broke." }];
    await batches.build({ requests, output, path });
    const batchId = await batches.submit(path);
    await batches.wait(batchId, QUICK);
    const all = await Array.fromAsync(batches.results(batchId, { output }));
    expect(valuesOf(all)).toEqual(["positive", "negative"]);
    expect(readdirSync(folder)).toEqual(["in.jsonl"]);
    const other = await openBatches("embedded/use-lite");
    opened.push(other);
    expect(await failureOf(() => other.status(batchId))).toMatchObject({ code: "batch_elsewhere" });
  });
});
