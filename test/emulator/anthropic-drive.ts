/** What the tests of Anthropic's profile share: the official client, and batches driven to their end. */
import Anthropic from "@anthropic-ai/sdk";
import { afterEach } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";

/** A running emulator and a client that believes it is Anthropic. */
export interface Stage {
  readonly emulator: Emulator;
  readonly client: Anthropic;
}

const open: Emulator[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((emulator) => emulator.close()));
});

/** An emulator with seed 7, unless told otherwise, that is closed when the test ends. */
export async function stage(options: EmulatorOptions = {}): Promise<Stage> {
  const emulator = await startEmulator({ seed: 7, ...options });
  open.push(emulator);
  return { emulator, client: clientOf(emulator) };
}

/** The official client, which asks once and never again. */
export function clientOf(emulator: Emulator, apiKey = "test-key"): Anthropic {
  return new Anthropic({ apiKey, baseURL: emulator.urls.anthropic, maxRetries: 0 });
}

/** What one message is asked with. */
export function paramsOf(text: string): Anthropic.MessageCreateParamsNonStreaming {
  return { model: "claude-test", max_tokens: 64, messages: [{ role: "user", content: text }] };
}

/** `count` requests with the ids r0, r1, and so on. */
export function requestsOf(count: number): Anthropic.Messages.BatchCreateParams["requests"] {
  return Array.from({ length: count }, (_, index) => ({
    custom_id: `r${String(index)}`,
    params: paramsOf(`text of r${String(index)}`),
  }));
}

/** The batch once it has ended. */
export async function ended(
  client: Anthropic,
  id: string,
): Promise<Anthropic.Messages.MessageBatch> {
  for (;;) {
    const batch = await client.messages.batches.retrieve(id);
    if (batch.processing_status === "ended") return batch;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The results of a batch in the order they came. */
export async function resultsOf(
  client: Anthropic,
  id: string,
): Promise<readonly Anthropic.Messages.MessageBatchIndividualResponse[]> {
  return await Array.fromAsync(await client.messages.batches.results(id));
}

/** A call as plain HTTP, with the headers every call needs unless others are given. */
export async function call(
  emulator: Emulator,
  path: string,
  init: { readonly headers?: Record<string, string>; readonly body?: unknown } = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: unknown }> {
  const headers = init.headers ?? { "x-api-key": "k", "anthropic-version": "2023-06-01" };
  const body = typeof init.body === "string" ? init.body : JSON.stringify(init.body);
  const request = init.body === undefined ? { headers } : { method: "POST", headers, body };
  const response = await fetch(`${emulator.urls.anthropic}${path}`, request);
  return {
    status: response.status,
    headers: response.headers,
    body: await response.json(),
  };
}
