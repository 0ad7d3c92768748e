import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { spec } from "./support.ts";
import { customId } from "../../src/core/tracker.ts";
import {
  manualClock,
  startEmulator,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import {
  ANTHROPIC_BASE_URL,
  anthropicBaseUrl,
  anthropicProvider,
} from "../../src/provider/anthropic.ts";
import type { BatchProvider, Submission, Tag } from "../../src/provider/provider.ts";
import { CONTRACT_KEY as KEY } from "../../src/testing/testing.ts";
import { proveBatches } from "../contract/prove.ts";

proveBatches("anthropic");

const NEVER = new AbortController().signal;
const TAG: Tag = { run: "rabcdefg", chunk: 1, intent: "intent-1" };

let folder: string;
let emulator: Emulator | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anthropic-"));
});
afterEach(async () => {
  await emulator?.close();
  emulator = null;
  await rm(folder, { recursive: true, force: true });
});

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  emulator = await startEmulator({ seed: 3, ...options });
  return emulator;
}

function connect({ urls }: Emulator, settleMs = 5): BatchProvider {
  return anthropicProvider({ apiKey: KEY, baseUrl: urls.anthropic, settleMs });
}

/** A submission of `count` requests about to be sent. */
async function submissionOf(
  tag: Tag = TAG,
  { count = 3, sentAtMs = Date.now() } = {},
): Promise<Submission> {
  const path = join(folder, `${tag.run}-${String(tag.chunk)}.jsonl`);
  const provider = anthropicProvider({ apiKey: KEY, baseUrl: ANTHROPIC_BASE_URL });
  const lines = Array.from({ length: count }, (_, ordinal) =>
    provider.encode(
      {
        model: "m",
        params: {},
        form: { kind: "text" },
        settings: {},
        promptCache: null,
        messages: [{ role: "user", content: `text ${String(ordinal)} ö` }],
        cells: [],
      },
      customId(tag.run, { chunk: tag.chunk, ordinal }),
    ),
  );
  const text = lines.map((line) => `${line}\n`).join("");
  await writeFile(path, text);
  const file = { name: path, path, bytes: Buffer.byteLength(text), requestCount: count };
  return { tag, file, staged: {}, sentAtMs };
}

async function ended(provider: BatchProvider, submission: Submission, batchId: string) {
  const batch = { ...submission, batchId };
  for (;;) {
    const status = await provider.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
  }
}

