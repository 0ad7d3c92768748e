/** What the emulator's tests share: the official client, request lines, and a batch driven to its end. */
import OpenAI, { toFile } from "openai";
import type { Batch } from "openai/resources/batches";
import { afterEach } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";

/** A running emulator and a client that believes it is OpenAI. */
export interface Stage {
  readonly emulator: Emulator;
  readonly client: OpenAI;
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
export function clientOf(emulator: Emulator, apiKey = "test-key"): OpenAI {
  return new OpenAI({ apiKey, baseURL: emulator.url, maxRetries: 0 });
}

/** A request line for chat completions. */
export function chatLine(
  customId: string,
  text = `text of ${customId}`,
  body: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const messages = [{ role: "user", content: text }];
  const whole = { model: "gpt-test", messages, ...body };
  return { custom_id: customId, method: "POST", url: "/v1/chat/completions", body: whole };
}

/** `count` chat lines with the ids r0, r1, and so on. */
export function chatLines(count: number): readonly Readonly<Record<string, unknown>>[] {
  return Array.from({ length: count }, (_, index) => chatLine(`r${String(index)}`));
}

/** The id of an uploaded batch file: `lines` as JSON lines, or a text as it stands. */
export async function upload(client: OpenAI, lines: readonly unknown[] | string): Promise<string> {
  const text =
    typeof lines === "string" ? lines : lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const file = await toFile(Buffer.from(text), "requests.jsonl");
  return (await client.files.create({ purpose: "batch", file })).id;
}

/** A new batch over these lines. */
export async function create(
  client: OpenAI,
  lines: readonly unknown[] | string,
  endpoint: OpenAI.BatchCreateParams["endpoint"] = "/v1/chat/completions",
): Promise<Batch> {
  const input_file_id = await upload(client, lines);
  return client.batches.create({ input_file_id, endpoint, completion_window: "24h" });
}

/** The batch once `reached` holds of it. */
export async function until(
  client: OpenAI,
  id: string,
  reached: (batch: Batch) => boolean,
): Promise<Batch> {
  for (;;) {
    const batch = await client.batches.retrieve(id);
    if (reached(batch)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The batch once it has ended. */
export function ended(client: OpenAI, id: string): Promise<Batch> {
  const last = ["completed", "failed", "expired", "cancelled"];
  return until(client, id, (batch) => last.includes(batch.status));
}

/** A new batch over these lines, once it has ended. */
export async function run(client: OpenAI, lines: readonly unknown[] | string): Promise<Batch> {
  return ended(client, (await create(client, lines)).id);
}

/** One line of a result file, as far as the tests look. */
export interface ResultLine {
  readonly custom_id: string;
  readonly response: {
    readonly status_code: number;
    readonly body: {
      readonly choices: readonly [
        {
          readonly finish_reason: string;
          readonly message: { readonly content: string | null; readonly refusal: string | null };
        },
      ];
      readonly usage?: { readonly total_tokens: number };
      readonly error: { readonly code: string | null; readonly type: string };
      readonly model: string;
    };
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The text of a file; empty for no file. */
export async function textOf(client: OpenAI, fileId: string | null | undefined): Promise<string> {
  return fileId ? (await client.files.content(fileId)).text() : "";
}

/** The lines of a result file, in its order; none for no file. */
export async function linesIn(
  client: OpenAI,
  fileId: string | null | undefined,
): Promise<readonly ResultLine[]> {
  const lines = (await textOf(client, fileId)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as ResultLine);
}

/** The only result line of the batch's output file. */
export async function onlyLine(client: OpenAI, batch: Batch): Promise<ResultLine> {
  const [line, ...more] = await linesIn(client, batch.output_file_id ?? batch.error_file_id);
  if (line === undefined || more.length > 0) throw new Error("There is not exactly one line.");
  return line;
}

/** The first choice of a result line. */
export function choiceOf(line: ResultLine | undefined): {
  readonly content: string | null;
  readonly refusal: string | null;
  readonly reason: string;
} {
  const choice = line?.response?.body.choices[0];
  if (choice === undefined) throw new Error("The line has no choice.");
  const { content, refusal } = choice.message;
  return { content, refusal, reason: choice.finish_reason };
}
