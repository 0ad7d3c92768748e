import { stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { spec } from "./support.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import {
  GOOGLE_BASE_URL,
  googleBaseUrl,
  googleKey,
  googleProvider,
} from "../../src/provider/google.ts";
import { openModel } from "../../src/provider/models.ts";
import type { BatchProvider, BatchStatus } from "../../src/provider/provider.ts";
import type { Sent } from "./support.ts";
import { CONTRACT_KEY as KEY } from "../../src/testing/testing.ts";
import { proveBatches } from "../contract/prove.ts";
import { newFolder } from "../frame/support.ts";

proveBatches("google");

const NEVER = new AbortController().signal;

function clientOf(baseUrl: string, model = "m"): BatchProvider {
  return googleProvider({ apiKey: KEY, baseUrl, model, settleMs: 5 });
}

async function emulated(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ seed: 3, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

/** A batch of these lines, or of two that ask something, that is yet to be created. */
async function prepared(provider: BatchProvider, given?: readonly string[]): Promise<Sent> {
  const lines =
    given ??
    ["a", "b"].map((content, at) =>
      provider.encode(
        {
          model: "m",
          params: {},
          form: { kind: "text" },
          settings: {},
          promptCache: null,
          messages: [{ role: "user", content }],
          cells: [],
        },
        `rabcdefg-1-${String(at)}`,
      ),
    );
  const path = join(await newFolder(), "requests.jsonl");
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  const { size: bytes } = await stat(path);
  const tag = { run: "rabcdefg", chunk: 1, intent: "8f14e45f" };
  const file = { name: "requests.jsonl", path, bytes, requestCount: lines.length };
  return { tag, file, staged: {}, sentAtMs: Date.now(), batchId: "" };
}

async function created(provider: BatchProvider, given?: readonly string[]): Promise<Sent> {
  const batch = await prepared(provider, given);
  const sent = { ...batch, staged: await provider.stage(batch.file, batch.tag, NEVER) };
  return { ...sent, batchId: await provider.create(sent, NEVER) };
}

async function ended(
  provider: BatchProvider,
  batch: Sent,
): Promise<Extract<BatchStatus, { phase: "ended" }>["ending"]> {
  for (;;) {
    const status = await provider.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function textOf(
  provider: BatchProvider,
  batch: Sent,
  results: Readonly<Record<string, string>>,
): Promise<string> {
  const ending = { outcome: "completed", results, reason: null } as const;
  const pieces = await Array.fromAsync(provider.replies(batch, ending, NEVER));
  return Buffer.concat(pieces).toString();
}

async function failure(act: () => Promise<unknown>): Promise<ProviderError> {
  const error = await act().catch((thrown: unknown) => thrown);
  if (error instanceof ProviderError) return error;
  throw new Error(`Not a ProviderError: ${String(error)}`);
}

/** A service that answers every call as told; for what the emulator, being whole, never does. */
async function serviceOf(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, "127.0.0.1", () => {
    resolve(undefined);
  });
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function sends(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

describe("google's limits and habits", () => {
  it("are those of its guides", () => {
    const provider = clientOf("http://127.0.0.1:9/google");
    expect(provider.limits).toMatchObject({
      maxBytesPerBatch: 2_000_000_000,
      maxBytesPerRequest: 20_000_000,
      maxBatchesInFlight: 100,
    });
    expect(provider).toMatchObject({ id: "google", host: "127.0.0.1:9" });
    provider.check(spec({ kind: "labels", labels: [{ name: "a" }, { name: "b" }] }));
  });

  it("include that a batch which was cancelled, expired or failed gives nothing", async () => {
    const emulator = await emulated({ faults: { stuck: 1 } });
    const provider = clientOf(emulator.urls.google);
    const cancelled = await created(provider);
    await provider.cancel(cancelled, NEVER);
    expect(await ended(provider, cancelled)).toEqual({
      outcome: "cancelled",
      results: {},
      reason: null,
    });
    emulator.setFaults({ expireRows: { count: 1 } });
    const expired = await ended(provider, await created(provider));
    expect(expired).toEqual({ outcome: "expired", results: {}, reason: null });
  });

  it("include that a cancelled batch may succeed, and is then collected", async () => {
    const emulator = await emulated({ runMs: 60, faults: { cancelTooLate: 1 } });
    const provider = clientOf(emulator.urls.google);
    const batch = await created(provider);
    await provider.cancel(batch, NEVER);
    const { outcome, results } = await ended(provider, batch);
    expect(outcome).toBe("completed");
    expect((await textOf(provider, batch, results)).trim().split("\n")).toHaveLength(2);
    expect(await failure(() => provider.cancel(batch, NEVER))).toMatchObject({
      code: "provider_refused",
    });
  });

  it("include lists that are empty for who names no page size", async () => {
    const emulator = await emulated({ faults: { listNeedsPageSize: true } });
    const provider = clientOf(emulator.urls.google);
    const batch = await created(provider);
    expect(await provider.find(batch, NEVER)).toEqual({ found: "batch", batchId: batch.batchId });
    expect(await provider.find({ ...batch, tag: { ...batch.tag, chunk: 2 } }, NEVER)).toEqual({
      found: "batch",
      batchId: batch.batchId,
    });
    const unlearnt = { ...batch, staged: {} };
    expect(await provider.find(unlearnt, NEVER)).toMatchObject({ batchId: batch.batchId });
    const other = { ...batch, staged: {}, tag: { ...batch.tag, chunk: 2 } };
    expect(await provider.find(other, NEVER)).toEqual({ found: "nothing" });
  });

  it("include that how far a batch is comes as text", async () => {
    const emulator = await emulated({ runMs: 200, concurrency: 1 });
    const provider = clientOf(emulator.urls.google);
    const batch = await created(provider);
    const seen = new Set<number | null>();
    for (;;) {
      const status = await provider.poll(batch, NEVER);
      if (status.phase === "ended") break;
      seen.add(status.done);
    }
    expect([...seen]).toEqual([0, 1, 2]);
  });
});

describe("google's create call", () => {
  it.each([
    [
      "texts",
      '{"key":"a","request":{"contents":[]}}',
      "batchGenerateContent",
      { fileName: "files/abc" },
    ],
    [
      "vectors",
      '{"key":"a","request":{"content":{"parts":[]}}}',
      "asyncBatchEmbedContent",
      { file_name: "files/abc" },
    ],
  ])("asks for %s where the file's first line does", async (_, line, method, inputConfig) => {
    const seen: unknown[] = [];
    const baseUrl = await serviceOf((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        seen.push(request.url, JSON.parse(Buffer.concat(pieces).toString()));
        sends(response, 200, { name: "batches/x" });
      });
    });
    const provider = clientOf(baseUrl);
    const batch = { ...(await prepared(provider, [line])), staged: { input: "files/abc" } };
    expect(await provider.create(batch, NEVER)).toBe("batches/x");
    const displayName = "batchframe-rabcdefg-1-8f14e45f";
    expect(seen).toEqual([`/v1beta/models/m:${method}`, { batch: { displayName, inputConfig } }]);
  });
});

describe("google's refusals of a request", () => {
  it.each([
    [{ promptCache: { system: true } }, "promptCache.system"],
    [{ promptCache: { key: "k" } }, "promptCache.key"],
    [{ settings: { toolChoice: "required" } }, "toolChoice"],
    [
      { settings: { temperature: 1 }, form: { kind: "embedding", dimensions: null } },
      "temperature",
    ],
  ] as const)("come before anything is sent: %j", (differing, word) => {
    expect(() => {
      clientOf("http://127.0.0.1:9/google").check({ ...spec(), ...differing });
    }).toThrow(
      expect.objectContaining({
        code: "setting_unsupported",
        message: expect.stringContaining(word) as string,
      }),
    );
  });

  it("name a system message beside cached content", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hi" },
    ] as const;
    const promptCache = { content: "cachedContents/1" };
    const asked = { ...spec(), messages, cells: [], promptCache };
    expect(() => clientOf("http://127.0.0.1:9/google").encode(asked, "a")).toThrow(
      expect.objectContaining({ code: "setting_unsupported" }),
    );
  });
});

