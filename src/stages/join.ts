/** join: answers go back to their rows, in row order. */

import { isRecalled, replyFileName } from "../core/chunk.ts";
import type { ToolCall } from "../core/call-settings.ts";
import { InvariantError, StoreError } from "../core/errors.ts";
import { rowWithoutRequest } from "../core/plan.ts";
import type { MetaValues } from "../core/meta.ts";
import type { SkipReason, RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import { readAnswer, type Answer, type AnswerReading, type Quotes } from "../output/answer.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { ChunkFileReader, ReadableFiles, Judgement, Store } from "../store/store.ts";

/** What became of one row. */
export type RowOutcome =
  | {
      /** `cached` where the answer had been bought before this run. */
      readonly status: "ok" | "cached";
      /** The answer as the schema's own check gave it. */
      readonly value: unknown;
      /** The calls the model wished to make; none where it was given no tools. */
      readonly toolCalls: readonly ToolCall[];
      /** What the model quotes for each field; left out where no quotes were asked for. */
      readonly quotes?: Quotes;
      /** How sure the model is, from 0 to 1; left out where it does not say. */
      readonly confidence?: number;
    }
  | { readonly status: "skipped"; readonly reason: SkipReason }
  | {
      readonly status: "failed";
      readonly code: RowErrorCode;
      readonly message: string;
      /** Whether it failed without having been sent; left out where it was sent. */
      readonly isUnsent?: true;
    };

/** What joining reads. */
export interface JoinInput {
  readonly store: Pick<Store, "plannedRows" | "replyIndexes" | "failures"> & {
    readonly files: ReadableFiles;
  };
  readonly provider: Pick<BatchProvider, "parse">;
  /** How answers are read and checked now, whatever was so when they were collected. */
  readonly reading: AnswerReading;
  /** The number of distinct requests in the plan. */
  readonly requests: number;
  /** Whether a request waits to be sent by a run that its budget has stopped; none does when left out. */
  readonly isLeft?: (request: number) => boolean;
  /** Whether requests may be without an answer and a failure: their rows are `pending` then. */
  readonly isPartial?: boolean;
  /** Makes the values told beside each answer; none are made when left out. */
  readonly meta?: (facts: RequestFacts) => Promise<MetaValues>;
}

/** A reply line that is stored, and the chunk it came with. */
export interface StoredReply {
  readonly chunk: number;
  readonly result: Result;
}

/** What is stored of the request that answers a row. */
export interface RequestFacts {
  readonly ordinal: number;
  /** Whether no row before this one has the same request. */
  readonly isFirst: boolean;
  /** Every reply to it, the last first: answers, accepted or not, and failures that were charged. */
  readonly replies: readonly StoredReply[];
  /** The one that the row shows: the accepted answer, or the last reply; null where there is none. */
  readonly shown: StoredReply | null;
  /** How sure the model says it is of the accepted answer; left out where it does not say. */
  readonly confidence?: number;
}

/** Consecutive rows with what became of each. */
export interface JoinedRows {
  readonly firstRow: number;
  readonly outcomes: readonly RowOutcome[];
  /** Requests of these rows whose answers are judged otherwise than the store has it. */
  readonly rejudged: readonly Judgement[];
  /** The values told beside each answer, null in rows without a request; left out where none were asked for. */
  readonly meta?: readonly (MetaValues | null)[];
  /** Whether a text of the row was cut; left out where nobody looked. */
  readonly cut?: readonly boolean[];
}

/**
 * What became of every row, in row order: every row of the plan exactly once, duplicates with the
 * answer of the request they share. Repeatable; reads chunk files only.
 *
 * The stored replies are the truth: values and validity are worked out anew, so a changed schema
 * gives other answers to a finished run for nothing, accepts what was refused, and refuses what was
 * accepted.
 *
 * @throws {InvariantError} `row_unaccounted` when a request has neither an answer nor a failure.
 */
export async function* joinRows(input: JoinInput): AsyncGenerator<JoinedRows> {
  const answers = await locateAnswers(input);
  const readers = openReaders(input.store.files);
  const { isLeft = () => false } = input;
  let unseen = 0;
  try {
    for await (const rows of input.store.plannedRows()) {
      const outcomes: RowOutcome[] = [];
      const rejudged: Judgement[] = [];
      const meta: (MetaValues | null)[] = [];
      for (const request of rows.requests) {
        if (request < 0) {
          outcomes.push(withoutRequest(request));
          meta.push(null);
          continue;
        }
        if (isLeft(request) && !answers.failures.has(request)) {
          outcomes.push({ status: "skipped", reason: "budget" });
          meta.push(null);
          continue;
        }
        if (input.isPartial === true && !isSettled(request, answers)) {
          outcomes.push({ status: "skipped", reason: "pending" });
          meta.push(null);
          continue;
        }
        const { outcome, shown } = await readOutcome(request, { answers, readers, input });
        // Requests are numbered by the rows that first have them.
        const isFirst = request >= unseen;
        if (isFirst) unseen = request + 1;
        if (input.meta !== undefined) {
          const asked = { request, isFirst, shown };
          const facts = await factsOf(asked, { answers, readers, input });
          const { confidence } = "value" in outcome ? outcome : {};
          meta.push(
            await input.meta({ ...facts, ...(confidence === undefined ? {} : { confidence }) }),
          );
        }
        const judgement = judgementOf(request, outcome, answers.failures.get(request));
        if (judgement !== null) rejudged.push(judgement);
        outcomes.push(outcome);
      }
      const told = input.meta === undefined ? {} : { meta };
      yield { firstRow: rows.firstRow, outcomes, rejudged, ...told };
    }
  } finally {
    await readers.close();
  }
}

/** Whether there is anything to be said of a request. */
function isSettled(request: number, answers: Answers): boolean {
  return answers.place(request).length > 0 || answers.failures.has(request);
}

function withoutRequest(request: number): RowOutcome {
  const fate = rowWithoutRequest(request);
  if ("skipped" in fate) return { status: "skipped", reason: fate.skipped };
  const message =
    fate.rejected === "too_long"
      ? "The request is larger than the provider takes, or a text longer than it may be; it was not sent."
      : "A cell the template names is blank or not what the template needs; it was not sent.";
  return { status: "failed", code: fate.rejected, message, isUnsent: true };
}

/** Where a reply line lies. */
interface Place {
  readonly chunk: number;
  readonly offset: number;
  /** In bytes; 0 where there is no line. */
  readonly length: number;
}

interface Answers {
  /** Where the last answer to a request lies. */
  place(request: number): Place;
  /** Those before the last, the latest first, of requests that were answered more than once. */
  readonly earlier: ReadonlyMap<number, readonly Place[]>;
  readonly failures: ReadonlyMap<number, RequestFailure>;
}

/** Where the answers to each request lie, and the failures of those that ended without an accepted one. */
async function locateAnswers(input: JoinInput): Promise<Answers> {
  const chunks = new Int32Array(input.requests);
  const offsets = new Float64Array(input.requests);
  const lengths = new Uint32Array(input.requests);
  const earlier = new Map<number, readonly Place[]>();
  const place = (request: number): Place => ({
    chunk: chunks[request] ?? 0,
    offset: offsets[request] ?? 0,
    length: lengths[request] ?? 0,
  });
  for await (const { chunk, index } of input.store.replyIndexes())
    index.ordinals.forEach((ordinal, at) => {
      if ((lengths[ordinal] ?? 0) > 0)
        earlier.set(ordinal, [place(ordinal), ...(earlier.get(ordinal) ?? [])]);
      chunks[ordinal] = chunk;
      offsets[ordinal] = index.offsets[at] ?? 0;
      lengths[ordinal] = index.lengths[at] ?? 0;
    });
  const failures = new Map<number, RequestFailure>();
  for await (const { ordinal, code, message, retryable } of input.store.failures())
    failures.set(ordinal, { code, message, retryable });
  return { place, earlier, failures };
}

interface Joining {
  readonly answers: Answers;
  readonly readers: Readers;
  readonly input: JoinInput;
}

type Reached = Exclude<RowOutcome, { readonly status: "skipped" }>;

async function readOutcome(
  request: number,
  joining: Joining,
): Promise<{ readonly outcome: Reached; readonly shown: Place | null }> {
  const failure = joining.answers.failures.get(request);
  const found = await storedAnswer(request, joining, failure !== undefined);
  const { answer: stored = null, place: shown = null } = found ?? {};
  const failed = (code: RowErrorCode, message: string) =>
    ({ outcome: { status: "failed", code, message }, shown: null }) as const;
  if (stored !== null && "value" in stored) return { outcome: stored, shown };
  // What went wrong since counts more than an older answer that is still not accepted.
  if (failure !== undefined && (stored === null || failure.code !== "invalid_output"))
    return failed(failure.code, failure.message);
  if (stored !== null) return failed("invalid_output", stored.invalid);
  throw new InvariantError(
    "row_unaccounted",
    `Request ${String(request)} has neither an answer nor a failure. Nothing was written.`,
    { hint: "Keep the run directory and report this." },
  );
}

type StoredAnswer =
  Extract<Answer, { readonly invalid: string }> | Extract<RowOutcome, { readonly value: unknown }>;

/** What a request's stored replies say on this reading: the last one that is accepted, or why the last one is not; null where there is none. */
async function storedAnswer(
  request: number,
  joining: Joining,
  isSpare: boolean,
): Promise<{ readonly answer: StoredAnswer; readonly place: Place } | null> {
  const { answers } = joining;
  const place = answers.place(request);
  const last = await answerAt(place, { request, isSpare, joining });
  if (last !== null && "value" in last) return { answer: last, place };
  for (const earlier of answers.earlier.get(request) ?? []) {
    // Of what came before, a failure says nothing that the store does not.
    const before = await answerAt(earlier, { request, isSpare: true, joining });
    if (before !== null && "value" in before) return { answer: before, place: earlier };
  }
  return last === null ? null : { answer: last, place };
}

/** Everything stored of a request. */
async function factsOf(
  asked: { readonly request: number; readonly isFirst: boolean; readonly shown: Place | null },
  joining: Joining,
): Promise<RequestFacts> {
  const { request, isFirst, shown } = asked;
  const { answers } = joining;
  const places = [answers.place(request), ...(answers.earlier.get(request) ?? [])];
  const replies: StoredReply[] = [];
  let reply: StoredReply | null = null;
  for (const place of places) {
    const text = await lineAt(place, { isSpare: true, joining });
    if (text === null) continue;
    const stored = { chunk: place.chunk, result: joining.input.provider.parse(text) };
    replies.push(stored);
    if (place.chunk === shown?.chunk) reply = stored;
  }
  return { ordinal: request, isFirst, replies, shown: reply ?? replies[0] ?? null };
}

interface Sought {
  readonly request: number;
  readonly isSpare: boolean;
  readonly joining: Joining;
}

async function answerAt(
  place: Place,
  { request, isSpare, joining }: Sought,
): Promise<StoredAnswer | null> {
  const { input } = joining;
  const { chunk } = place;
  const line = await lineAt(place, { isSpare, joining });
  if (line === null) return null;
  const result = input.provider.parse(line);
  // Kept for what it cost; why it failed is in the store.
  if (result.status === "failed" && isSpare) return null;
  if (result.status === "failed") throw replyChanged(request, chunk);
  const answer = await readAnswer(input.reading, result);
  if ("invalid" in answer) return answer;
  const status = isRecalled(chunk) ? "cached" : "ok";
  const { confidence = answer.confidence } = result;
  return {
    ...answer,
    status,
    toolCalls: result.toolCalls ?? [],
    ...(confidence === undefined ? {} : { confidence }),
  };
}

/** A stored line; null where there is none. */
async function lineAt(
  { chunk, offset, length }: Place,
  { isSpare, joining }: Omit<Sought, "request">,
): Promise<string | null> {
  if (length === 0) return null;
  const { readers } = joining;
  let reader: ChunkFileReader;
  try {
    reader = readers.get(chunk) ?? (await readers.open(chunk));
  } catch (error) {
    // Replies that were of no use may be gone: what is known of their requests is in the store.
    if (isSpare && error instanceof StoreError && error.code === "chunk_file_missing") return null;
    throw error;
  }
  return reader.text(offset, length);
}

function replyChanged(request: number, chunk: number): InvariantError {
  return new InvariantError(
    "reply_changed",
    `The stored reply to request ${String(request)} in ${replyFileName(chunk)} no longer reads as it did when it was collected.`,
    {
      hint: "The run directory was altered; restore it, or remove it and run again (which pays again).",
    },
  );
}

/** What the store must be told of a row's outcome; null where it says the same already. */
function judgementOf(
  ordinal: number,
  outcome: Reached,
  failure: RequestFailure | undefined,
): Judgement | null {
  if (outcome.status !== "failed") return failure === undefined ? null : { ordinal, failure: null };
  if (failure?.code === outcome.code && failure.message === outcome.message) return null;
  const { code, message } = outcome;
  return { ordinal, failure: { code, message, retryable: false } };
}

interface Readers {
  get(chunk: number): ChunkFileReader | undefined;
  open(chunk: number): Promise<ChunkFileReader>;
  close(): Promise<void>;
}

const MAX_OPEN_FILES = 64;
// Rows lie in order: mostly in one chunk, with what was asked again in two more.
const MAX_HELD_FILES = 3;

/** Open chunk files, the least recently opened closed first, so that thousands of chunks need few handles. */
function openReaders(files: ReadableFiles): Readers {
  const open = new Map<number, ChunkFileReader>();
  let recent: number[] = [];
  return {
    get: (chunk) => {
      if (recent[0] !== chunk) {
        recent = [chunk, ...recent.filter((other) => other !== chunk)];
        if (recent.length > MAX_HELD_FILES) open.get(recent.pop() ?? chunk)?.forget();
      }
      return open.get(chunk);
    },
    open: async (chunk) => {
      const oldest = open.keys().next();
      if (open.size >= MAX_OPEN_FILES && oldest.done !== true) {
        await open.get(oldest.value)?.close();
        open.delete(oldest.value);
      }
      const reader = await files.open(replyFileName(chunk));
      open.set(chunk, reader);
      return reader;
    },
    close: async () => {
      for (const reader of open.values()) await reader.close();
    },
  };
}