async function released(service: Emulator): Promise<void> {
  while (service.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("anthropic's limits and habits", () => {
  it("are those of its reference, the envelope of the create call counted", () => {
    const provider = anthropicProvider({ apiKey: KEY, baseUrl: "http://127.0.0.1:9/anthropic" });
    expect(provider.limits).toMatchObject({
      maxRequestsPerBatch: 100_000,
      maxBytesPerBatch: 256_000_000 - 14,
    });
    expect(provider).toMatchObject({ id: "anthropic", host: "127.0.0.1:9", free: false });
    provider.check(spec({ kind: "labels", labels: [{ name: "a" }] }));
  });

  it.each([
    [{ settings: { seed: 1 } }, "setting_unsupported", "seed"],
    [{ settings: { reasoning: "minimal" } }, "setting_unsupported", "minimal"],
    [{ promptCache: { key: "k" } }, "setting_unsupported", "promptCache.key"],
    [{ promptCache: { content: "c" } }, "setting_unsupported", "promptCache.content"],
    [{ promptCache: { lastUserMessages: 5 } }, "setting_unsupported", "lastUserMessages"],
    [{ params: { stream: true } }, "params_unsupported", "stream"],
    [{ form: { kind: "embedding", dimensions: null } }, "output_unsupported", "embedding"],
  ] as const)("include what it refuses before anything is sent: %j", (differing, code, word) => {
    const provider = anthropicProvider({ apiKey: KEY, baseUrl: "http://127.0.0.1:9/anthropic" });
    expect(() => {
      provider.check({ ...spec(), ...differing });
    }).toThrow(expect.objectContaining({ code, message: expect.stringContaining(word) as string }));
  });

  it("uploads nothing and can take nothing back", async () => {
    const service = await start();
    const provider = connect(service);
    const submission = await submissionOf();
    expect(await provider.stage(submission.file, TAG, NEVER)).toEqual({});
    await provider.revoke(submission, NEVER);
    expect(service.requests()).toEqual([]);
  });

  it("names its version and its key, and announces how long the body is", async () => {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      request.resume();
      request.on("end", () =>
        response.setHeader("content-type", "application/json").end('{"id":"b"}'),
      );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "another-credential");
    const provider = anthropicProvider({
      apiKey: KEY,
      baseUrl: `http://127.0.0.1:${String(port)}`,
    });
    const submission = await submissionOf();
    expect(await provider.create(submission, NEVER)).toBe("b");
    server.close();
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      authorization: `Bearer ${KEY}`,
      "anthropic-version": "2023-06-01",
      "content-length": String(submission.file.bytes + 14),
    });
    expect(JSON.stringify(seen[0])).not.toContain("another-credential");
  });

  it("gives every outcome of a batch its word", async () => {
    const service = await start({ faults: { expireRows: { customIds: ["rabcdefg-1-0"] } } });
    const provider = connect(service);
    const submission = await submissionOf();
    const batchId = await provider.create(submission, NEVER);
    expect(await ended(provider, submission, batchId)).toMatchObject({ outcome: "expired" });
    service.setFaults({ failRows: 1 });
    const failed = await provider.create(submission, NEVER);
    expect(await ended(provider, submission, failed)).toMatchObject({ outcome: "completed" });
    service.setFaults({ stuck: 1 });
    const held = await provider.create(submission, NEVER);
    await provider.cancel({ ...submission, batchId: held }, NEVER);
    expect((await provider.poll({ ...submission, batchId: held }, NEVER)).phase).toBe("cancelling");
    expect(await ended(provider, submission, held)).toMatchObject({ outcome: "cancelled" });
  });
});

