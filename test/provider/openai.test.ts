import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { spec } from "./support.ts";
import { InputError } from "../../src/core/errors.ts";
import { linesOf } from "../../src/core/lines.ts";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { OPENAI_BASE_URL, openaiBaseUrl, openaiProvider } from "../../src/provider/openai.ts";
import { CONTRACT_KEY as KEY } from "../../src/testing/testing.ts";
import { proveBatches } from "../contract/prove.ts";

proveBatches("openai");

describe("openai's limits and habits", () => {
  const provider = openaiProvider({ apiKey: KEY, baseUrl: "http://127.0.0.1:9/v1", settleMs: 5 });

  it("are those of its batch guide", () => {
    expect(provider.limits).toMatchObject({
      maxRequestsPerBatch: 50_000,
      maxBytesPerBatch: 200_000_000,
    });
    expect(provider).toMatchObject({ id: "openai", host: "127.0.0.1:9", free: false, settleMs: 5 });
  });

  it("take every form of answer", () => {
    provider.check(spec({ kind: "text" }));
    provider.check(spec({ kind: "labels", labels: [{ name: "a" }, { name: "b" }] }));
    expect(provider.pollEveryMs).toBeGreaterThan(0);
  });
});

it.each([
  ["output", { outputIdEmptyString: 1, emptyOutput: 1 }],
  ["error", { outputIdEmptyString: 1 }],
])("an empty text for the id of the %s file is no file", async (_which, faults) => {
  const emulator = await startEmulator({ seed: 3, faults });
  onTestFinished(() => emulator.close());
  const provider = openaiProvider({ apiKey: KEY, baseUrl: emulator.url });
  const batch = {
    tag: { run: "rabcdefg", chunk: 1, intent: "i" },
    file: { name: "a", path: import.meta.filename, bytes: 1, requestCount: 1 },
    staged: {},
    sentAtMs: 0,
    batchId: "",
  };
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "x" }] });
  const line = `{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":${body}}\n`;
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new File([line], "a.jsonl"));
  const headers = { authorization: `Bearer ${KEY}` };
  const uploaded = (await (
    await fetch(`${emulator.url}/files`, { method: "POST", body: form, headers })
  ).json()) as { id: string };
  const signal = new AbortController().signal;
  const batchId = await provider.create({ ...batch, staged: { input: uploaded.id } }, signal);
  for (;;) {
    const status = await provider.poll({ ...batch, batchId }, signal);
    if (status.phase !== "ended") continue;
    expect(Object.values(status.ending.results)).not.toContain("");
    return;
  }
});

it("a result file that does not end in a line feed does not run into the next one", async () => {
  const files: Readonly<Record<string, string>> = {
    one: '{"custom_id":"a"}',
    two: '{"custom_id":"b"}',
  };
  const server = createServer((request, response) => {
    const [, id = "", content] = /files\/(\w+)(\/content)?$/.exec(request.url ?? "") ?? [];
    const text = files[id] ?? "";
    if (content !== undefined) response.end(text);
    else {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ id, object: "file", bytes: text.length }));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const provider = openaiProvider({ apiKey: KEY, baseUrl: `http://127.0.0.1:${port}/v1` });
  const results = { output: "one", error: "two" };
  const ending = { outcome: "completed", results, reason: null } as const;
  const batch = {
    tag: { run: "rabcdefg", chunk: 1, intent: "i" },
    file: { name: "a", path: "a", bytes: 1, requestCount: 2 },
    staged: {},
    sentAtMs: 0,
    batchId: "batch",
  };
  const pieces = provider.replies(batch, ending, new AbortController().signal);
  const lines = await Array.fromAsync(linesOf(pieces));
  expect(lines.map(({ text }) => text)).toEqual(Object.values(files));
});

describe("openaiBaseUrl", () => {
  it("is the one given, else the environment's, else OpenAI's own", () => {
    expect(openaiBaseUrl("http://127.0.0.1:1/v1")).toBe("http://127.0.0.1:1/v1");
    expect(openaiBaseUrl(undefined)).toBe(OPENAI_BASE_URL);
    vi.stubEnv("OPENAI_BASE_URL", " http://127.0.0.1:2/v1 ");
    expect(openaiBaseUrl(undefined)).toBe("http://127.0.0.1:2/v1");
    vi.stubEnv("OPENAI_BASE_URL", " ");
    expect(openaiBaseUrl(undefined)).toBe(OPENAI_BASE_URL);
  });

  it.each(["", "localhost:8080", "ftp://a/v1", "not a url"])("refuses %j", (url) => {
    expect(() => openaiBaseUrl(url)).toThrow(InputError);
  });
});
