import { stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Ending } from "../../src/core/chunk.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { linesOf } from "../../src/core/lines.ts";
import {
  manualClock,
  startEmulator,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import type { BatchProvider, BatchStatus } from "../../src/provider/provider.ts";
import { vertexProvider, type VertexOptions } from "../../src/provider/vertex.ts";
import { CONTRACT_KEY as KEY } from "../../src/testing/testing.ts";
import { proveBatches } from "../contract/prove.ts";
import { newFolder } from "../frame/support.ts";
import { request, type Sent } from "./support.ts";

proveBatches("vertex");

const NEVER = new AbortController().signal;

function clientOf(baseUrl: string, differing: Partial<VertexOptions> = {}): BatchProvider {
  const where = { project: "p", location: "us-central1", bucket: "bucket", storageUrl: baseUrl };
  return vertexProvider({ ...where, model: "m", baseUrl, settleMs: 5, ...differing });
}

async function emulated(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ seed: 3, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

/** A batch of these lines, or of so many that ask something, uploaded and created. */
async function created(
  provider: BatchProvider,
  given: readonly string[] | number = 2,
  intent = "intent-1",
): Promise<Sent> {
  const lines =
    typeof given === "number"
      ? Array.from({ length: given }, (_, at) =>
          provider.encode(request(`text ${String(at)}`), `rabcdefg-1-${String(at)}`),
        )
      : given;
  const path = join(await newFolder(), "requests.jsonl");
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  const { size: bytes } = await stat(path);
  const tag = { run: "rabcdefg", chunk: 1, intent };
  const file = { name: "requests.jsonl", path, bytes, requestCount: lines.length };
  const staged = await provider.stage(file, tag, NEVER);
  const submission = { tag, file, staged, sentAtMs: Date.now() };
  return { ...submission, batchId: await provider.create(submission, NEVER) };
}

async function ended(provider: BatchProvider, batch: Sent): Promise<Ending> {
  for (;;) {
    const status: BatchStatus = await provider.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function linesIn(
  provider: BatchProvider,
  batch: Sent,
  ending: Ending,
): Promise<readonly string[]> {
  const lines = await Array.fromAsync(linesOf(provider.replies(batch, ending, NEVER)));
  return lines.map(({ text }) => text);
}

interface Service {
  readonly url: string;
  readonly seen: (Pick<IncomingMessage, "method" | "url" | "headers"> & {
    readonly body: unknown;
  })[];
}

/** A service that answers every call with what `answer` gives; for what the emulator, being whole, never does. */
async function serviceOf(answer: (url: string) => unknown): Promise<Service> {
  const seen: Service["seen"] = [];
  const server = createServer((incoming, response) => {
    const pieces: Buffer[] = [];
    incoming.on("data", (piece: Buffer) => pieces.push(piece));
    incoming.on("end", () => {
      const text = Buffer.concat(pieces).toString();
      const body: unknown = text.startsWith("{") ? JSON.parse(text) : text;
      const { method, url, headers } = incoming;
      seen.push({ method, url, headers, body });
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(answer(url ?? "")));
    });
  });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, "127.0.0.1", () => {
    resolve(undefined);
  });
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen };
}

const SOME: Sent = {
  tag: { run: "rabcdefg", chunk: 1, intent: "intent-1" },
  file: { name: "x", path: "x", bytes: 1, requestCount: 1 },
  staged: { input: "gs://bucket/batchframe/rabcdefg/1-intent-1/requests.jsonl" },
  sentAtMs: 0,
  batchId: "projects/p/locations/us-central1/batchPredictionJobs/7",
};

describe("a job of Vertex", () => {
  it("is asked for with its files, its model and its tag", async () => {
    const { url, seen } = await serviceOf(() => ({ name: SOME.batchId }));
    expect(await clientOf(url).create(SOME, NEVER)).toBe(SOME.batchId);
    expect(seen).toMatchObject([
      {
        method: "POST",
        url: "/v1/projects/p/locations/us-central1/batchPredictionJobs",
        body: {
          displayName: "batchframe-rabcdefg-1-intent-1",
          model: "publishers/google/models/m",
          inputConfig: { instancesFormat: "jsonl", gcsSource: { uris: [SOME.staged["input"]] } },
          outputConfig: {
            predictionsFormat: "jsonl",
            gcsDestination: {
              outputUriPrefix: "gs://bucket/batchframe/rabcdefg/1-intent-1/output",
            },
          },
          labels: {
            batchframe_run: "rabcdefg",
            batchframe_chunk: "1",
            batchframe_intent: "intent-1",
          },
        },
      },
    ]);
    const tuned = "projects/p/locations/l/models/5";
    await clientOf(url, { model: tuned }).create(SOME, NEVER);
    expect(seen[1]?.body).toMatchObject({ model: tuned });
  });

  it("that was made without a name leaves the question open", async () => {
    const { url } = await serviceOf(() => ({}));
    const error = await clientOf(url)
      .create(SOME, NEVER)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "provider_failed", retryable: true });
    expect((error as ProviderError).httpStatus).toBeUndefined();
  });

  it("is found by its label, and by its input where labels are not shown", async () => {
    const job = { name: "projects/p/x/9", inputConfig: { gcsSource: { uris: ["gs://b/x"] } } };
    const { url, seen } = await serviceOf(() => ({ batchPredictionJobs: [job] }));
    const provider = clientOf(url);
    expect(await provider.find(SOME, NEVER)).toEqual({ found: "nothing" });
    const query = new URL(seen[0]?.url ?? "", url).searchParams;
    expect(query.get("filter")).toBe('labels.batchframe_intent="intent-1"');
    expect(query.get("pageSize")).toBe("100");
    const submission = { ...SOME, staged: { input: "gs://b/x" } };
    expect(await provider.find(submission, NEVER)).toEqual({
      found: "batch",
      batchId: "projects/p/x/9",
    });
  });

  it("is listed from every page, the newest first", async () => {
    const { url } = await serviceOf((asked) => {
      const isSecond = asked.includes("pageToken=more");
      const createTime = `2026-11-2${isSecond ? "1" : "0"}T10:00:00Z`;
      const job = { name: isSecond ? "second" : "first", createTime, state: "JOB_STATE_RUNNING" };
      return { batchPredictionJobs: [job], ...(isSecond ? {} : { nextPageToken: "more" }) };
    });
    const seen = await Array.fromAsync(clientOf(url).list(NEVER));
    expect(seen).toMatchObject([
      { batchId: "second", tag: null, isOpen: true },
      { batchId: "first", createdAtMs: Date.UTC(2026, 10, 20, 10) },
    ]);
  });

  const day = { startTime: "2026-11-20T10:00:00Z", endTime: "2026-11-21T10:00:03.5Z" };
  it.each<[object, object]>([
    [{ state: "JOB_STATE_QUEUED" }, { phase: "validating", done: null }],
    [{ state: "JOB_STATE_PENDING" }, { phase: "validating", done: null }],
    [
      {
        state: "JOB_STATE_RUNNING",
        completionStats: { successfulCount: "2", failedCount: "1", incompleteCount: "-1" },
      },
      { phase: "running", done: 3 },
    ],
    [
      { state: "JOB_STATE_RUNNING", completionStats: {} },
      { phase: "running", done: 0 },
    ],
    [{ state: "JOB_STATE_PAUSED" }, { phase: "running", done: null }],
    [{ state: "JOB_STATE_UPDATING" }, { phase: "running", done: null }],
    [{ state: "SOMETHING_NEW" }, { phase: "running", done: null }],
    [{ state: "JOB_STATE_CANCELLING" }, { phase: "cancelling", done: null }],
    [{ state: "job_state_succeeded" }, { ending: { outcome: "completed", reason: null } }],
    [
      { state: "JOB_STATE_PARTIALLY_SUCCEEDED", error: { code: 13, message: "Some." } },
      { ending: { outcome: "completed", reason: null } },
    ],
    [{ state: "JOB_STATE_EXPIRED" }, { ending: { outcome: "expired", reason: null } }],
    [
      { state: "JOB_STATE_CANCELLED", error: { code: 1, message: "Cancelled." } },
      { ending: { outcome: "cancelled", reason: null } },
    ],
    [{ state: "JOB_STATE_CANCELLED", ...day }, { ending: { outcome: "expired", reason: null } }],
    [
      { state: "JOB_STATE_CANCELLED", ...day, startTime: "2026-11-20T11:00:00Z" },
      { ending: { outcome: "cancelled" } },
    ],
    [
      { state: "JOB_STATE_FAILED", error: { code: 9, message: "Not so." } },
      { ending: { outcome: "failed", reason: { code: "FAILED_PRECONDITION", again: "never" } } },
    ],
    [
      { state: "JOB_STATE_FAILED" },
      { ending: { outcome: "failed", reason: { code: "UNKNOWN", again: "later" } } },
    ],
  ])("that says %j is read as %j", async (job, status) => {
    const { url } = await serviceOf(() => job);
    expect(await clientOf(url).poll(SOME, NEVER)).toMatchObject(status);
  });

  it("is known by the number at the end of its name", async () => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider);
    const number = batch.batchId.split("/").at(-1) ?? "";
    expect((await ended(provider, { ...batch, batchId: number })).outcome).toBe("completed");
  });
});

