/** A chunk: the requests sent together, and everything known about where they stand. */

import type { Lane } from "./lane.ts";
import type { Look } from "./look.ts";
import type { RequestFailure } from "./result.ts";
import type { TokenEstimate } from "./token-estimate.ts";
import type { Match } from "./tracker.ts";
import { NO_USAGE, type Usage } from "./usage.ts";

/**
 * Where a chunk stands.
 *
 * `planned` nothing was sent · `submitting` written durably before the provider is called, so a batch
 * may or may not exist · `submitted` the batch's id is known · `ended` the batch will not change any
 * more · `collected` every reply is on disk and every request is answered or handed on.
 */
export type ChunkState = "planned" | "submitting" | "submitted" | "ended" | "collected";

/** How a batch ended. Whatever the word, answers that came are kept. */
export type BatchOutcome = "completed" | "failed" | "expired" | "cancelled";

/** What a provider's names for files and jobs are kept as; safe to store as JSON, meaningful to that provider only. */
export type RemoteNames = Readonly<Record<string, string>>;

/** The durable promise to create one batch: made before the provider is called, never reused. */
export interface Intent {
  /** A random name that travels in the upload's file name and the batch's metadata. */
  readonly id: string;
  /** When the provider was last about to be called, in epoch milliseconds. */
  readonly atMs: number;
  /** What was uploaded for it; null until that is recorded, and before that the create call is never made. */
  readonly staged: RemoteNames | null;
}

const GIVEN = "given-";

/** The id of an intent that stands for what was made elsewhere; `unique` is random. */
export function givenIntentId(unique: string): string {
  return `${GIVEN}${unique}`;
}

/** Whether a chunk's batch, or its replies, were made elsewhere and given to the run: nothing of it was sent from here. */
export function isGiven({ id }: Intent): boolean {
  return id.startsWith(GIVEN);
}

/** Why a batch failed as a whole. */
export interface EndingReason {
  readonly code: string;
  readonly message: string;
  /**
   * `never`: the same requests would fail again · `later`: they may be sent again · `room`: the provider
   * had no room for them · `unasked`: it was left before their turn came. The last two are no attempt at all.
   */
  readonly again: "never" | "later" | "room" | "unasked";
}

/** Whether requests without a reply were not tried at all, so that nothing counts against them. */
export function isNoAttempt(ending: Ending | null): boolean {
  const again = ending?.reason?.again;
  return again === "room" || again === "unasked";
}

/** How a batch ended, in our words and in the provider's. */
export interface Ending {
  readonly outcome: BatchOutcome;
  /** The provider's names of the result files. */
  readonly results: RemoteNames;
  /** Why the batch as a whole failed, in the provider's words; null when it did not. */
  readonly reason: EndingReason | null;
  /** When it was seen to have ended, in epoch milliseconds; left out where nobody looked. */
  readonly seenAtMs?: number;
}

/** What collecting a chunk gave. */
export interface Collection {
  readonly match: Match;
  readonly succeeded: number;
  readonly failed: number;
  /** Requests handed on to a later chunk. */
  readonly resent: number;
  readonly usage: Usage;
  /** The part of `usage` by prompts so long that the model's price is another; left out where there were none. */
  readonly longUsage?: Usage;
}

/**
 * Where a chunk's requests come from: the plan, a chunk that left them unanswered, a chunk whose
 * answers to them were unusable, the user's wish to try failed ones again, or a cache that had
 * answered them.
 */
export type ChunkOrigin = "plan" | "resend" | "again" | "retry" | "cache";

/** What a run has learnt about its provider, kept so that it is not learnt twice. */
export interface Learnt {
  /** Batches the provider had room for at once when it last refused one; null while it never did. */
  readonly maxBatchesInFlight: number | null;
  /** Requests a batch may hold, from a batch that was refused though it was alone; null while none was. */
  readonly maxRequestsPerBatch: number | null;
}

/** A chunk as the store remembers it. */
export interface Chunk {
  /** Counted from 1, never reused within a run; chunk 0 and those before it hold what a cache has answered. */
  readonly number: number;
  readonly state: ChunkState;
  readonly requestCount: number;
  readonly origin: ChunkOrigin;
  /** How its requests are sent; it may change while the chunk is planned. */
  readonly lane: Lane;
  /** 1, or 2 when these requests were answered unusably before and are asked in other words. */
  readonly attempt: number;
  /** How often these requests were sent before without being answered, through no fault of theirs. */
  readonly resends: number;
  /** The request file's size, null while the file has not been written (requests handed on by another chunk). */
  readonly bytes: number | null;
  /** What its requests are expected to use; null where nobody has estimated it, and for chunk 0. */
  readonly estimate: TokenEstimate | null;
  readonly intent: Intent | null;
  readonly batchId: string | null;
  /** When the batch was accepted, in epoch milliseconds. */
  readonly submittedAtMs: number | null;
  /** The last look at its batch that was written down; null before the first. */
  readonly look: Look | null;
  readonly ending: Ending | null;
  readonly collection: Collection | null;
}

/**
 * The first chunk of requests that were answered before the run began, of which nothing is ever sent. There
 * may be more, with the numbers before it.
 */
export const RECALLED_CHUNK = 0;

/** Whether the replies of a chunk had been bought before the run began. */
export function isRecalled(chunk: number): boolean {
  return chunk <= RECALLED_CHUNK;
}

/** Bytes of a request's identity as it is stored; as text it has two characters for each. */
export const REQUEST_ID_BYTES = 16;

/** The name of a chunk's request file. */
export function requestFileName(chunk: number): string {
  return `${String(chunk).padStart(6, "0")}.requests.jsonl`;
}

/** The name of a chunk's reply file: the provider's lines as they came, from all its result files; packed as the cache kept them for a recalled chunk. */
export function replyFileName(chunk: number): string {
  return `${chunkName(chunk)}.replies.jsonl${isRecalled(chunk) ? PACKED : ""}`;
}

/** What the names of packed files end with: frames of Zstandard and a table of them, of which any part is read by itself. */
export const PACKED = ".zst";

/** The file of what a chunk's replies were read as, which can always be made again from them. */
export function answerFileName(chunk: number): string {
  return `${chunkName(chunk)}.answers`;
}

function chunkName(chunk: number): string {
  // Those of recalled chunks stand together: 000000, 000000-1, 000000-2.
  if (chunk < RECALLED_CHUNK) return `000000${String(chunk)}`;
  return String(chunk).padStart(6, "0");
}

/** The collection of a chunk whose requests went elsewhere without being sent. */
export const NOTHING_COLLECTED: Collection = {
  match: { answered: 0, missing: 0, duplicates: 0, unknown: 0 },
  succeeded: 0,
  failed: 0,
  resent: 0,
  usage: NO_USAGE,
};

/** A request that has ended without an answer. */
export interface FailedRequest extends RequestFailure {
  readonly ordinal: number;
}
