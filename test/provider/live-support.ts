import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Ending } from "../../src/core/chunk.ts";
import { linesOf } from "../../src/core/lines.ts";
import type { Request } from "../../src/core/request.ts";
import type { Result } from "../../src/core/result.ts";
import { SERVER_SCHEMA_DIALECT } from "../../src/core/schema-dialect.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { liveProvider, type LiveOptions } from "../../src/provider/live.ts";
import { CHAT_SETTINGS, type ChatDialect } from "../../src/provider/openai-dialect.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { request, type Sent } from "./support.ts";

/** The key that live clients in tests use. */
export const KEY = "sk-live-0123456789";

/** A signal that nothing aborts. */
export const NEVER = new AbortController().signal;

/** A server that takes everything. */
export const DIALECT: ChatDialect = {
  provider: "compatible",
  layout: "routed",
  maxTokens: "max_tokens",
  structured: "json_schema",
  schemas: SERVER_SCHEMA_DIALECT,
  settings: CHAT_SETTINGS,
  promptCacheKey: false,
  images: true,
  files: false,
  embeddings: "float",
  responses: false,
};

/** A live client of some address, closed when the test is over. */
export function liveAt(baseUrl: string, options: Partial<LiveOptions> = {}): BatchProvider {
  const provider = liveProvider({
    id: "compatible",
    baseUrl,
    apiKey: KEY,
    dialect: DIALECT,
    ...options,
  });
  onTestFinished(() => provider.close());
  return provider;
}

/** An emulator and a live client of it. */
export async function liveWith(
  emulated: EmulatorOptions = {},
  options: Partial<LiveOptions> = {},
): Promise<{ readonly emulator: Emulator; readonly provider: BatchProvider }> {
  const emulator = await startEmulator({ seed: 5, ...emulated });
  onTestFinished(() => emulator.close());
  return { emulator, provider: liveAt(emulator.url, options) };
}

/** The base URL of a server made of one function. */
export async function serverOf(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1`;
}

/** A chat completion that says something. */
export function completion(content: string): string {
  const message = { role: "assistant", content };
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  return JSON.stringify({ model: "m", choices: [{ message, finish_reason: "stop" }], usage });
}

/** The id of the request at a place. */
export function idAt(place: number): string {
  return `rabcdefg-1-${String(place)}`;
}

/** A batch of requests, one for each text or as given, in a folder of its own. */
export async function batchFor(
  provider: BatchProvider,
  asked: readonly (string | Request)[],
): Promise<Sent> {
  const folder = await mkdtemp(join(tmpdir(), "live-"));
  const path = join(folder, "000001.requests.jsonl");
  const lines = asked.map((one, place) =>
    provider.encode(typeof one === "string" ? request(one) : one, idAt(place)),
  );
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  const { size } = await stat(path);
  const file = { name: "000001.requests.jsonl", path, bytes: size, requestCount: lines.length };
  const tag = { run: "rabcdefg", chunk: 1, intent: "intent" };
  return { tag, file, staged: {}, sentAtMs: 0, batchId: "local-intent" };
}

/** Waits for the end of a batch. */
export async function ended(provider: BatchProvider, batch: Sent): Promise<Ending> {
  for (;;) {
    const status = await provider.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The results of a batch, in the order of its requests. */
export async function resultsOf(provider: BatchProvider, batch: Sent): Promise<readonly Result[]> {
  const ending = await ended(provider, batch);
  const lines = await Array.fromAsync(linesOf(provider.replies(batch, ending, NEVER)));
  const placeOf = ({ customId }: Result): number => Number(customId?.split("-").at(-1));
  return lines.map(({ text }) => provider.parse(text)).toSorted((a, b) => placeOf(a) - placeOf(b));
}

/** The texts of the answers, and the codes of the failures in their places. */
export function saidBy(results: readonly Result[]): readonly string[] {
  return results.map((result) =>
    result.status === "succeeded" ? result.text : `(${result.failure.code})`,
  );
}

/** The journal of a batch, line by line; empty when there is none. */
export async function journalOf(batch: Sent): Promise<readonly string[]> {
  const text = await readFile(`${batch.file.path}.journal`, "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}
