/** The interface of a run's memory: one record of the run, its chunks, its tracker and its chunk files. */

import type {
  Learnt,
  Chunk,
  Collection,
  Ending,
  FailedRequest,
  RemoteNames,
} from "../core/chunk.ts";
import type { Json } from "../core/hash.ts";
import type { Deadline } from "../core/deadline.ts";
import type { Lane } from "../core/lane.ts";
import type { Look } from "../core/look.ts";
import type { PlanCounts, PlannedRows } from "../core/plan.ts";
import type { RequestFailure } from "../core/result.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";

/** What is known of a run as a whole. */
export interface RunRecord {
  readonly id: string;
  /** Eight characters, first a letter: the prefix of every custom_id and the run's tag at the provider. */
  readonly token: string;
  /** The settings the run was started with, as far as they decide what is asked. */
  readonly spec: Json;
  /** A hash of the settings and of the input; the same command on the same rows has the same identity. */
  readonly identity: string;
  readonly createdAtMs: number;
  /** Null until the plan is complete. */
  readonly plan: PlanCounts | null;
  /** When the last chunk was collected; null while there is work left. */
  readonly finishedAtMs: number | null;
  /** When the user asked for the remote work to be stopped; null when not, or when it was taken back. */
  readonly cancelRequestedAtMs: number | null;
  readonly learnt: Learnt;
  /** When the run is to be done; null where it may take its time. */
  readonly deadline: Deadline | null;
  /** The most it may cost, in US dollars, by the last who drove it; null where nothing holds it. */
  readonly capUsd: number | null;
}

/** Requests that go together into a chunk, as the planner has written them. */
export interface PlannedChunk {
  readonly number: number;
  readonly bytes: number;
  readonly lane: Lane;
  /** Strictly increasing. */
  readonly ordinals: Uint32Array;
  /** What they are expected to use, by what was known when the chunk was full; left out where nobody estimates it. */
  readonly estimate?: TokenEstimate;
}

/** Chunk estimates by number, as they are at the end of planning. */
export type ChunkEstimates = ReadonlyMap<number, TokenEstimate>;

/** Where the answers to requests lie in their chunk's reply file, and failures that were charged; what was not accepted has a failure besides. */
export interface ReplyIndex {
  /** Request ordinals with such a line, strictly increasing. */
  readonly ordinals: Uint32Array;
  /** Byte offsets of their lines. */
  readonly offsets: Float64Array;
  /** Byte lengths of their lines, without the newline. */
  readonly lengths: Uint32Array;
}

/** Everything a collected chunk leaves behind, stored in one transaction. */
export interface CollectedChunk {
  readonly collection: Collection;
  readonly index: ReplyIndex;
  readonly failures: readonly FailedRequest[];
  /** Requests no answer came for that go into a later chunk, strictly increasing; they are not in `failures`. */
  readonly resend: Uint32Array;
  /** How both are sent; by the chunk's own lane when left out. */
  readonly lane?: Lane;
  /** Requests with an unusable answer that are asked once more, strictly increasing; they are in `failures` until answered. */
  readonly again: Uint32Array;
}

/** Requests of a plan that a cache has answered, with their replies in a file of their own. */
export interface RecalledChunk {
  /** {@link RECALLED_CHUNK}, or a number before it. */
  readonly number: number;
  readonly index: ReplyIndex;
  /** Bytes of the reply file. */
  readonly bytes: number;
}

/**
 * A piece of the plan that stands by itself: consecutive rows, and every request that is first met in them,
 * each in the chunk or answered before.
 */
export interface PlanStep {
  readonly rows: readonly PlannedRows[];
  /** The identities of those requests, by ordinal, {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array;
  /** How many of the rows have a text that is cut. */
  readonly cutRows: number;
  readonly chunk: PlannedChunk | null;
  readonly recalled: RecalledChunk | null;
}

/** How far planning has come; a plan that was cut off goes on from here. */
export interface PlanSoFar {
  readonly rows: number;
  readonly requests: number;
  readonly cutRows: number;
}

/** What a later reading made of a request's stored answer: a failure, or null for an answer that is accepted. */
export interface Judgement {
  readonly ordinal: number;
  readonly failure: RequestFailure | null;
}

/** What a chunk's request file holds. */
export interface WrittenFile {
  readonly bytes: number;
  readonly requestCount: number;
}

/** A file being written; it appears under its name whole, or not at all. */
export interface ChunkFileWriter {
  write(piece: string | Uint8Array): Promise<void>;
  /** Makes the file durable and gives it its name. */
  commit(): Promise<{ readonly bytes: number }>;
  /** Forgets what was written. */
  abort(): Promise<void>;
}

/** The run's immutable chunk files. */
export interface ChunkFiles extends ReadableFiles {
  create(name: string): Promise<ChunkFileWriter>;
}

/** Chunk files for those who only read them. */
export interface ReadableFiles {
  /** Where the file is on this machine, once it is there; see {@link ReadableFiles.onDisk}. */
  path(name: string): string;
  /** Brings the file to this machine, where it is not there yet; gives its path. @throws {StoreError} `chunk_file_missing` */
  onDisk(name: string): Promise<string>;
  exists(name: string): Promise<boolean>;
  /** The size of a file in bytes; null when there is none. */
  bytes(name: string): Promise<number | null>;
  /** The file's bytes in pieces. @throws {StoreError} `chunk_file_missing` */
  read(name: string): AsyncIterable<Uint8Array>;
  /** Opens a file for reading lines by offset; of a packed one, by the offset in the unpacked file. */
  open(name: string): Promise<ChunkFileReader>;
}

