/** What the replies of one chunk were read as, in the bytes of a file: so that joining need not read them again. */

import { bytesHash, type BytesHash } from "../core/hash.ts";
import type { Result } from "../core/result.ts";
import type { Answer } from "./answer.ts";

/**
 * What stands on a sheet for a reply: the answer; `failed` where it is none and was charged; `unread` where
 * the reply itself must be looked at, since it says more than a sheet holds.
 */
export type SheetEntry = Answer | "failed" | "unread";

/** What a sheet belongs to; one that was made of anything else says nothing. */
export interface SheetOrigin {
  /** The mark of the reading. */
  readonly mark: string;
  /** The size of the reply file in bytes. */
  readonly replyBytes: number;
  /** The requests, strictly increasing, and where their replies lie in that file. */
  readonly index: {
    readonly ordinals: Uint32Array;
    readonly offsets: Float64Array;
    readonly lengths: Uint32Array;
  };
}

/** A sheet while replies are read, in any order. */
export interface SheetWriter {
  /** Notes what the reply at a place, which is noted once, was read as; `reply` is null for one that failed. */
  note(place: number, reply: SucceededReply | null, answer: Answer | null): void;
  /** Bytes that are to be written next, once there are enough of them; null until then. */
  take(): Buffer | null;
  /** The rest of the bytes; `places` are those that have an entry, as `origin.index` lists them. */
  finish(origin: SheetOrigin, places: Uint32Array): Buffer;
}

type SucceededReply = Extract<Result, { readonly status: "succeeded" }>;

const KINDS = { unread: 0, failed: 1, invalid: 2, text: 3, json: 4, more: 5, vector: 6 } as const;

const PIECE_BYTES = 256 * 1024;
const SHORT = 48;
const MOST_SHORT = 4096;
const DIGEST_BYTES = 32;

/**
 * Starts a sheet for as many places. With `isChecked` answers were made by somebody's own code: one that JSON does not
 * keep as it is stays `unread`.
 */
export function sheetWriter(size: number, isChecked = false): SheetWriter {
  const starts = new Float64Array(size);
  const lengths = new Uint32Array(size);
  const kinds = new Uint8Array(size);
  const known = new Map<string, number>();
  const sum = bytesHash();
  let buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let used = 0;
  let taken = 0;
  const room = (bytes: number): void => {
    if (used + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (used + bytes));
    buffer.copy(larger, 0, 0, used);
    buffer = larger;
  };
  const put = (place: number, kind: number, text: string): void => {
    kinds[place] = kind;
    // Labels come again and again; they are written once.
    const isShort = text.length <= SHORT;
    const before = isShort ? known.get(text) : undefined;
    const start = before ?? taken + used;
    starts[place] = start;
    if (before === undefined) {
      room(3 * text.length);
      used += buffer.write(text, used);
      if (isShort && known.size < MOST_SHORT) known.set(text, start);
    }
    lengths[place] = before === undefined ? taken + used - start : Buffer.byteLength(text);
  };
  const cut = (): Buffer => {
    const piece = Buffer.from(buffer.subarray(0, used));
    taken += used;
    used = 0;
    sum.add(piece);
    return piece;
  };
  return {
    note: (place, reply, answer) => {
      if (answer === null || reply === null) kinds[place] = KINDS.failed;
      else if ("invalid" in answer) put(place, KINDS.invalid, JSON.stringify(answer.invalid));
      else if (reply.toolCalls !== undefined && reply.toolCalls.length > 0)
        kinds[place] = KINDS.unread;
      else if (isChecked && !isKeptByJson(answer.value)) kinds[place] = KINDS.unread;
      else if (answer.value instanceof Float32Array) {
        const { buffer: bytes, byteOffset, byteLength } = answer.value;
        room(byteLength);
        kinds[place] = KINDS.vector;
        starts[place] = taken + used;
        lengths[place] = byteLength;
        used += Buffer.from(bytes, byteOffset, byteLength).copy(buffer, used);
      } else {
        const { confidence = answer.confidence } = reply;
        const isBare = confidence === undefined && answer.quotes === undefined;
        if (isBare && typeof answer.value === "string" && answer.value.isWellFormed())
          put(place, KINDS.text, answer.value);
        // JSON text has no word for it but the reply's own.
        else if (NEGATIVE_ZERO.test(reply.text)) kinds[place] = KINDS.unread;
        else if (isBare) put(place, KINDS.json, JSON.stringify(answer.value ?? null));
        else put(place, KINDS.more, JSON.stringify({ ...answer, confidence }));
      }
    },
    take: () => (used < PIECE_BYTES ? null : cut()),
    finish: (origin, places) => {
      const body = cut();
      const count = places.length;
      const own = {
        starts: new Float64Array(count),
        lengths: new Uint32Array(count),
        kinds: new Uint8Array(count),
      };
      for (let at = 0; at < count; at += 1) {
        const place = places[at] ?? 0;
        own.starts[at] = starts[place] ?? 0;
        own.lengths[at] = lengths[place] ?? 0;
        own.kinds[at] = kinds[place] ?? 0;
      }
      const tables = [bytesOf(own.starts), bytesOf(own.lengths), own.kinds];
      const rest = Buffer.concat([...tables, originHash(origin)]);
      sum.add(rest);
      return Buffer.concat([body, rest, sum.digest()]);
    },
  };
}

