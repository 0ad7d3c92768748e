/** The answers a run has stored: what each reply says on a reading, from the sheets beside the replies or from the replies themselves. */

import { answerFileName, isRecalled, replyFileName } from "../core/chunk.ts";
import { InvariantError, StoreError } from "../core/errors.ts";
import { readAnswer, type AnswerReading } from "../output/answer.ts";
import { openSheet, type Sheet, type SheetEntry } from "../output/answer-sheet.ts";
import { sheetMark } from "../output/reading-mark.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { Answers, FoundAnswer, StoredReply } from "../stages/join.ts";
import { reread } from "../stages/reread.ts";
import type {
  ChunkFileReader,
  ChunkFiles,
  ReadableFiles,
  ReplyIndex,
  Store,
} from "../store/store.ts";

/** What the answers of a run are read from. */
export interface StoredAnswersInput {
  readonly store: Pick<Store, "replyIndexes" | "replyIndex"> & { readonly files: ReadableFiles };
  readonly provider: Pick<BatchProvider, "id" | "parse">;
  /** How answers are read and checked now, whatever was so when they were collected. */
  readonly reading: AnswerReading;
  /** The number of distinct requests in the plan. */
  readonly requests: number;
  /** Where sheets that are missing, damaged or of another reading are made anew; null for who does not hold the run. */
  readonly keepsIn: ChunkFiles | null;
}

/** The stored answers of all collected chunks; to be closed. Chunks are opened when they are first asked for. */
export async function storedAnswers(input: StoredAnswersInput): Promise<Answers> {
  const { chunkOf, earlier, ordinals } = await located(input);
  const open = openChunks(input, ordinals);
  return {
    has: (request) => chunkOf[request] !== NOWHERE,
    find: (request, isSpare) => {
      const number = chunkOf[request] ?? NOWHERE;
      if (number === NOWHERE) return null;
      const before = earlier.get(request);
      const chunk = before === undefined ? open.at(number) : null;
      const entry = chunk?.sheet?.at(chunk.placeOf(request)) ?? "unread";
      // Most are on a sheet that is open: to wait for each would take longer than reading it.
      if (chunk !== null && entry !== "unread" && entry !== "failed") return found(entry, number);
      return findIn([number, ...(before ?? [])], { request, isSpare, open, input });
    },
    replies: async (request) => {
      const number = chunkOf[request] ?? NOWHERE;
      const replies: StoredReply[] = [];
      for (const chunk of number === NOWHERE ? [] : [number, ...(earlier.get(request) ?? [])]) {
        const line = await lineOf(await open.open(chunk), request, true);
        if (line !== null) replies.push({ chunk, result: input.provider.parse(line) });
      }
      return replies;
    },
    close: () => open.close(),
  };
}

// No chunk has this number: those of recalled answers are below 0, and few.
const NOWHERE = -(2 ** 31);

interface Located {
  /** The chunk with the last answer to each request. */
  readonly chunkOf: Int32Array;
  /** The chunks before the last, the latest first, of requests that were answered more than once. */
  readonly earlier: ReadonlyMap<number, readonly number[]>;
  /** The requests that each chunk has replies to, strictly increasing. */
  readonly ordinals: ReadonlyMap<number, Uint32Array>;
}

async function located({ store, requests }: StoredAnswersInput): Promise<Located> {
  const chunkOf = new Int32Array(requests).fill(NOWHERE);
  const earlier = new Map<number, readonly number[]>();
  const ordinals = new Map<number, Uint32Array>();
  for await (const { chunk, index } of store.replyIndexes()) {
    ordinals.set(chunk, index.ordinals);
    for (const ordinal of index.ordinals) {
      const before = chunkOf[ordinal] ?? NOWHERE;
      if (before !== NOWHERE) earlier.set(ordinal, [before, ...(earlier.get(ordinal) ?? [])]);
      chunkOf[ordinal] = chunk;
    }
  }
  return { chunkOf, earlier, ordinals };
}

interface Sought {
  readonly request: number;
  readonly isSpare: boolean;
  readonly open: OpenChunks;
  readonly input: StoredAnswersInput;
}

/** The last answer that is accepted, or why the last one is not; null where there is none. */
async function findIn(chunks: readonly number[], sought: Sought): Promise<FoundAnswer | null> {
  let last: FoundAnswer | null = null;
  for (const [at, number] of chunks.entries()) {
    // Of what came before, a failure says nothing that the store does not.
    const isSpare = sought.isSpare || at > 0;
    const answer = await answerIn(number, { ...sought, isSpare });
    if (answer !== null && "value" in answer.answer) return answer;
    if (at === 0) last = answer;
  }
  return last;
}

async function answerIn(
  number: number,
  { request, isSpare, open, input }: Sought,
): Promise<FoundAnswer | null> {
  const chunk = await open.open(number);
  const entry = chunk.sheet?.at(chunk.placeOf(request)) ?? "unread";
  if (entry !== "unread" && entry !== "failed") return found(entry, number);
  const line = await lineOf(chunk, request, isSpare);
  if (line === null) return null;
  const result = input.provider.parse(line);
  // Kept for what it cost; why it failed is in the store.
  if (result.status === "failed" && isSpare) return null;
  if (result.status === "failed") throw replyChanged(request, number);
  const answer = await readAnswer(input.reading, result);
  if ("invalid" in answer) return { answer, chunk: number };
  const { confidence = answer.confidence, toolCalls = [] } = result;
  return found(
    { ...answer, ...(confidence === undefined ? {} : { confidence }) },
    number,
    toolCalls,
  );
}