describe("google's refusals of a batch", () => {
  it("for lack of room may pass, and make none", async () => {
    const emulator = await emulated({ limits: { enqueuedTokens: 1 } });
    expect(await failure(() => created(clientOf(emulator.urls.google)))).toMatchObject({
      code: "provider_busy",
      httpStatus: 429,
      retryable: true,
    });
    expect(emulator.stats().batchesCreated).toBe(0);
  });

  it.each([
    ["a malformed row", ["{}"], 400, "provider_refused"],
    ["a row that is no JSON", ["{"], 400, "provider_refused"],
    [
      "a parameter that does not exist",
      ['{"key":"a","request":{"contents":[],"generationConfig":{"max_tokens":1}}}'],
      400,
      "provider_refused",
    ],
  ])("for %s are final", async (_, lines, httpStatus, code) => {
    const emulator = await emulated();
    const error = await failure(() => created(clientOf(emulator.urls.google), lines));
    expect(error).toMatchObject({ httpStatus, code, retryable: false });
    expect(error.message).toContain("Row 1");
  });

  it("for an unknown model are final, and a model's full name is taken as it is", async () => {
    const emulator = await emulated({ models: ["known"] });
    const unknown = clientOf(emulator.urls.google, "other");
    const error = await failure(() => created(unknown));
    expect(error).toMatchObject({ httpStatus: 404, code: "provider_refused", retryable: false });
    const batch = await created(clientOf(emulator.urls.google, "models/known"));
    expect(batch.batchId).toMatch(/^batches\//);
  });

  it("for a bad key come as HTTP 400 and are told from bad requests", async () => {
    const emulator = await emulated({ apiKeys: ["another"] });
    const error = await failure(() => created(clientOf(emulator.urls.google)));
    expect(error).toMatchObject({ code: "provider_auth", httpStatus: 400, retryable: false });
    expect(error.hint).toContain("GEMINI_API_KEY");
  });
});

describe("an upload", () => {
  it("goes in pieces of 8 MiB, and its bytes come as they were", async () => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.google);
    const long = "ä".repeat(5 * 1024 * 1024);
    const encoded = (id: string): string =>
      `{"key":"${id}","request":{"contents":[{"role":"user","parts":[{"text":"${id}${long}"}]}]}}`;
    const batch = await created(provider, [encoded("r-1-0"), encoded("r-1-1")]);
    expect(batch.file.bytes).toBeGreaterThan(2 * 8 * 1024 * 1024);
    expect(emulator.stats().calls["POST /files"]).toBe(4);
    const { results } = await ended(provider, batch);
    const lines = (await textOf(provider, batch, results)).trim().split("\n");
    const texts = lines
      .map((line) => provider.parse(line))
      .map((result) => [
        result.customId,
        result.status === "succeeded" ? result.text.length : null,
      ]);
    expect(texts.toSorted()).toEqual([
      ["r-1-0", long.length + 5],
      ["r-1-1", long.length + 5],
    ]);
  });

  it("sends its bytes through the base URL, whatever host the service names for them", async () => {
    const seen: string[] = [];
    const baseUrl = await serviceOf((request, response) => {
      seen.push(request.url ?? "");
      request.resume();
      if (request.headers["x-goog-upload-command"] === "start")
        response.setHeader(
          "x-goog-upload-url",
          "https://example.invalid/upload/v1beta/files?upload_id=u",
        );
      sends(response, 200, { file: { name: "files/abc" } });
    });
    const provider = clientOf(baseUrl);
    const { file, tag } = await prepared(provider);
    expect(await provider.stage(file, tag, NEVER)).toEqual({ input: "files/abc" });
    expect(seen).toEqual(["/upload/v1beta/files", "/upload/v1beta/files?upload_id=u"]);
  });
});

