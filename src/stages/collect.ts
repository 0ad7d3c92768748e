/** collect: every reply of an ended batch reaches the disk, and every request of the chunk is accounted for. */

import {
  answerFileName,
  isGiven,
  isNoAttempt,
  replyFileName,
  type Chunk,
  type Collection,
  type FailedRequest,
} from "../core/chunk.ts";
import { InputError } from "../core/errors.ts";
import type { Lane } from "../core/lane.ts";
import { linePieces } from "../core/lines.ts";
import type { RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import { checklist, type Checklist, type Match } from "../core/tracker.ts";
import { isLong, type Price } from "../core/price.ts";
import { addToUsage, NO_USAGE, type Usage, type UsageSum } from "../core/usage.ts";
import { readAnswer, type Answer, type AnswerReading } from "../output/answer.ts";
import { sheetWriter, type SheetWriter } from "../output/answer-sheet.ts";
import { sheetMark } from "../output/reading-mark.ts";
import type { ChunkFileWriter, CollectedChunk, ReplyIndex } from "../store/store.ts";
import { batchOf, providerOf, type Ports, type SubmittedChunk } from "./ports.ts";

/** The reason given to a batch whose results the provider no longer has. */
export const RESULTS_GONE = "results_gone";

/** An ended chunk. */
export type EndedChunk = SubmittedChunk & { readonly ending: NonNullable<Chunk["ending"]> };

/** What collecting must know beyond the chunk. */
export interface CollectOptions {
  /** How answers are read and checked. */
  readonly reading: AnswerReading;
  /** How often a request that was not answered may be sent again. */
  readonly maxResends: number;
  /** The kinds of unusable answer that are asked once more in other words. */
  readonly amendable: ReadonlySet<RowErrorCode>;
  /** Hands on the requests of a batch the provider had no room for, without counting it as a sending. */
  readonly keepsRoomless: boolean;
  /** The model's price, as far as it decides which usage is counted apart; null or left out where it is not known. */
  readonly price?: Price | null;
  /** The lane of what is handed on; the chunk's own when left out. */
  readonly lane?: Lane;
  /** Whether the batch has not ended there, and its replies cannot be had. */
  readonly unread?: boolean;
  /** The reply lines themselves, where they were made elsewhere and the provider has no batch; the chunk is `planned` then. */
  readonly given?: AsyncIterable<Uint8Array>;
}

/**
 * Downloads and reads the replies of an ended batch, whatever its ending, and records the outcome of
 * every request in one transaction.
 *
 * The replies are durable before the store says `collected`. Replies are matched by custom_id alone;
 * unknown and repeated ids are counted. Requests without an answer that may still get one are handed
 * on to a later chunk.
 *
 * @throws {ProviderError} when the download was cut off; nothing is recorded and it may be repeated.
 */
export async function collect(
  chunk: EndedChunk,
  ports: Ports,
  options: CollectOptions,
): Promise<Collection> {
  const { store } = ports;
  const ordinals = await store.ordinals(chunk.number);
  const list = checklist(ports.token, chunk.number, ordinals);
  const mark = sheetMark(options.reading, ports.provider.id);
  const sheet = sheetWriter(ordinals.length, options.reading.validate !== null);
  const outcomes = new Outcomes(ordinals, chunk, { ...options, sheet });
  const writer = await store.files.create(replyFileName(chunk.number));
  const answers = await store.files.create(answerFileName(chunk.number));
  try {
    const replies =
      options.given ??
      providerOf(chunk, ports).replies(batchOf(chunk, ports), chunk.ending, ports.signal);
    const reading = { list, outcomes, writer, sheet, answers };
    if (options.unread !== true) await readReplies(replies, ports, reading);
    if (isGiven(chunk.intent)) await refuseForeign(chunk, list.match(), { ports, options });
    const { bytes } = await writer.commit();
    const origin = { mark, replyBytes: bytes, index: outcomes.index() };
    await answers.write(sheet.finish(origin, outcomes.places()));
    await answers.commit();
  } catch (error) {
    await writer.abort();
    await answers.abort();
    throw error;
  }
  await ports.remember?.keep(chunk.number, outcomes.accepted());
  for (const place of list.missing()) outcomes.missing(place);
  const collection = outcomes.collection(list);
  const collected: CollectedChunk = {
    collection,
    index: outcomes.index(),
    failures: outcomes.failures,
    resend: Uint32Array.from(outcomes.resend).sort(),
    again: Uint32Array.from(outcomes.again).sort(),
    ...(options.lane === undefined ? {} : { lane: options.lane }),
  };
  if (options.given === undefined) await store.collected(chunk.number, collected);
  else await store.answered(chunk.number, chunk.intent.id, collected);
  return collection;
}

/** Refuses replies of which none is to this chunk: taken for its own, everything would be asked, and paid for, again. */
async function refuseForeign(
  chunk: EndedChunk,
  { answered, unknown }: Match,
  { ports, options }: { readonly ports: Ports; readonly options: CollectOptions },
): Promise<void> {
  if (answered > 0 || unknown === 0) return;
  const what = options.given === undefined ? `Batch ${chunk.batchId}` : "The file";
  const message = `${what} holds ${String(unknown)} replies and none to a request of chunk ${String(chunk.number)}, which stays as planned. Nothing was sent.`;
  if (options.given === undefined) await ports.store.released(chunk.number, message);
  throw new InputError("replies_foreign", message, {
    hint: "Custom ids begin with the run's token: give what was made from this run's own request file.",
  });
}

interface Reading {
  readonly list: Checklist;
  readonly outcomes: Outcomes;
  readonly writer: ChunkFileWriter;
  readonly sheet: SheetWriter;
  /** The file of the sheet. */
  readonly answers: ChunkFileWriter;
}

async function readReplies(
  replies: AsyncIterable<Uint8Array>,
  ports: Ports,
  { list, outcomes, writer, sheet, answers }: Reading,
): Promise<void> {
  const { provider } = ports;
  for await (const { piece, spans } of linePieces(tee(replies, writer))) {
    for (const line of spans) {
      const result =
        provider.parseIn?.(piece, line.start, line.end) ??
        provider.parse(piece.bytes.toString("utf8", line.start, line.end));
      const place = list.tick(result.customId);
      // A line that is repeated, or that nobody asked for, is not a second charge.
      if (place === null) continue;
      outcomes.bill(result.usage);
      const settled = outcomes.settle(place, result, line);
      // Most are settled at once; to wait for each would take as long as reading it.
      if (settled !== null) await settled;
    }
    const noted = sheet.take();
    if (noted !== null) await answers.write(noted);
  }
}

async function* tee(
  pieces: AsyncIterable<Uint8Array>,
  writer: ChunkFileWriter,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    // Read while the disk takes it.
    const written = writer.write(piece);
    written.catch(() => undefined);
    yield piece;
    await written;
  }
}