const NO_CALLS: readonly never[] = [];

function found(
  answer: Exclude<SheetEntry, string>,
  chunk: number,
  toolCalls: Extract<FoundAnswer["answer"], { readonly value: unknown }>["toolCalls"] = NO_CALLS,
): FoundAnswer {
  if ("invalid" in answer) return { answer, chunk };
  return { answer: { ...answer, status: isRecalled(chunk) ? "cached" : "ok", toolCalls }, chunk };
}

/** A stored line; null where there is none, or where one that nobody needs is gone. */
async function lineOf(chunk: OpenChunk, request: number, isSpare: boolean): Promise<string | null> {
  try {
    return await chunk.line(request);
  } catch (error) {
    // Replies that were of no use may be gone: what is known of their requests is in the store.
    if (isSpare && isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof StoreError && error.code === "chunk_file_missing";
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

interface OpenChunk {
  /** Null where there is none that can be used: then the replies are read. */
  readonly sheet: Sheet | null;
  /** The place of a request among those with a reply. */
  placeOf(request: number): number;
  line(request: number): Promise<string>;
  forget(): void;
  close(): Promise<void>;
}

interface OpenChunks {
  /** A chunk that is open; null where it must be opened first. */
  at(chunk: number): OpenChunk | null;
  open(chunk: number): Promise<OpenChunk>;
  close(): Promise<void>;
}

const MOST_OPEN = 64;
// Rows lie in order: mostly in one chunk, with what was asked again in two more.
const MOST_HELD = 3;

/** Open chunks, the least recently opened closed first, so that thousands of chunks need few handles. */
function openChunks(
  input: StoredAnswersInput,
  ordinals: ReadonlyMap<number, Uint32Array>,
): OpenChunks {
  const open = new Map<number, OpenChunk>();
  let recent: number[] = [];
  const at = (chunk: number): OpenChunk | null => {
    if (recent[0] !== chunk) {
      recent = [chunk, ...recent.filter((other) => other !== chunk)];
      if (recent.length > MOST_HELD) open.get(recent.pop() ?? chunk)?.forget();
    }
    return open.get(chunk) ?? null;
  };
  return {
    at,
    open: async (number) => {
      const known = at(number);
      if (known !== null) return known;
      const oldest = open.keys().next();
      if (open.size >= MOST_OPEN && oldest.done !== true) {
        await open.get(oldest.value)?.close();
        open.delete(oldest.value);
      }
      const chunk = await openChunk(number, ordinals.get(number) ?? new Uint32Array(0), input);
      open.set(number, chunk);
      return chunk;
    },
    close: async () => {
      for (const chunk of open.values()) await chunk.close();
    },
  };
}

async function openChunk(
  number: number,
  ordinals: Uint32Array,
  input: StoredAnswersInput,
): Promise<OpenChunk> {
  const { files } = input.store;
  const sheet = await freshSheet(number, input);
  let replies: { readonly reader: ChunkFileReader; readonly index: ReplyIndex } | null = null;
  let last = -1;
  const placeOf = (request: number): number => {
    // Rows lie in order, so that the next one sought is mostly the next one there is.
    last = ordinals[last + 1] === request ? last + 1 : placeIn(ordinals, request);
    return last;
  };
  return {
    sheet: sheet?.sheet ?? null,
    placeOf,
    line: async (request) => {
      replies ??= {
        reader: await files.open(replyFileName(number)),
        index: await input.store.replyIndex(number),
      };
      const place = placeOf(request);
      const { offsets, lengths } = replies.index;
      return replies.reader.text(offsets[place] ?? 0, lengths[place] ?? 0);
    },
    forget: () => {
      sheet?.reader.forget();
      replies?.reader.forget();
    },
    close: async () => {
      await sheet?.reader.close();
      await replies?.reader.close();
    },
  };
}

function placeIn(sorted: Uint32Array, wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface OpenedSheet {
  readonly sheet: Sheet;
  readonly reader: ChunkFileReader;
}

/** The sheet of a chunk as its replies read now, made anew where need be and allowed; null where there is none. */
async function freshSheet(number: number, input: StoredAnswersInput): Promise<OpenedSheet | null> {
  const { store, provider, reading, keepsIn } = input;
  const mark = sheetMark(reading, provider.id);
  const replyBytes = await store.files.bytes(replyFileName(number));
  if (replyBytes === null) return null;
  const index = await store.replyIndex(number);
  const origin = { mark, replyBytes, index };
  const opened = await sheetOf(number, { input, origin });
  // Nobody's own code is run over replies whose rows nobody asks for.
  if (opened !== null || keepsIn === null || reading.validate !== null) return opened;
  await reread(number, origin, { files: keepsIn, provider, reading });
  return await sheetOf(number, { input, origin });
}

async function sheetOf(
  number: number,
  {
    input: { store },
    origin,
  }: {
    readonly input: StoredAnswersInput;
    readonly origin: Parameters<typeof openSheet>[1];
  },
): Promise<OpenedSheet | null> {
  const name = answerFileName(number);
  const size = await store.files.bytes(name);
  if (size === null) return null;
  const reader = await store.files.open(name);
  const sheet = openSheet(
    { size, bytes: (offset, length) => reader.bytes(offset, length) },
    origin,
  );
  if (sheet !== null) return { sheet, reader };
  await reader.close();
  return null;
}