/** Random access to a chunk file. */
export interface ChunkFileReader {
  /** After some hundred calls the whole file is held, where it is not too large. */
  text(offset: number, length: number): string;
  /** As many bytes; good until the next call. */
  bytes(offset: number, length: number): Buffer;
  /** Lets go of what is held of the file, which may be read on. */
  forget(): void;
  close(): Promise<void>;
}

/**
 * A run's memory. One process writes at a time: opened for driving, it holds the run's lock.
 *
 * Every change is durable when its promise settles. Changes check the state they start from and the
 * lock, so a process that was frozen and has lost the run cannot write over its successor.
 *
 * @throws {StoreError} `run_locked` when another live process drives the run, `lock_lost` when this one no longer does.
 */
export interface Store extends AsyncDisposable {
  readonly files: ChunkFiles;
  run(): Promise<RunRecord>;
  /** Adds the next piece to the plan, in one transaction; its chunk may be sent from then on. */
  addToPlan(step: PlanStep): Promise<void>;
  /** What has been added to the plan. */
  planSoFar(): Promise<PlanSoFar>;
  /** The identities of all requests added so far, by ordinal, some thousands at a time. */
  requestIds(): AsyncIterable<Uint8Array>;
  /** The identities of some requests, {@link REQUEST_ID_BYTES} bytes each, in the order asked; quickest for ordinals that follow one another. */
  idsOf(ordinals: ArrayLike<number>): Promise<Uint8Array>;
  /** Records the counts; with `estimates`, puts these in place of those the chunks were added with. */
  finishPlan(counts: PlanCounts, estimates?: ChunkEstimates): Promise<void>;
  /** The planned rows in order. */
  plannedRows(): AsyncIterable<PlannedRows>;
  /** Every chunk, by number. */
  chunks(): Promise<readonly Chunk[]>;
  /** The requests a chunk carries, strictly increasing. */
  ordinals(chunk: number): Promise<Uint32Array>;
  /**
   * planned → planned, once the request file of handed-on requests is written. False, and nothing
   * recorded, when more requests have joined the chunk since they were listed: the file lacks them and
   * must be written again.
   */
  written(chunk: number, file: WrittenFile): Promise<boolean>;
  /**
   * planned → submitting: the durable promise, made before the provider is called. False, and nothing
   * recorded, while the account that runs share has no room for the chunk.
   */
  intend(chunk: number, intentId: string): Promise<boolean>;
  /** submitting → submitting: what was uploaded, and that the create call comes next. */
  staged(chunk: number, staged: RemoteNames): Promise<void>;
  /** submitting → planned: the provider has certainly made no batch. */
  withdraw(chunk: number, reason: string): Promise<void>;
  /** submitting → submitted: the batch's id, from the provider's answer or found by its tag. */
  submitted(chunk: number, batchId: string, how: "accepted" | "adopted"): Promise<void>;
  /** planned → submitted: a batch that was made elsewhere from this chunk's requests; its lane is `batch`. */
  adopted(chunk: number, intentId: string, batchId: string): Promise<void>;
  /** ended → planned: the batch that was adopted for it is another's. */
  released(chunk: number, reason: string): Promise<void>;
  /** Writes down what a look at a submitted chunk's batch showed; of one that is no longer submitted, nothing. */
  looked(chunk: number, look: Look): Promise<void>;
  /** submitted → ended. */
  ended(chunk: number, ending: Ending): Promise<void>;
  /** ended → collected, with the requests handed on, in one transaction. */
  collected(chunk: number, collected: CollectedChunk): Promise<void>;
  /** planned → collected, with the requests handed on, in one transaction: its replies were made elsewhere, and its lane is `batch`. */
  answered(chunk: number, intentId: string, collected: CollectedChunk): Promise<void>;
  /** planned → collected: nothing was sent, and every request of it has failed as `cancelled`. */
  abandoned(chunk: number): Promise<void>;
  /** planned → collected: nothing was sent, and its requests go into new chunks of at most `maxRequests`. */
  divided(chunk: number, maxRequests: number): Promise<void>;
  /** Takes back or records failures of requests whose stored answers are accepted, or not, on a later reading; in one transaction. */
  rejudged(judgements: readonly Judgement[]): Promise<void>;
  /** Puts failed requests into new chunks of at most `maxRequests`, to be sent by `lane`, and takes back a wish to cancel. */
  retry(
    ordinals: Uint32Array,
    how: { readonly maxRequests: number; readonly lane: Lane },
  ): Promise<void>;
  /** planned → planned: every chunk that waits to be sent goes by this lane. */
  switchLane(lane: Lane): Promise<void>;
  learn(learnt: Learnt): Promise<void>;
  /** Records when the run is to be done, or that what is left was handed over for it. `retry` forgets it. */
  setDeadline(deadline: Deadline): Promise<void>;
  /** Records what the run may cost, for those who look at it; null for no cap. */
  setCap(capUsd: number | null): Promise<void>;
  /** Notes that no work is left. */
  finished(): Promise<void>;
  /** The reply indexes of collected chunks, by chunk. */
  replyIndexes(): AsyncIterable<{ readonly chunk: number; readonly index: ReplyIndex }>;
  /** That of one chunk; an empty one where it is not collected. */
  replyIndex(chunk: number): Promise<ReplyIndex>;
  /** The requests that ended without an answer, by ordinal. */
  failures(): AsyncIterable<FailedRequest>;
  /** Whether this process still holds the run; asked just before a provider is called. */
  holdsLock(): Promise<boolean>;
  /** The time by the clock that all who may drive this run share, in epoch milliseconds; `Intent.atMs` is told by it. */
  clockMs(): Promise<number>;
  /** The batches known to belong to some chunk, of this run and of all that share its account here. */
  claimedBatches(): Promise<ReadonlySet<string>>;
}