/** How outcomes are told, and the sheet they are noted on. */
type OutcomeOptions = CollectOptions & { readonly sheet: SheetWriter };

/** The outcomes of one chunk's requests while its replies are read; owns the growing arrays. */
class Outcomes {
  readonly failures: FailedRequest[] = [];
  readonly resend: number[] = [];
  readonly again: number[] = [];
  readonly #usage: UsageSum = { ...NO_USAGE };
  #longUsage: UsageSum | null = null;
  readonly #ordinals: Uint32Array;
  readonly #offsets: Float64Array;
  readonly #lengths: Uint32Array;
  readonly #accepted: Uint8Array;
  readonly #chunk: EndedChunk;
  readonly #options: OutcomeOptions;
  #succeeded = 0;

  constructor(ordinals: Uint32Array, chunk: EndedChunk, options: OutcomeOptions) {
    this.#ordinals = ordinals;
    this.#offsets = new Float64Array(ordinals.length);
    this.#lengths = new Uint32Array(ordinals.length);
    this.#accepted = new Uint8Array(ordinals.length);
    this.#chunk = chunk;
    this.#options = options;
  }

  bill(usage: Usage | null): void {
    if (usage === null) return;
    addToUsage(this.#usage, usage);
    const { price = null } = this.#options;
    if (price !== null && isLong(usage, price))
      addToUsage((this.#longUsage ??= { ...NO_USAGE }), usage);
  }

  /** Records a reply; a promise where that takes longer. */
  settle(
    place: number,
    result: Result,
    line: { offset: number; length: number },
  ): Promise<void> | null {
    // Found again as well are answers that are not accepted now, since a changed schema may accept them
    // later, and failures that were charged, since their rows are to tell what they cost.
    if (result.status === "succeeded" || result.usage !== null) {
      this.#offsets[place] = line.offset;
      this.#lengths[place] = line.length;
    }
    if (result.status === "failed") {
      this.#options.sheet.note(place, null, null);
      this.#fail(place, result.failure);
      return null;
    }
    const answer = readAnswer(this.#options.reading, result);
    if (answer instanceof Promise)
      return answer.then((read) => {
        this.#judge(place, result, read);
      });
    this.#judge(place, result, answer);
    return null;
  }

  #judge(place: number, reply: Extract<Result, { status: "succeeded" }>, answer: Answer): void {
    this.#options.sheet.note(place, reply, answer);
    if ("invalid" in answer)
      this.#fail(place, { code: "invalid_output", message: answer.invalid, retryable: false });
    else {
      this.#succeeded += 1;
      this.#accepted[place] = 1;
    }
  }

  missing(place: number): void {
    const { outcome, reason } = this.#chunk.ending;
    if (reason?.code === RESULTS_GONE)
      this.#fail(place, { code: "missing", message: reason.message, retryable: false });
    else if (reason !== null)
      this.#fail(place, {
        code: "provider_error",
        message: `The batch failed: ${reason.message}`,
        retryable: reason.again !== "never",
      });
    else if (outcome === "expired")
      this.#fail(place, { code: "expired", message: "The batch expired first.", retryable: true });
    else if (outcome === "cancelled")
      this.#fail(place, {
        code: "cancelled",
        message: "The batch was cancelled first.",
        retryable: true,
      });
    else
      this.#fail(place, {
        code: "missing",
        message: "The batch ended without a reply to this request.",
        retryable: true,
      });
  }

  /** The places that have a line in the reply file, in order. */
  places(): Uint32Array {
    return placesWhere(this.#lengths);
  }

  index(): ReplyIndex {
    return this.#indexOf(this.places());
  }

  /** Where the accepted answers lie. */
  accepted(): ReplyIndex {
    return this.#indexOf(placesWhere(this.#accepted));
  }

  #indexOf(places: Uint32Array): ReplyIndex {
    const offsets = new Float64Array(places.length);
    for (let at = 0; at < places.length; at += 1) offsets[at] = this.#offsets[places[at] ?? 0] ?? 0;
    return {
      ordinals: places.map((place) => this.#ordinals[place] ?? 0),
      offsets,
      lengths: places.map((place) => this.#lengths[place] ?? 0),
    };
  }

  collection(list: Checklist): Collection {
    return {
      match: list.match(),
      succeeded: this.#succeeded,
      failed: this.failures.length - this.again.length,
      resent: this.resend.length + this.again.length,
      usage: this.#usage,
      ...(this.#longUsage === null ? {} : { longUsage: this.#longUsage }),
    };
  }

  #fail(place: number, failure: RequestFailure): void {
    const ordinal = this.#ordinals[place] ?? 0;
    // Room that was lacking is not the requests' fault: such a sending never uses up a resend.
    const unspent = this.#options.keepsRoomless && isNoAttempt(this.#chunk.ending);
    if (failure.retryable && (unspent || this.#chunk.resends < this.#options.maxResends))
      this.resend.push(ordinal);
    else {
      this.failures.push({ ordinal, ...failure });
      if (this.#chunk.attempt === 1 && this.#options.amendable.has(failure.code))
        this.again.push(ordinal);
    }
  }
}

/** The places at which something other than 0 stands, in order. */
function placesWhere(values: Uint32Array | Uint8Array): Uint32Array {
  const places = new Uint32Array(values.length);
  let count = 0;
  for (let place = 0; place < values.length; place += 1)
    if (values[place] !== 0) places[count++] = place;
  return places.subarray(0, count);
}
