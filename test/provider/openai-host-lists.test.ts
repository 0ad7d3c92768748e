import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HOSTS } from "../../src/provider/hosts.ts";
import { hostProvider } from "../../src/provider/openai-host.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { newFolder } from "../frame/support.ts";
import { hostServer, type HostAnswer, type HostServer } from "./host-server.ts";

const NEVER = new AbortController().signal;
const TAG = { run: "rabcdefg", chunk: 3, intent: "8f14e45f-ceea-467f-a9d0-6f1a2b3c4d5e" };

async function connected(
  id: string,
  replies: Readonly<Record<string, HostAnswer>>,
): Promise<HostServer & { readonly provider: BatchProvider }> {
  const server = await hostServer(
    ({ call }) => replies[call.split("?")[0] ?? ""] ?? [404, { error: { message: "no" } }],
  );
  const profile = HOSTS.get(id);
  if (profile === undefined) throw new Error(`There is no host named ${id}.`);
  return { ...server, provider: hostProvider(profile, { ...server, apiKey: "k", model: "m" }) };
}

describe("a list that comes whole", () => {
  it("is put in order, the newest first, and tells the tags in the names of the input files", async () => {
    const { provider, seen } = await connected("together", {
      "GET /batches": [
        200,
        [
          {
            id: "old",
            input_file_id: "f1",
            status: "COMPLETED",
            created_at: "2026-01-01T00:00:00Z",
          },
          {
            id: "new",
            input_file_id: "f2",
            status: "IN_PROGRESS",
            created_at: "2026-03-01T00:00:00Z",
          },
          {
            id: "mid",
            input_file_id: "f3",
            status: "CANCELING",
            created_at: "2026-02-01T00:00:00Z",
          },
        ],
      ],
      "GET /files": [
        200,
        {
          data: [
            { id: "f1", filename: "theirs.jsonl" },
            { id: "f2", filename: `batchframe-${TAG.run}-3-${TAG.intent}.jsonl` },
          ],
        },
      ],
    });
    expect(await Array.fromAsync(provider.list(NEVER))).toEqual([
      { batchId: "new", tag: TAG, createdAtMs: Date.UTC(2026, 2, 1), isOpen: true },
      { batchId: "mid", tag: null, createdAtMs: Date.UTC(2026, 1, 1), isOpen: false },
      { batchId: "old", tag: null, createdAtMs: Date.UTC(2026, 0, 1), isOpen: false },
    ]);
    expect(seen.map(({ call }) => call)).toEqual(["GET /batches", "GET /files"]);
  });
});

it("a batch whose age the host does not tell counts as new, never as too old", async () => {
  const before = Date.now();
  const { provider } = await connected("groq", {
    "GET /batches": [200, { data: [{ id: "b", status: "completed" }] }],
  });
  const [batch] = await Array.fromAsync(provider.list(NEVER));
  expect(batch?.createdAtMs).toBeGreaterThanOrEqual(before);
});

describe("a batch that is removed", () => {
  const job = {
    id: "j",
    status: "SUCCESS",
    input_files: ["in"],
    output_file: "out",
    error_file: null,
  };

  it("goes with its files, and with its record where the host can", async () => {
    const { provider, seen } = await connected("mistral", { "GET /batch/jobs/j": [200, job] });
    await provider.remove("j", NEVER);
    expect(seen.map(({ call }) => call)).toEqual([
      "GET /batch/jobs/j",
      "DELETE /files/in",
      "DELETE /files/out",
      "DELETE /batch/jobs/j",
    ]);
  });

  it("keeps its record where the host keeps all of them", async () => {
    const batch = { id: "b", status: "completed", input_file_id: "in", output_file_id: "out" };
    const { provider, seen } = await connected("openai", { "GET /batches/b": [200, batch] });
    await provider.remove("b", NEVER);
    expect(seen.map(({ call }) => call)).toEqual([
      "GET /batches/b",
      "DELETE /files/in",
      "DELETE /files/out",
    ]);
  });

  it("may be gone already, and is no error then", async () => {
    const { provider, seen } = await connected("mistral", {});
    await expect(provider.remove("j", NEVER)).resolves.toBeUndefined();
    expect(seen).toHaveLength(1);
  });
});

it("what a batch is created from is in each host's own words", async () => {
  const made: Record<string, unknown> = {};
  for (const id of ["openai", "together", "regolo", "mistral"]) {
    const path = id === "mistral" ? "POST /batch/jobs" : "POST /batches";
    const { provider, seen } = await connected(id, { [path]: [200, { job: { id: "b" } }] });
    const file = { name: "none", path: import.meta.filename, bytes: 1, requestCount: 1 };
    const submission = { tag: TAG, file, staged: { input: "in" }, sentAtMs: 0 };
    expect(await provider.create(submission, NEVER)).toBe("b");
    made[id] = JSON.parse(seen[0]?.body ?? "");
  }
  const metadata = {
    batchframe_run: TAG.run,
    batchframe_chunk: "3",
    batchframe_intent: TAG.intent,
  };
  const plain = { input_file_id: "in", endpoint: "/v1/chat/completions" };
  expect(made).toEqual({
    openai: { ...plain, completion_window: "24h", metadata },
    together: { ...plain, completion_window: "24h" },
    regolo: { ...plain, timeout_minutes: 1440 },
    mistral: {
      input_files: ["in"],
      endpoint: "/v1/chat/completions",
      timeout_hours: 24,
      model: "m",
      metadata,
    },
  });
});

it("a file made elsewhere that names neither endpoint nor model is embedded, with the model asked for", async () => {
  const path = join(await newFolder(), "theirs.jsonl");
  await writeFile(path, '{"custom_id":"a","body":{"input":"hello"}}\n');
  const { provider, seen } = await connected("mistral", {
    "POST /batch/jobs": [200, { id: "b" }],
  });
  const file = { name: "theirs.jsonl", path, bytes: 1, requestCount: 1 };
  await provider.create({ tag: TAG, file, staged: { input: "in" }, sentAtMs: 0 }, NEVER);
  const body: unknown = JSON.parse(seen[0]?.body ?? "");
  expect(body).toMatchObject({ endpoint: "/v1/embeddings", model: "m" });
});

it("a create call that is answered with no batch leaves the question open", async () => {
  const { provider } = await connected("openai", { "POST /batches": [200, {}] });
  const file = { name: "none", path: import.meta.filename, bytes: 1, requestCount: 1 };
  const submission = { tag: TAG, file, staged: { input: "in" }, sentAtMs: 0 };
  const error: unknown = await provider
    .create(submission, NEVER)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "provider_failed", retryable: true });
  expect(error).toMatchObject({ httpStatus: undefined });
});
