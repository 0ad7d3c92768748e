/** What the tests of the Gemini profile share: the official client, request lines, and a batch driven to its end. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GoogleGenAI, JobState, type BatchJob } from "@google/genai";
import { onTestFinished } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { newFolder } from "../frame/support.ts";

/** A running emulator and a client that believes it is Google. */
export interface GoogleStage {
  readonly emulator: Emulator;
  readonly client: GoogleGenAI;
}

/** An emulator with seed 7, unless told otherwise, that is closed when the test ends. */
export async function googleStage(options: EmulatorOptions = {}): Promise<GoogleStage> {
  const emulator = await startEmulator({ seed: 7, ...options });
  onTestFinished(() => emulator.close());
  return { emulator, client: googleClient(emulator) };
}

/** The official client as it comes, but for its address. */
export function googleClient(emulator: Emulator, apiKey = "test-key"): GoogleGenAI {
  return new GoogleGenAI({ apiKey, httpOptions: { baseUrl: emulator.urls.google } });
}

type Json = Readonly<Record<string, unknown>>;

/** A request line. */
export function keyedLine(key: string, text = `text of ${key}`, more: Json = {}): Json {
  return { key, request: { contents: [{ role: "user", parts: [{ text }] }], ...more } };
}

/** `count` lines with the keys r0, r1, and so on. */
export function keyedLines(count: number): readonly Json[] {
  return Array.from({ length: count }, (_, index) => keyedLine(`r${String(index)}`));
}

/** The name of an uploaded file: `lines` as JSON lines, or a text as it stands. */
export async function uploaded(
  client: GoogleGenAI,
  lines: readonly unknown[] | string,
): Promise<string> {
  const path = join(await newFolder(), "requests.jsonl");
  const text =
    typeof lines === "string" ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  await writeFile(path, text);
  const file = await client.files.upload({ file: path, config: { mimeType: "jsonl" } });
  return file.name ?? "";
}

/** A new batch over these lines. */
export async function createdBatch(
  client: GoogleGenAI,
  lines: readonly unknown[] | string,
): Promise<BatchJob> {
  const src = await uploaded(client, lines);
  return client.batches.create({ model: "gemini-test", src, config: { displayName: "tests" } });
}

/** The batch once it has left the states in which it is worked on. */
export async function endedBatch(client: GoogleGenAI, { name = "" }: BatchJob): Promise<BatchJob> {
  for (;;) {
    const batch = await client.batches.get({ name });
    const isOpen =
      batch.state === JobState.JOB_STATE_PENDING || batch.state === JobState.JOB_STATE_RUNNING;
    if (!isOpen) return batch;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The lines of a batch's responses file, in its order. */
export async function replyLines(
  client: GoogleGenAI,
  batch: BatchJob,
): Promise<readonly GoogleReply[]> {
  const downloadPath = join(await newFolder(), "responses.jsonl");
  await client.files.download({ file: batch.dest?.fileName ?? "", downloadPath });
  const lines = (await readFile(downloadPath, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as GoogleReply);
}

/** One line of a responses file, as far as the tests look. */
export interface GoogleReply {
  readonly key: string;
  readonly response?: {
    readonly candidates?: readonly {
      readonly finishReason: string;
      readonly content: { readonly parts?: readonly { readonly text: string }[] };
    }[];
    readonly promptFeedback?: { readonly blockReason: string };
    readonly usageMetadata?: Json;
    readonly modelVersion: string;
  };
  readonly error?: { readonly code: number; readonly message: string };
}

/** What a plain call under the profile's address is answered: the status, the headers, and the JSON. */
export async function plain(
  emulator: Emulator,
  path: string,
  init: RequestInit = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Json }> {
  const headers = { "x-goog-api-key": "test-key", ...(init.headers as Record<string, string>) };
  const response = await fetch(`${emulator.urls.google}${path}`, { ...init, headers });
  const text = await response.text();
  const body = text === "" ? {} : (JSON.parse(text) as Json);
  return { status: response.status, headers: response.headers, body };
}