describe("results", () => {
  it("are read from every shard there is, in whatever order", async () => {
    const emulator = await emulated({ seed: 1 });
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider, 60);
    const ending = await ended(provider, batch);
    expect(ending.results).toMatchObject({
      directory: expect.stringMatching(/^gs:\/\/bucket\/batchframe\/.*\/output\/pred/) as string,
      files: "3",
    });
    const lines = await linesIn(provider, batch, ending);
    const ids = lines.map((line) => provider.parse(line).customId);
    const sent = Array.from({ length: 60 }, (_, at) => `rabcdefg-1-${String(at)}`);
    expect(ids).not.toEqual(sent);
    expect(ids.toSorted()).toEqual(sent.toSorted());
    // The echo of each request comes back with its own answer.
    expect(lines.every((line) => line.includes('"request":{'))).toBe(true);
  });

  it("are kept when a job is cancelled by its user, and when its day is over", async () => {
    const clock = manualClock();
    const emulator = await emulated({ clock, runMs: 36 * 60 * 60 * 1000, concurrency: 1 });
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider, 10);
    const [ending] = await Promise.all([ended(provider, batch), passing(clock, emulator)]);
    expect(ending.outcome).toBe("expired");
    const lines = await linesIn(provider, batch, ending);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(10);
    expect(emulator.stats().rowsExecuted).toBe(lines.length);
  });

  it("end in a line feed, shard by shard, where the service leaves it out", async () => {
    const objects = ["predictions-1.jsonl", "predictions-2.jsonl", "errors_stats", "x/other"];
    const { url } = await serviceOf((asked) =>
      asked.includes("alt=media")
        ? { custom_id: asked.includes("-1.jsonl") ? "a" : "b" }
        : { items: objects.map((name) => ({ name: `out/${name}` })) },
    );
    const provider = clientOf(url);
    const results = { directory: "gs://bucket/out/", files: "2" };
    const ending: Ending = { outcome: "completed", results, reason: null };
    expect(await linesIn(provider, SOME, ending)).toEqual([
      '{"custom_id":"a"}',
      '{"custom_id":"b"}',
    ]);
  });

  it("that are there no more are told from results there never were", async () => {
    const { url } = await serviceOf(() => ({ items: [] }));
    const provider = clientOf(url);
    const read = (files: string): Promise<readonly string[]> =>
      linesIn(provider, SOME, {
        outcome: "completed",
        results: { directory: "gs://bucket/out", files },
        reason: null,
      });
    expect(await read("0")).toEqual([]);
    await expect(read("1")).rejects.toMatchObject({ httpStatus: 404, retryable: false });
  });
});