describe("a download", () => {
  const line = '{"key":"a","response":{}}';

  it("is not whole when it ends in half a line, even where no length is known", async () => {
    const baseUrl = await serviceOf((request, response) => {
      if (request.url?.startsWith("/download") === true)
        response.end(`${line}\n${line.slice(0, 9)}`);
      else
        sends(response, 400, { error: { code: 400, message: "No.", status: "INVALID_ARGUMENT" } });
    });
    const provider = clientOf(baseUrl);
    const batch = await prepared(provider);
    const error = await failure(() => textOf(provider, batch, { output: "files/batch-x" }));
    expect(error).toMatchObject({ code: "download_incomplete", retryable: true });
  });

  it("is not whole when it is shorter than the service says, even where it ends with a line", async () => {
    const baseUrl = await serviceOf((request, response) => {
      if (request.url?.startsWith("/download") === true) response.end(`${line}\n`);
      else sends(response, 200, { sizeBytes: String(2 * line.length + 2) });
    });
    const provider = clientOf(baseUrl);
    const batch = await prepared(provider);
    const error = await failure(() => textOf(provider, batch, { output: "files/batch-x" }));
    expect(error).toMatchObject({ code: "download_incomplete", retryable: true });
  });

  it("ends in a line feed, where the service leaves it out", async () => {
    const baseUrl = await serviceOf((request, response) => {
      if (request.url?.startsWith("/download") === true) response.end(`${line}\n${line}`);
      else sends(response, 200, { sizeBytes: String(2 * line.length + 1) });
    });
    const provider = clientOf(baseUrl);
    const batch = await prepared(provider);
    expect(await textOf(provider, batch, { output: "files/batch-x" })).toBe(`${line}\n${line}\n`);
  });

  it.each([
    ["is gone when its batch is gone", 404, "provider_refused", 404],
    ["is not ours to read when its batch is there", 200, "provider_auth", 403],
  ])("that is denied %s", async (_, batchStatus, code, httpStatus) => {
    const baseUrl = await serviceOf((request, response) => {
      const isBatch = request.url?.includes("/batches/") === true;
      sends(response, isBatch ? batchStatus : 403, { error: { message: "No." } });
    });
    const provider = clientOf(baseUrl);
    const batch = { ...(await prepared(provider)), batchId: "batches/x" };
    const error = await failure(() => textOf(provider, batch, { output: "files/batch-x" }));
    expect(error).toMatchObject({ code, httpStatus });
  });
});

