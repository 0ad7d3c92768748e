/**
 * Somebody else's service, provider and proof: `outside.test.ts` copies this file out of the repository
 * and runs it under `node:test`, with batchframe installed as a package.
 */

import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import * as runner from "node:test";
import { startEmulator } from "../../src/emulator/emulator.ts";
import {
  InputError,
  openModel,
  ProviderError,
  type BatchProvider,
  type Request,
  type RequestSpec,
  type Tag,
} from "../../src/index.ts";
import {
  CONTRACT_KEY,
  providerContract,
  rowsContract,
  type Books,
  type Line,
  type ServiceOptions,
} from "../../src/testing/testing.ts";

interface Posted {
  readonly id: string;
  readonly tag: Tag;
  readonly atMs: number;
}

/** A service that says of every text how long it is. It counts, knows its keys, and never misbehaves. */
async function startPostbox({ apiKeys = [CONTRACT_KEY] }: ServiceOptions) {
  const files = new Map<string, string>();
  const posted: Posted[] = [];
  const books = { batchesCreated: 0, uploads: 0, fileDeletions: 0, rowsExecuted: 0, calls: {} };
  const acts: Readonly<Record<string, (id: string, body: string) => unknown>> = {
    "PUT /files": (id, body) => {
      books.uploads += 1;
      files.set(id, body);
    },
    "DELETE /files": (id) => {
      books.fileDeletions += files.delete(id) ? 1 : 0;
    },
    "POST /batches": (id, body) => {
      const text = files.get(id);
      if (text === undefined) return undefined;
      books.batchesCreated += 1;
      books.rowsExecuted += text.split("\n").length - 1;
      posted.unshift({ id, tag: JSON.parse(body) as Tag, atMs: Date.now() });
      return { id };
    },
    "GET /batches": () => posted,
    "GET /results": (id) => files.get(id)?.split("\n").slice(0, -1).map(answered),
  };
  const server = createServer((incoming, response) => {
    void textOf(incoming).then((body) => {
      const [, kind = "", id = ""] = (incoming.url ?? "").split("/");
      const isKnown = apiKeys.includes(incoming.headers["x-key"] as string);
      const answer = acts[`${incoming.method ?? ""} /${kind}`]?.(id, body);
      const isFound =
        answer !== undefined || incoming.method === "PUT" || incoming.method === "DELETE";
      response.writeHead(!isKnown ? 401 : isFound ? 200 : 404);
      response.end(
        isKnown ? JSON.stringify(answer ?? {}) : `${String(incoming.headers["x-key"])}?`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    stats: (): Books => books,
    close: async (): Promise<void> => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answered(line: string): unknown {
  const { custom_id, text } = JSON.parse(line) as { custom_id: string; text: string };
  return { custom_id, answer: `${String(text.length)} characters`, tokens: text.length };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = await Array.fromAsync(incoming as AsyncIterable<Buffer>);
  return Buffer.concat(pieces).toString();
}

/** One call, told as batchframe wants it when it goes wrong. */
async function call(url: string, key: string, init: RequestInit = {}): Promise<string> {
  const reply = await fetch(url, { ...init, headers: { "x-key": key } }).catch((cause: unknown) => {
    throw new ProviderError("provider_unreachable", "The postbox does not answer.", {
      retryable: true,
      cause,
    });
  });
  const body = await reply.text();
  if (reply.ok) return body;
  const code = reply.status === 401 ? "provider_auth" : "provider_refused";
  const message = `The postbox answered ${String(reply.status)}: ${body.replaceAll(key, "[key]")}`;
  throw new ProviderError(code, message, { httpStatus: reply.status });
}

function refuseAllButText({ settings, promptCache, form }: RequestSpec): void {
  if (form.kind !== "text") throw new InputError("output_unsupported", "The postbox gives text.");
  if (Object.keys({ ...settings, ...promptCache }).length > 0)
    throw new InputError("setting_unsupported", "The postbox has no settings.");
}

function lineOf(request: Request, custom_id: string): string {
  const content = request.messages.at(-1)?.content;
  if (typeof content !== "string")
    throw new InputError("part_unsupported", "The postbox reads text only.");
  return JSON.stringify({ custom_id, text: content });
}

/** The provider, in the form every provider has. */
function postbox(url: string, key: string): BatchProvider {
  const list = async (): Promise<readonly Posted[]> =>
    JSON.parse(await call(`${url}/batches`, key)) as readonly Posted[];
  const drop = async (id: string): Promise<void> => {
    await call(`${url}/files/${id}`, key, { method: "DELETE" });
  };
  return {
    id: "postbox",
    host: new URL(url).host,
    limits: {
      maxRequestsPerBatch: 1000,
      maxBytesPerBatch: 1_000_000,
      maxBytesPerRequest: 10_000,
      maxBatchesInFlight: null,
    },
    pollEveryMs: 1000,
    requestsPerChunk: 1000,
    settleMs: 1,
    free: true,
    check: refuseAllButText,
    encode: lineOf,
    readdress: (line, custom_id) => JSON.stringify({ ...(JSON.parse(line) as object), custom_id }),
    amendable: () => new Set(),
    amend: (line, custom_id) => JSON.stringify({ ...(JSON.parse(line) as object), custom_id }),
    stage: async ({ path }, { intent }) => {
      await call(`${url}/files/${intent}`, key, { method: "PUT", body: await readFile(path) });
      return { file: intent };
    },
    create: async ({ tag }) => {
      const body = JSON.stringify(tag);
      await call(`${url}/batches/${tag.intent}`, key, { method: "POST", body });
      return tag.intent;
    },
    find: async ({ tag }) => {
      const found = (await list()).find(({ id }) => id === tag.intent);
      return found === undefined ? { found: "nothing" } : { found: "batch", batchId: found.id };
    },
    revoke: ({ tag }) => drop(tag.intent),
    poll: async () => {
      await list();
      return { phase: "ended", ending: { outcome: "completed", results: {}, reason: null } };
    },
    replies: async function* ({ batchId }) {
      const results = JSON.parse(
        await call(`${url}/results/${batchId}`, key),
      ) as readonly unknown[];
      for (const result of results) yield Buffer.from(`${JSON.stringify(result)}\n`);
    },
    parse: (line) => {
      const reply = JSON.parse(line) as { custom_id: string; answer: string; tokens: number };
      const usage = {
        outputTokens: 3,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        reasoningTokens: 0,
      };
      return {
        status: "succeeded",
        customId: reply.custom_id,
        text: reply.answer,
        model: null,
        usage: { inputTokens: reply.tokens, ...usage },
      };
    },
    cancel: () => Promise.resolve(),
    discard: ({ batchId }) => drop(batchId),
    list: async function* () {
      for (const { id, tag, atMs } of await list())
        yield { batchId: id, tag, createdAtMs: atMs, isOpen: false };
    },
    remove: (batchId) => drop(batchId),
    close: () => Promise.resolve(),
  };
}

async function connect(options: ServiceOptions): Promise<Line> {
  const service = await startPostbox(options);
  return { service, provider: postbox(service.url, CONTRACT_KEY) };
}

providerContract(runner, "postbox", connect, { powers: ["books", "keys"] });
rowsContract(runner, "postbox", connect, {
  carries: ["text"],
  holdsSchemas: true,
  isFree: true,
  powers: ["books", "keys"],
});

// Every promise, against the emulator of the package.
providerContract(runner, "openai from outside", async (options) => {
  const service = await startEmulator(options);
  const model = { provider: "openai", model: "m", baseUrl: service.url, apiKey: CONTRACT_KEY };
  return { service, provider: (await openModel(model)).provider };
});