/** Lets hours pass until every job has ended. */
async function passing(clock: ReturnType<typeof manualClock>, emulator: Emulator): Promise<void> {
  const isOpen = (state: string): boolean => /PENDING|RUNNING|CANCELLING/.test(state);
  while (Object.keys(emulator.stats().batches).some(isOpen)) {
    clock.advance(60 * 60 * 1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("what a run leaves at Google", () => {
  it("is a job without files once it is collected, and nothing once it is removed", async () => {
    const emulator = await emulated({ seed: 1 });
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider, 20);
    await ended(provider, batch);
    await provider.remove(batch.batchId, NEVER);
    expect(emulator.stats().fileDeletions).toBe(4);
    expect(await Array.fromAsync(provider.list(NEVER))).toEqual([]);
    await provider.remove(batch.batchId, NEVER);
    expect(emulator.stats().fileDeletions).toBe(4);
  });

  it("includes every file of a job made elsewhere", async () => {
    const uri = "gs://bucket/mine/input.jsonl";
    const directory = "gs://bucket/mine/output";
    const job = {
      name: SOME.batchId,
      state: "JOB_STATE_SUCCEEDED",
      inputConfig: { gcsSource: { uris: [uri] } },
      outputInfo: { gcsOutputDirectory: directory },
    };
    const { url, seen } = await serviceOf((asked) =>
      asked.includes("/o?") ? { items: [{ name: "mine/output/predictions.jsonl" }] } : job,
    );
    const provider = clientOf(url);
    const ending: Ending = { outcome: "completed", results: { directory }, reason: null };
    await provider.discard({ ...SOME, staged: {} }, ending, NEVER);
    await provider.remove(SOME.batchId, NEVER);
    const deleted = seen.filter(({ method }) => method === "DELETE").map((call) => call.url);
    expect(deleted).toEqual([`/v1/${SOME.batchId}`]);
  });

  it("cannot be removed while the job runs", async () => {
    const emulator = await emulated({ faults: { stuckValidating: 1 } });
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider);
    await expect(provider.remove(batch.batchId, NEVER)).rejects.toMatchObject({
      code: "provider_refused",
    });
    expect(emulator.stats().fileDeletions).toBe(0);
  });
});

describe("calls", () => {
  it("name nobody to an emulator, and the given token's owner where one is given", async () => {
    for (const [token, expected] of [
      [undefined, undefined],
      [KEY, `Bearer ${KEY}`],
    ] as const) {
      const { url, seen } = await serviceOf((asked) =>
        asked.includes("/o?") ? {} : { name: "j" },
      );
      const provider = clientOf(url, token === undefined ? {} : { accessToken: token });
      await provider.create(SOME, NEVER);
      await provider.revoke(SOME, NEVER);
      await provider.discard(
        SOME,
        { outcome: "completed", results: { directory: "gs://bucket/batchframe/x" }, reason: null },
        NEVER,
      );
      expect(seen).toHaveLength(4);
      expect(seen.map(({ headers }) => headers.authorization)).toEqual(seen.map(() => expected));
    }
  });

  it("carry the token in uploads too", async () => {
    const emulator = await emulated({ apiKeys: [KEY] });
    await created(clientOf(emulator.urls.vertex, { accessToken: KEY }));
    expect(emulator.stats()).toMatchObject({ uploads: 1, batchesCreated: 1 });
    const error = await created(clientOf(emulator.urls.vertex)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "provider_auth", httpStatus: 401 });
  });

  it("upload a large file as it lies on disk", async () => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.vertex);
    const long = "ä".repeat(5 * 1024 * 1024);
    const lines = ["r-1-0", "r-1-1"].map((id) => provider.encode(request(id + long), id));
    const batch = await created(provider, lines);
    const ending = await ended(provider, batch);
    const results = (await linesIn(provider, batch, ending)).map((line) => provider.parse(line));
    const lengths = results.map((result) => [
      result.customId,
      result.status === "succeeded" ? result.text.length : null,
    ]);
    expect(lengths.toSorted()).toEqual([
      ["r-1-0", long.length + 5],
      ["r-1-1", long.length + 5],
    ]);
  });

  it("say what Cloud Storage answered when an upload is refused in its middle", async () => {
    const emulator = await emulated({ faults: { error500: { routes: ["PUT /b/{bucket}/o"] } } });
    const error = await created(clientOf(emulator.urls.vertex)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code: "provider_failed", httpStatus: 500, retryable: true });
    expect(emulator.stats().calls["PUT /b/{bucket}/o"]).toBe(1);
  });

  it("that cost nothing are made three times where they fail, and no more", async () => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider);
    const ending = await ended(provider, batch);
    const listed = "GET /b/{bucket}/o";
    const before = emulator.stats().calls[listed] ?? 0;
    emulator.setFaults({ error500: { count: 2, routes: [listed] } });
    expect(await linesIn(provider, batch, ending)).toHaveLength(2);
    expect(emulator.stats().calls[listed]).toBe(before + 3);
    emulator.setFaults({ error500: { routes: [listed] } });
    await expect(linesIn(provider, batch, ending)).rejects.toMatchObject({ httpStatus: 500 });
    expect(emulator.stats().calls[listed]).toBe(before + 6);
  });

  it("know by its checksum that a file did not come whole", async () => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider);
    const ending = await ended(provider, batch);
    emulator.setFaults({ cutDownload: { count: 1, how: "shortLength" } });
    await expect(linesIn(provider, batch, ending)).rejects.toMatchObject({
      code: "download_incomplete",
      retryable: true,
    });
  });

  it("stop an upload when told to", async () => {
    const emulator = await emulated({ faults: { delayMs: 60_000 } });
    const provider = clientOf(emulator.urls.vertex);
    const stop = new AbortController();
    const path = join(await newFolder(), "requests.jsonl");
    await writeFile(path, "{}\n");
    const file = { name: "x", path, bytes: 3, requestCount: 1 };
    const staging = provider.stage(file, SOME.tag, stop.signal);
    stop.abort();
    const error = await staging.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ProviderError);
  });
});