describe("a call", () => {
  it("carries the key in a header and nowhere else, and follows nobody to another host", async () => {
    const seen: (readonly [string | undefined, unknown])[] = [];
    const other = await serviceOf((_request, response) => {
      sends(response, 200, {});
    });
    const baseUrl = await serviceOf((request, response) => {
      seen.push([request.url, request.headers["x-goog-api-key"]]);
      response.writeHead(302, { location: `${other}/elsewhere` }).end();
    });
    const provider = clientOf(baseUrl);
    const batch = { ...(await prepared(provider)), batchId: "batches/x" };
    const error = await failure(() => provider.poll(batch, NEVER));
    expect(error).toMatchObject({ code: "provider_unreachable" });
    expect(seen[0]).toEqual(["/v1beta/batches/x", KEY]);
    expect(JSON.stringify(seen.map(([url]) => url))).not.toContain(KEY);
  });

  it("passes on the wait that the details of a refusal name", async () => {
    const baseUrl = await serviceOf((_request, response) => {
      const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "37s" }];
      const error = { code: 429, message: "Slow.", status: "RESOURCE_EXHAUSTED", details };
      sends(response, 429, { error });
    });
    const provider = clientOf(baseUrl);
    expect(await failure(() => created(provider))).toMatchObject({ retryAfterMs: 37_000 });
  });

  it("that created a batch and did not name it leaves the question open", async () => {
    const baseUrl = await serviceOf((_request, response) => {
      sends(response, 200, {});
    });
    const provider = clientOf(baseUrl);
    const batch = await prepared(provider);
    const error = await failure(() => provider.create(batch, NEVER));
    expect(error).toMatchObject({ code: "provider_failed", retryable: true });
    expect(error.httpStatus).toBeUndefined();
  });

  it("reads an operation that is done without a state it knows", async () => {
    const operations: Record<string, unknown> = {
      a: { done: true, response: { responsesFile: "files/r" } },
      b: { done: true, error: { code: 8, message: "Full." } },
      c: { metadata: { state: "BATCH_STATE_NEW", batchStats: { requestCount: "2" } } },
      d: { metadata: { state: "JOB_STATE_EXPIRED" } },
    };
    const baseUrl = await serviceOf((request, response) => {
      sends(response, 200, operations[request.url?.at(-1) ?? ""]);
    });
    const provider = clientOf(baseUrl);
    const batch = await prepared(provider);
    const look = (id: string): Promise<BatchStatus> =>
      provider.poll({ ...batch, batchId: `batches/${id}` }, NEVER);
    expect(await look("a")).toMatchObject({
      ending: { outcome: "completed", results: { output: "files/r" } },
    });
    expect(await look("b")).toMatchObject({
      ending: { outcome: "failed", reason: { code: "RESOURCE_EXHAUSTED", again: "room" } },
    });
    expect(await look("c")).toEqual({ phase: "running", done: 0 });
    expect(await look("d")).toMatchObject({ ending: { outcome: "expired" } });
  });
});

describe("the address and the key", () => {
  it("are those given, else the environment's, else Google's own", () => {
    expect(googleBaseUrl("http://127.0.0.1:1")).toBe("http://127.0.0.1:1");
    expect(googleBaseUrl(undefined)).toBe(GOOGLE_BASE_URL);
    vi.stubEnv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:2");
    expect(googleBaseUrl(undefined)).toBe("http://127.0.0.1:2");
    vi.stubEnv("GOOGLE_BASE_URL", "http://127.0.0.1:3");
    expect(googleBaseUrl(undefined)).toBe("http://127.0.0.1:3");
  });

  it("prefer GOOGLE_API_KEY to GEMINI_API_KEY", async () => {
    expect(googleKey).toThrow(/GOOGLE_API_KEY/);
    vi.stubEnv("GEMINI_API_KEY", "gemini-key");
    expect(googleKey()).toBe("gemini-key");
    vi.stubEnv("GOOGLE_API_KEY", "google-key");
    expect(googleKey()).toBe("google-key");
    const opened = await openModel("google/gemini-2.5-flash");
    expect([opened.provider.id, opened.model]).toEqual(["google", "gemini-2.5-flash"]);
  });
});