const MOST_PARTS = 10_000;

/**
 * Whether a value comes back from JSON text as it is: it is made of plain objects, lists, texts, truths and numbers
 * alone, and of no more than some thousands of them, so that what holds itself comes to an end.
 */
function isKeptByJson(value: unknown): boolean {
  const parts = [value];
  // It grows while it is gone through.
  for (const part of parts) {
    if (parts.length > MOST_PARTS) return false;
    if (typeof part === "object" && part !== null) {
      const within = plainParts(part);
      if (within === null) return false;
      for (const one of within) parts.push(one);
    } else if (!isPlain(part)) return false;
  }
  return true;
}

function isPlain(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0);
  return value === null || typeof value === "string" || typeof value === "boolean";
}

/** What a plain object or list holds; null where it is anything else, or holds more than JSON tells of. */
function plainParts(whole: object): readonly unknown[] | null {
  const names = Reflect.ownKeys(whole);
  if (Array.isArray(whole)) {
    const list = whole as readonly unknown[];
    const isWhole = names.length === list.length + 1;
    return isWhole && Object.getPrototypeOf(list) === Array.prototype ? list : null;
  }
  if (Object.getPrototypeOf(whole) !== Object.prototype) return null;
  const parts: unknown[] = [];
  for (const name of names) {
    const member = Object.getOwnPropertyDescriptor(whole, name);
    const isTold = member?.enumerable === true && "value" in member;
    if (typeof name !== "string" || ALTERED.has(name) || !isTold) return null;
    parts.push(member.value);
  }
  return parts;
}

// The first sets a prototype where it is assigned, the second says something else to JSON.
const ALTERED = new Set(["__proto__", "toJSON"]);

const NEGATIVE_ZERO = /(?:^|[[:,\s])-0(?:\.0+)?(?:[eE][+-]?\d+)?(?:[,\]}\s]|$)/;

/** The bytes of a file, to be read at any place. */
export interface SheetBytes {
  readonly size: number;
  /** As many bytes as asked for; good until the next call. */
  bytes(offset: number, length: number): Buffer;
}

/** A sheet that was found to be whole. */
export interface Sheet {
  /** What stands for the reply at a place of the index; the value may be shared with others that say the same. */
  at(place: number): SheetEntry;
}

/** The sheet in a file; null where it is damaged, or was made of other replies or for another reading. */
export function openSheet(file: SheetBytes, origin: SheetOrigin): Sheet | null {
  const count = origin.index.ordinals.length;
  const tableBytes = count * (8 + 4 + 1);
  const start = file.size - tableBytes - 2 * DIGEST_BYTES;
  if (start < 0) return null;
  const end = Buffer.from(file.bytes(start, tableBytes + DIGEST_BYTES));
  // Of another reading it is told by its last bytes, without a look at the others.
  if (!end.subarray(tableBytes).equals(originHash(origin)) || !isWhole(file)) return null;
  const table = new Uint8Array(end).buffer;
  const starts = new Float64Array(table, 0, count);
  const lengths = new Uint32Array(table, count * 8, count);
  const kinds = new Uint8Array(table, count * 12, count);
  const known = new Map<number, Answer>();
  return {
    at: (place) => {
      const kind = kinds[place] ?? KINDS.unread;
      if (kind === KINDS.unread) return "unread";
      if (kind === KINDS.failed) return "failed";
      const from = starts[place] ?? 0;
      const length = lengths[place] ?? 0;
      if (kind !== KINDS.text) return answerIn(kind, file.bytes(from, length), length);
      // What is empty begins where the next text does.
      if (length === 0) return { value: "" };
      const before = length <= SHORT ? known.get(from) : undefined;
      if (before !== undefined) return before;
      const answer = { value: file.bytes(from, length).toString("utf8", 0, length) };
      if (length <= SHORT && known.size < MOST_SHORT) known.set(from, answer);
      return answer;
    },
  };
}

function answerIn(kind: number, bytes: Buffer, length: number): Answer {
  if (kind === KINDS.vector)
    return { value: new Float32Array(new Uint8Array(bytes.subarray(0, length)).buffer) };
  const json = JSON.parse(bytes.toString("utf8", 0, length)) as unknown;
  if (kind === KINDS.invalid) return { invalid: String(json) };
  return kind === KINDS.json ? { value: json } : (json as Answer);
}

/** Whether the last bytes of a file are the hash of those before. */
function isWhole(file: SheetBytes): boolean {
  const sum = bytesHash();
  const end = file.size - DIGEST_BYTES;
  for (let at = 0; at < end; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, end - at);
    sum.add(file.bytes(at, length).subarray(0, length));
  }
  return (
    Buffer.compare(file.bytes(end, DIGEST_BYTES).subarray(0, DIGEST_BYTES), sum.digest()) === 0
  );
}

function originHash({ mark, replyBytes, index }: SheetOrigin): Uint8Array {
  const sum: BytesHash = bytesHash();
  sum.add(Buffer.from(`${mark} ${String(replyBytes)} `));
  for (const array of [index.ordinals, index.offsets, index.lengths]) sum.add(bytesOf(array));
  return sum.digest();
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