describe("a job whose file the importer refuses", () => {
  it.each<[string, readonly object[], string]>([
    ["a reference in a schema", [{ request: { contents: [], x: { $ref: "a" } } }], "$ref"],
    ["a blank in a name", [{ request: { "a b": 1 } }], "a b"],
    ["an empty object", [{ request: {} }], "request"],
    [
      "a change of type",
      [
        { a: "x", request: { b: 1 } },
        { a: 1, request: { b: 1 } },
      ],
      ".a",
    ],
    ["no object", [[1]], "JSON"],
  ])("for %s fails as a whole, for good, and costs nothing", async (_, rows, words) => {
    const emulator = await emulated();
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(
      provider,
      rows.map((row) => JSON.stringify(row)),
    );
    const ending = await ended(provider, batch);
    expect(ending).toMatchObject({
      outcome: "failed",
      reason: { code: "INVALID_ARGUMENT", again: "never" },
    });
    expect(ending.reason?.message).toContain(words);
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 0, rowsFailed: 0 });
  });

  it("is not told from one for which there is no room but by its code", async () => {
    const emulator = await emulated({ limits: { enqueuedTokens: 1 } });
    const provider = clientOf(emulator.urls.vertex);
    const batch = await created(provider);
    expect(await ended(provider, batch)).toMatchObject({
      outcome: "failed",
      reason: { code: "RESOURCE_EXHAUSTED", again: "room" },
    });
  });
});