describe("looking for a batch whose create call was cut off", () => {
  it("waits while it runs, and proves it by its ids when it has ended", async () => {
    const service = await start({ faults: { createAcceptedThenCut: 1, stuck: 1 } });
    const provider = connect(service);
    const submission = await submissionOf();
    await expect(provider.create(submission, NEVER)).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await provider.find(submission, NEVER)).toEqual({ found: "unclear" });
    await released(service);
    let sighting = await provider.find(submission, NEVER);
    while (sighting.found === "unclear") sighting = await provider.find(submission, NEVER);
    expect(sighting.found).toBe("batch");
  });

  it("tells two lost batches of one size apart", async () => {
    const service = await start({ faults: { createAcceptedThen500: 1 } });
    const provider = connect(service);
    const tags = [TAG, { ...TAG, chunk: 2, intent: "intent-2" }];
    const submissions = await Promise.all(tags.map((tag) => submissionOf(tag)));
    for (const submission of submissions)
      await expect(provider.create(submission, NEVER)).rejects.toThrow();
    const found = new Set<string>();
    for (const submission of submissions) {
      let sighting = await provider.find(submission, NEVER);
      while (sighting.found === "unclear") sighting = await provider.find(submission, NEVER);
      if (sighting.found !== "batch") throw new Error("The batch was not found.");
      found.add(sighting.batchId);
      const batch = { ...submission, batchId: sighting.batchId };
      const ending = await ended(provider, submission, sighting.batchId);
      const text = Buffer.concat(await Array.fromAsync(provider.replies(batch, ending, NEVER)));
      expect(text.toString()).toContain(`"rabcdefg-${String(submission.tag.chunk)}-0"`);
    }
    expect(found.size).toBe(2);
  });

  it("leaves out batches that other chunks hold", async () => {
    const service = await start({ faults: { stuck: 1 } });
    const provider = connect(service);
    const other = await submissionOf({ ...TAG, chunk: 2, intent: "intent-2" });
    const held = await provider.create(other, NEVER);
    const sentAtMs = Date.now() - 120_000;
    const submission = await submissionOf(TAG, { sentAtMs });
    expect(await provider.find(submission, NEVER)).toEqual({ found: "unclear" });
    expect(await provider.find(submission, NEVER, new Set([held]))).toEqual({ found: "nothing" });
  });

  it("believes that there is none only when the list has had time since the first look", async () => {
    const service = await start({ faults: { error500: { routes: ["POST /messages/batches"] } } });
    const provider = connect(service, 50);
    // The call took longer than settling does, or another process made it and was alive until now.
    const submission = await submissionOf(TAG, { sentAtMs: Date.now() - 1000 });
    await expect(provider.create(submission, NEVER)).rejects.toThrow();
    expect(await provider.find(submission, NEVER)).toEqual({ found: "unclear" });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(await provider.find(submission, NEVER)).toEqual({ found: "nothing" });
  });

  it("believes it at the first look once no call can have been alive for that long", async () => {
    const provider = connect(await start(), 50);
    const old = await submissionOf(TAG, { sentAtMs: Date.now() - 61_000 });
    expect(await provider.find(old, NEVER)).toEqual({ found: "nothing" });
  });

  it("takes a batch whose results are gone for the one that was paid for", async () => {
    const clock = manualClock(Date.now());
    const service = await start({ clock, faults: { createAcceptedThenCut: 1 } });
    const submission = await submissionOf();
    const provider = connect(service);
    await expect(provider.create(submission, NEVER)).rejects.toThrow();
    while (service.stats().batches["ended"] !== 1) {
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    clock.advance(29 * 24 * 60 * 60 * 1000);
    expect((await provider.find(submission, NEVER)).found).toBe("batch");
    expect(service.stats().downloads).toBe(0);
  });
});

describe("the batches that are ours", () => {
  it("are known once they have ended, by the ids in their results", async () => {
    const service = await start();
    const provider = connect(service);
    const first = await submissionOf();
    const firstId = await provider.create(first, NEVER);
    await ended(provider, first, firstId);
    const stranger = JSON.stringify({
      requests: [{ custom_id: "r1", params: { model: "m", max_tokens: 1, messages: [] } }],
    });
    await fetch(`${service.urls.anthropic}/v1/messages/batches`, {
      method: "POST",
      body: stranger,
      headers: { "x-api-key": "k", "anthropic-version": "2023-06-01" },
    });
    while (service.stats().batches["ended"] !== 2)
      await new Promise((resolve) => setTimeout(resolve, 2));
    service.setFaults({ stuck: 1 });
    await provider.create(await submissionOf({ ...TAG, chunk: 2 }), NEVER);
    expect(await Array.fromAsync(provider.list(NEVER))).toMatchObject([
      { tag: null, isOpen: true },
      { tag: null, isOpen: false },
      { batchId: firstId, tag: { run: "rabcdefg", chunk: 1, intent: "" }, isOpen: false },
    ]);
    const { downloads } = service.stats();
    await Array.fromAsync(provider.list(NEVER));
    expect(service.stats().downloads).toBe(downloads);
  });
});

describe("anthropicBaseUrl", () => {
  it("is the one given, else the environment's, else Anthropic's own", () => {
    vi.stubEnv("ANTHROPIC_BASE_URL", "");
    expect(anthropicBaseUrl(undefined)).toBe(ANTHROPIC_BASE_URL);
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:2");
    expect(anthropicBaseUrl(undefined)).toBe("http://127.0.0.1:2");
    expect(anthropicBaseUrl("http://127.0.0.1:1")).toBe("http://127.0.0.1:1");
    expect(() => anthropicBaseUrl("127.0.0.1")).toThrow(/Nothing was sent/);
  });
});
