/** Reply lines of a batch, read into results or kept as they are. */

import { batchOf, type Desk, type Waiting } from "./batch-desk.ts";
import { resultLine, resultOfFailure, type BatchResult } from "./batch-results.ts";
import { endingOf } from "./batch-waiting.ts";
import type { BatchOutcome } from "../core/chunk.ts";
import { linesOf } from "../core/lines.ts";
import type { Result } from "../core/result.ts";
import { writeWhole } from "../frame/csv-output.ts";
import { readAnswer, type AnswerReading } from "../output/answer.ts";
import type { AnswerOf } from "../output/answer-type.ts";
import { askedOutput, type OutputOption } from "../output/form.ts";
import { bytesOf, customIdsOf, type LinesSource } from "./request-lines.ts";

/** How replies are read. */
export interface ReadOptions<O extends OutputOption> extends Waiting {
  /** What the answers were asked to be: `value` is read in this form, and an answer that has another fails as `invalid_output`. */
  readonly output?: O;
  /** The requests of the batch: those without a reply are then told as well, last. */
  readonly requests?: LinesSource;
}

/** The value of an answer that is read in the form `O`. */
export type ValueOf<O> = O extends undefined ? string | Float32Array : AnswerOf<O>;

/** What of a batch is kept in a file. */
export interface DownloadOptions extends ReadOptions<OutputOption> {
  /** The provider's own reply lines, or results as {@link Batches.results} gives them, as JSON; the former when left out. */
  readonly as?: "replies" | "results";
}

/** A file of reply lines. */
export interface Downloaded {
  readonly path: string;
  readonly replyCount: number;
  /** How many of them are answers. */
  readonly succeededCount: number;
  readonly bytes: number;
}

/** The results of an ended batch; see {@link Batches.results}. */
export async function* results<const O extends OutputOption>(
  desk: Desk,
  batchId: string,
  options: ReadOptions<O>,
): AsyncGenerator<BatchResult<ValueOf<O>>> {
  const ending = await endingOf(desk, batchId, options);
  const replies = desk.provider.replies(batchOf(desk, batchId), ending, desk.signalOf(options));
  yield* read(desk, replies, { ...options, outcome: ending.outcome });
}

/** The results in reply lines that are at hand; see {@link Batches.parse}. */
export async function* readReplies<const O extends OutputOption>(
  desk: Desk,
  source: LinesSource,
  options: Omit<ReadOptions<O>, "signal">,
): AsyncGenerator<BatchResult<ValueOf<O>>> {
  yield* read(desk, bytesOf(source), { ...options, outcome: "completed" });
}

interface Reading<O extends OutputOption> extends ReadOptions<O> {
  readonly outcome: BatchOutcome;
}

async function* read<const O extends OutputOption>(
  desk: Desk,
  pieces: AsyncIterable<Uint8Array>,
  { output, requests, outcome }: Reading<O>,
): AsyncGenerator<BatchResult<ValueOf<O>>> {
  const isStrict = desk.provider.schemaDialect?.isEnforced ?? true;
  const reading =
    output === undefined ? null : { ...(await askedOutput(output, desk.model)), isStrict };
  const replied = new Set<string>();
  for await (const { text } of linesOf(pieces)) {
    const result = await resultOf(desk.provider.parse(text), reading);
    if (requests !== undefined && result.customId !== null) replied.add(result.customId);
    yield result as BatchResult<ValueOf<O>>;
  }
  if (requests === undefined) return;
  for await (const customId of customIdsOf(requests, desk.provider))
    if (!replied.has(customId)) yield unanswered(customId, outcome);
}

async function resultOf(
  result: Result,
  reading: AnswerReading | null,
): Promise<BatchResult<unknown>> {
  const { customId, usage } = result;
  if (result.status === "failed") return resultOfFailure(customId, result.failure, usage);
  const fail = (
    code: "invalid_output" | "provider_error",
    message: string,
  ): BatchResult<never> => ({
    status: "failed",
    customId,
    code,
    message,
    retryable: false,
    usage,
  });
  if (customId === null)
    return fail("provider_error", "The reply carries no custom id, so it answers nothing known.");
  const { text, toolCalls = [], embedding = null, model } = result;
  const answer =
    reading === null ? { value: embedding ?? text } : await readAnswer(reading, result);
  if ("invalid" in answer) return fail("invalid_output", answer.invalid);
  const { value } = answer;
  return { status: "succeeded", customId, text, value, toolCalls, embedding, model, usage };
}

function unanswered(customId: string, outcome: BatchOutcome): BatchResult<never> {
  if (outcome === "expired" || outcome === "cancelled") return { status: outcome, customId };
  const message = "The batch ended without a reply to this request.";
  return { status: "failed", customId, code: "missing", message, retryable: true, usage: null };
}

/** The reply lines of an ended batch as the provider gives them; see {@link Batches.replies}. */
export async function* replyLines(
  desk: Desk,
  batchId: string,
  options: Waiting | undefined,
): AsyncGenerator<string> {
  const ending = await endingOf(desk, batchId, options);
  const replies = desk.provider.replies(batchOf(desk, batchId), ending, desk.signalOf(options));
  for await (const { text } of linesOf(replies)) yield text;
}

/** Keeps the reply lines of an ended batch; see {@link Batches.download}. */
export async function download(
  desk: Desk,
  batchId: string,
  options: DownloadOptions & { readonly path: string },
): Promise<Downloaded> {
  const { path, as = "replies" } = options;
  const lines =
    as === "replies" ? parsedLines(desk, batchId, options) : writtenResults(desk, batchId, options);
  let replyCount = 0;
  let succeededCount = 0;
  let bytes = 0;
  await writeWhole({ output: path, input: "", doneShare: () => 0 }, async (append) => {
    for await (const { text, status } of lines) {
      const line = Buffer.from(`${text}\n`);
      replyCount += 1;
      if (status === "succeeded") succeededCount += 1;
      bytes += line.byteLength;
      await append(line);
    }
  });
  return { path, replyCount, succeededCount, bytes };
}

interface Written {
  readonly text: string;
  readonly status: BatchResult["status"];
}

async function* parsedLines(
  desk: Desk,
  batchId: string,
  options: Waiting,
): AsyncGenerator<Written> {
  for await (const text of replyLines(desk, batchId, options))
    yield { text, status: desk.provider.parse(text).status };
}

async function* writtenResults(
  desk: Desk,
  batchId: string,
  options: ReadOptions<OutputOption>,
): AsyncGenerator<Written> {
  for await (const result of results(desk, batchId, options))
    yield { text: resultLine(result), status: result.status };
}
