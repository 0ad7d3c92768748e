import fc from "../property.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { HOSTS } from "../../src/provider/hosts.ts";
import { tagOfUpload, upload, uploadName } from "../../src/provider/openai-files.ts";
import { hostProvider } from "../../src/provider/openai-host.ts";
import { hostCalls } from "../../src/provider/openai-sdk.ts";
import type { RequestFile } from "../../src/provider/provider.ts";
import { newFolder } from "../frame/support.ts";
import { spawned } from "../setup/spawned.ts";
import { hostServer, type HostAnswer, type HostServer, type SeenCall } from "./host-server.ts";

const NEVER = new AbortController().signal;
const TAG = { run: "rabcdefg", chunk: 1, intent: "8f14e45f-ceea-467f-a9d0-6f1a2b3c4d5e" };

it("the name of an upload holds its tag", () => {
  const parts = fc.record({
    run: fc.stringMatching(/^[a-z]{1,8}$/),
    chunk: fc.nat(),
    intent: fc.uuid(),
  });
  fc.assert(
    fc.property(parts, (tag) => {
      expect(tagOfUpload(uploadName(tag))).toEqual(tag);
    }),
  );
  expect(tagOfUpload("requests.jsonl")).toBeNull();
  expect(tagOfUpload("batchframe-a-b-c.jsonl")).toBeNull();
});

async function requestFile(): Promise<RequestFile> {
  const path = join(await newFolder(), "requests.jsonl");
  const line = '{"custom_id":"a","body":{"model":"m","messages":[]}}\n';
  await writeFile(path, line);
  return { name: "requests.jsonl", path, bytes: line.length, requestCount: 1 };
}

it("an upload that is given up fails, and its process goes on", async () => {
  const file = await requestFile();
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../src/provider/${name}.ts`, import.meta.url).href);
  const script = `
    const { upload } = await import(${module("openai-files")});
    const { hostCalls } = await import(${module("openai-sdk")});
    const calls = hostCalls({ baseUrl: "http://127.0.0.1:9", apiKey: "k", auth: "bearer", isOpenAi: false });
    const ways = { uploadPath: "/files", purpose: "batch", settles: false, paging: "cursor" };
    const what = { file: ${JSON.stringify(file)}, tag: ${JSON.stringify(TAG)}, ways };
    let failed = 0;
    for (let time = 0; time < 200; time++) {
      const left = new AbortController();
      setTimeout(() => left.abort(), time % 3);
      await upload(calls, what, left.signal).catch(() => failed++);
    }
    console.log("failed", failed);`;
  const { stdout, stderr } = await spawned(process.execPath, ["--input-type=module", "-e", script])
    .ended;
  expect([stdout, stderr]).toEqual(["failed 200\n", ""]);
});

describe("an upload that the host looks at first", () => {
  const ways = { uploadPath: "/files", purpose: "batch", settles: true, paging: "cursor" } as const;

  async function uploaded(
    statuses: readonly string[],
  ): Promise<HostServer & { readonly id: Promise<string> }> {
    const left = [...statuses];
    const answer = ({ call }: SeenCall): HostAnswer =>
      call.startsWith("GET")
        ? [200, { id: "f", status: left.shift(), status_details: "line 1 is no JSON" }]
        : [200, { id: "f", status: "pending" }];
    const server = await hostServer(answer);
    const calls = hostCalls({ ...server, apiKey: "k", auth: "bearer", isOpenAi: false });
    const file = await requestFile();
    return { ...server, id: upload(calls, { file, tag: TAG, ways }, NEVER) };
  }

  it("is used when the host is done with it", async () => {
    const { id, seen } = await uploaded(["pending", "running", "Processed"]);
    expect(await id).toBe("f");
    expect(seen.filter(({ call }) => call === "GET /files/f")).toHaveLength(3);
  });

  it("is deleted again when the host refuses it, and the reason is told", async () => {
    const { id, seen } = await uploaded(["pending", "error"]);
    await expect(id).rejects.toMatchObject({
      code: "provider_refused",
      httpStatus: 400,
      message: expect.stringContaining("line 1 is no JSON") as string,
    });
    expect(seen.at(-1)?.call).toBe("DELETE /files/f");
  });
});

it("an upload that was given no id is no upload", async () => {
  const { baseUrl } = await hostServer(() => [200, {}]);
  const calls = hostCalls({ baseUrl, apiKey: "k", auth: "bearer", isOpenAi: false });
  const ways = {
    uploadPath: "/files",
    purpose: "batch",
    settles: false,
    paging: "cursor",
  } as const;
  const file = await requestFile();
  await expect(upload(calls, { file, tag: TAG, ways }, NEVER)).rejects.toMatchObject({
    code: "provider_failed",
    retryable: true,
  });
});

describe("metadata that a host may refuse", () => {
  async function created(id: string, message: string): Promise<HostServer & { made: unknown }> {
    const refuses = (body: string): boolean => body.includes("metadata");
    const server = await hostServer(({ body }) =>
      refuses(body) ? [422, { error: { message } }] : [200, { id: "b" }],
    );
    const profile = HOSTS.get(id);
    if (profile === undefined) throw new Error(`There is no ${id}.`);
    const provider = hostProvider(profile, { ...server, apiKey: "k" });
    const submission = {
      tag: TAG,
      file: await requestFile(),
      staged: { input: "f" },
      sentAtMs: 0,
    };
    const made = await provider.create(submission, NEVER).catch((error: unknown) => error);
    return { ...server, made };
  }

  it("is left out then, since a refusal says that no batch was made", async () => {
    const { made, seen } = await created("parasail", "Extra field: metadata");
    expect(made).toBe("b");
    expect(seen.map(({ call }) => call)).toEqual(["POST /batches", "POST /batches"]);
    expect(JSON.parse(seen[1]?.body ?? "")).toEqual({
      input_file_id: "f",
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
  });

  it("is not left out for any other refusal, nor where the host is known to keep it", async () => {
    for (const [id, message] of [
      ["parasail", "no such file"],
      ["groq", "Extra field: metadata"],
    ] as const) {
      const { made, seen } = await created(id, message);
      expect(made).toMatchObject({ code: "provider_refused" });
      expect(seen).toHaveLength(1);
    }
  });
});
