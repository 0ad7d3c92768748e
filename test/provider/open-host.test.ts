import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { HOSTS } from "../../src/provider/hosts.ts";
import type { HostProfile } from "../../src/provider/host-profile.ts";
import { hostBaseUrl, openHost } from "../../src/provider/open-host.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { newFolder } from "../frame/support.ts";
import { hostServer, type HostAnswer } from "./host-server.ts";
import { request } from "./support.ts";

const KEY = "key-of-this-host";
const NEVER = new AbortController().signal;
const TAG = { run: "rabcdefg", chunk: 1, intent: "intent" };

function host(id: string): HostProfile {
  const profile = HOSTS.get(id);
  if (profile === undefined) throw new Error(`There is no host named ${id}.`);
  return profile;
}

beforeEach(() => {
  for (const { baseUrlVariables, keyVariable } of HOSTS.values())
    for (const variable of [...baseUrlVariables, keyVariable]) vi.stubEnv(variable, "");
});

async function started(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ seed: 3, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

describe("hostBaseUrl", () => {
  it("is the one given, else the environment's, else the host's own", () => {
    expect(hostBaseUrl(host("together"), undefined)).toBe("https://api.together.ai/v1");
    vi.stubEnv("TOGETHER_BASE_URL", "http://127.0.0.1:1/v1");
    expect(hostBaseUrl(host("together"), undefined)).toBe("http://127.0.0.1:1/v1");
    expect(hostBaseUrl(host("together"), "http://127.0.0.1:2/v1")).toBe("http://127.0.0.1:2/v1");
  });

  it.each([
    ["groq", "https://api.groq.com", "https://api.groq.com/openai/v1"],
    ["groq", "https://gateway.example/groq/v1", "https://gateway.example/groq/v1"],
    ["azure", "https://me.openai.azure.com/", "https://me.openai.azure.com/openai/v1"],
    [
      "azure",
      "https://me.azure.com/openai?api-version=1",
      "https://me.azure.com/openai?api-version=1",
    ],
    ["mistral", "https://api.mistral.ai", "https://api.mistral.ai/v1"],
    ["compatible", "http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api"],
    ["openai", "http://127.0.0.1:8000", "http://127.0.0.1:8000"],
  ])("%s is reached at %s", (id, given, used) => {
    expect(hostBaseUrl(host(id), given)).toBe(used);
  });

  it("takes Azure's own name for an endpoint as well", () => {
    vi.stubEnv("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com");
    expect(hostBaseUrl(host("azure"), undefined)).toBe("https://me.openai.azure.com/openai/v1");
    vi.stubEnv("AZURE_BASE_URL", "https://other.example/v1");
    expect(hostBaseUrl(host("azure"), undefined)).toBe("https://other.example/v1");
  });

  it.each(["azure", "compatible"])("%s has none of its own", (id) => {
    expect(() => hostBaseUrl(host(id), undefined)).toThrow(
      expect.objectContaining({ code: "base_url_missing" }) as Error,
    );
  });

  it("refuses what is no address", () => {
    expect(() => hostBaseUrl(host("groq"), "localhost:1")).toThrow(
      expect.objectContaining({ code: "base_url_invalid" }) as Error,
    );
  });
});

describe("openHost", () => {
  it.each([...HOSTS.values()].filter(({ keyNeeded }) => keyNeeded).map(({ id }) => id))(
    "%s needs its key, and says under which name",
    async (id) => {
      const opened = openHost(host(id), { model: "m", baseUrl: "http://127.0.0.1:9/v1" });
      const { keyVariable } = host(id);
      await expect(opened).rejects.toMatchObject({ code: "missing_key" });
      await expect(opened).rejects.toThrow(keyVariable);
    },
  );

  it("takes key and address from the environment", async () => {
    const emulator = await started({ apiKeys: [KEY] });
    vi.stubEnv("GROQ_API_KEY", KEY);
    vi.stubEnv("GROQ_BASE_URL", emulator.urls.groq);
    const provider = await openHost(host("groq"), { model: "m" });
    expect(await Array.fromAsync(provider.list(NEVER))).toEqual([]);
  });

  it("asks a server without batches live, and answers all the same", async () => {
    const emulator = await started();
    const wishes = { model: "m", baseUrl: emulator.urls.plain };
    const provider = await openHost(host("compatible"), wishes);
    onTestFinished(() => provider.close());
    expect(await answers(provider)).toEqual(["hello"]);
    expect(emulator.stats()).toMatchObject({ liveCalls: 1, batchesCreated: 0 });
  });

  it("asks Regolo live where its batches are not to be found, at most ten at a time", async () => {
    const emulator = await started();
    const wishes = { model: "m", baseUrl: emulator.urls.plain, apiKey: KEY };
    const provider = await openHost(host("regolo"), wishes);
    onTestFinished(() => provider.close());
    expect(provider.id).toBe("regolo");
    expect(await answers(provider)).toEqual(["hello"]);
    expect(emulator.stats().liveCalls).toBe(1);
  });

  it("uses the batches of a server that has them", async () => {
    const emulator = await started();
    const wishes = { model: "m", baseUrl: emulator.url, apiKey: KEY };
    const provider = await openHost(host("compatible"), wishes);
    expect(provider.limits.maxBatchesInFlight).toBeNull();
    expect(emulator.stats().calls).toMatchObject({ "GET /files": 1, "GET /batches": 1 });
  });
});

/** The texts that come back for one request, through whatever the provider does. */
async function answers(provider: BatchProvider): Promise<readonly string[]> {
  const path = join(await newFolder(), "requests.jsonl");
  const line = `${provider.encode(request("hello"), "rabcdefg-1-0")}\n`;
  await writeFile(path, line);
  const file = { name: "requests.jsonl", path, bytes: line.length, requestCount: 1 };
  const staged = await provider.stage(file, TAG, NEVER);
  const submission = { tag: TAG, file, staged, sentAtMs: Date.now() };
  const batchId = await provider.create(submission, NEVER);
  for (;;) {
    const status = await provider.poll({ ...submission, batchId }, NEVER);
    if (status.phase === "ended") {
      const pieces = provider.replies({ ...submission, batchId }, status.ending, NEVER);
      const text = Buffer.concat(await Array.fromAsync(pieces)).toString();
      return text
        .trimEnd()
        .split("\n")
        .map((reply) => provider.parse(reply))
        .map((result) => (result.status === "succeeded" ? result.text : result.failure.code));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("whether a server has batches", () => {
  const lists = (files: HostAnswer, batches: HostAnswer) => async (): Promise<boolean> => {
    const { baseUrl } = await hostServer(({ call }) =>
      call.startsWith("GET /files") ? files : batches,
    );
    const provider = await openHost(host("compatible"), { model: "m", baseUrl });
    await provider.close();
    // The engine that asks live runs two chunks at a time; a host is given as many as come.
    return provider.limits.maxBatchesInFlight === null;
  };
  const LIST: HostAnswer = [200, { object: "list", data: [] }];

  it("shows in its lists of files and of batches, both of them", async () => {
    expect(await lists(LIST, LIST)()).toBe(true);
    expect(await lists([200, []], [200, { value: [] }])()).toBe(true);
  });

  it.each([
    ["no such path", [404, {}], LIST],
    ["no such verb", [405, {}], LIST],
    ["not implemented", [501, {}], LIST],
    ["an answer to every path", [200, { error: "Unexpected endpoint or method." }], LIST],
    ["a page to every path", [200, "<html>"], LIST],
    ["files alone", LIST, [404, {}]],
  ] as const)("%s means none", async (_what, files, batches) => {
    expect(await lists(files, batches)()).toBe(false);
  });

  it.each([
    [401, "provider_auth"],
    [403, "provider_auth"],
    [400, "provider_refused"],
  ])("HTTP %d says nothing about it and is an error", async (status, code) => {
    await expect(lists([status, {}], LIST)()).rejects.toMatchObject({ code });
  });

  it("is not known of a server that is not there", async () => {
    const emulator = await started();
    const { url } = emulator;
    await emulator.close();
    const opened = openHost(host("compatible"), { model: "m", baseUrl: url });
    await expect(opened).rejects.toMatchObject({ code: "provider_unreachable" });
  });
});
