/** The interface every provider fulfils: a few calls, each safe to make after a crash. */

import type { Ending, RemoteNames } from "../core/chunk.ts";
import type { Piece } from "../core/lines.ts";
import type { Request, RequestSpec } from "../core/request.ts";
import type { RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import type { SchemaDialect } from "../core/schema-dialect.ts";

/** What a provider takes at once. */
export interface ProviderLimits {
  readonly maxRequestsPerBatch: number;
  readonly maxBytesPerBatch: number;
  /** The largest single request line. */
  readonly maxBytesPerRequest: number;
  /** Batches that may be under way at once; null when the provider sets no such limit. */
  readonly maxBatchesInFlight: number | null;
}

/** The request file of one chunk, readable as often as needed. */
export interface RequestFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly requestCount: number;
}

/** What marks a batch as ours at the provider, and is found again by listing. */
export interface Tag {
  /** The run's token, the first part of every custom_id. */
  readonly run: string;
  readonly chunk: number;
  /** The intent's id: one per attempt to create a batch. */
  readonly intent: string;
}

/** A batch in the provider's list. */
export interface ListedBatch {
  readonly batchId: string;
  /** The tag a batchframe run gave it; null for batches made otherwise, and where batches carry none. */
  readonly tag: Tag | null;
  readonly createdAtMs: number;
  /** Whether the provider is still working on it, and so still charging for it. */
  readonly isOpen: boolean;
}

/** One attempt at sending a chunk. */
export interface Submission {
  readonly tag: Tag;
  readonly file: RequestFile;
  /** What has been uploaded for it. */
  readonly staged: RemoteNames;
  /** When the create call was about to be made, in epoch milliseconds. */
  readonly sentAtMs: number;
  /** The time now by the same clock, where it may not be this machine's. */
  readonly nowMs?: number;
}

/** A batch the provider has accepted, made here or elsewhere. */
export interface Batch {
  readonly batchId: string;
  /** What was uploaded for it; nothing where it was made elsewhere. */
  readonly staged: RemoteNames;
  /** Its request file on this machine; null where it was made elsewhere. */
  readonly file: RequestFile | null;
}

/** Whether a batch whose creation was cut off exists: it does, it does not as far as can be seen, or nobody can tell yet. */
export type Sighting =
  | { readonly found: "batch"; readonly batchId: string }
  | { readonly found: "nothing" }
  | { readonly found: "unclear" };

/** A batch's state as the provider tells it; `done` is null where it does not count while running. */
export type BatchStatus =
  | {
      readonly phase: "validating" | "running" | "finalizing" | "cancelling";
      readonly done: number | null;
    }
  | { readonly phase: "ended"; readonly ending: Ending };

/** What a provider has to say of how it asks. */
export interface ProviderWarning {
  readonly code: string;
  readonly message: string;
}

/**
 * A service that answers batches.
 *
 * Every method but `create` may be repeated freely. Methods throw {@link ProviderError}, whose
 * `retryable` says whether the same call may succeed later; no error text holds a key.
 */
export interface BatchProvider {
  /** Its name in `provider/model`. */
  readonly id: string;
  /** Where the rows go, for people: a host name, or "this machine". */
  readonly host: string;
  readonly limits: ProviderLimits;
  /** How long to wait between looks at a batch when the user does not say. */
  readonly pollEveryMs: number;
  /** How many requests make a good chunk when the user does not say. */
  readonly requestsPerChunk: number;
  /** How long a new batch may take to appear in the provider's list. */
  readonly settleMs: number;
  /** Whether an answer costs nothing. */
  readonly free: boolean;
  /** Whether requests are asked one by one, at the price of live calls, because the service has no batches; false when left out. */
  readonly asksLive?: boolean;
  /** How many requests a second it is expected to answer within the bounds it was given; left out where nobody can say. */
  readonly perSecond?: number;
  /** How many tokens, of prompts and answers, a second at the most within those bounds; left out where nothing bounds them. */
  readonly tokensPerSecond?: number;
  /**
   * The same service asked request by request by this process, at the price of live calls: the same
   * `id`, `host`, lines and replies, so that a request's identity and its answer are the same either
   * way. Left out where the service cannot be asked so, and where it is asked so anyway (`asksLive`).
   * Closed with this provider.
   */
  readonly live?: BatchProvider;

  /**
   * Whether batches carry no tag, so that of two whose creations were cut off nobody could tell which is
   * which; false when left out.
   */
  readonly isTagless?: boolean;
  /** The subset of JSON Schema it is asked in, and whether it holds the model to it; the common strict one when left out. */
  readonly schemaDialect?: SchemaDialect;

  /**
   * Whether requests of one spec, with the same roles, have lines that differ in nothing but the custom_id
   * and the messages' texts, each of which stands there once, as JSON.stringify writes it. Lines are then
   * written several times faster. False when left out.
   */
  readonly writesTextsAsJson?: boolean;

  /**
   * Checks that this provider can be asked this way and answer in this form at all.
   *
   * @throws {InputError} that names what to use instead; nothing has been sent.
   */
  check(spec: RequestSpec): void;
  /**
   * The line that asks one request, without its newline.
   *
   * @throws {InputError} for a part of a message that this provider cannot be given.
   */
  encode(request: Request, customId: string): string;
  /** The same line under a new custom_id. */
  readdress(line: string, customId: string): string;
  /** The kinds of unusable answer that asking once more in other words may cure, given what a run asks. */
  amendable(spec: RequestSpec): ReadonlySet<RowErrorCode>;
  /** The same line under a new custom_id, changed so that this failure may not happen again. */
  amend(line: string, customId: string, failure: RequestFailure): string;
  /** Uploads what a batch needs; the names are recorded before `create` is called. */
  stage(file: RequestFile, tag: Tag, signal: AbortSignal): Promise<RemoteNames>;
  /**
   * Creates the batch and gives its id. Called once per intent, never retried inside.
   *
   * @throws {ProviderError} with `httpStatus` 4xx other than 408 and 409 when no batch was made;
   * anything else leaves the question open.
   */
  create(submission: Submission, signal: AbortSignal): Promise<string>;
  /**
   * Looks for the batch a cut-off `create` may have made. `claimed` are the batches that other chunks
   * of this run hold: where batches carry no tag, they are known not to be the one.
   */
  find(
    submission: Submission,
    signal: AbortSignal,
    claimed?: ReadonlySet<string>,
  ): Promise<Sighting>;
  /** Makes a late arrival of a cut-off `create` harmless, by deleting what it would read. */
  revoke(submission: Submission, signal: AbortSignal): Promise<void>;
  poll(batch: Batch, signal: AbortSignal): Promise<BatchStatus>;
  /** Every reply line of an ended batch, from all its result files, as bytes as they arrive; the stream fails when a file is not whole. */
  replies(batch: Batch, ending: Ending, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Reads one reply line; never throws. */
  parse(line: string): Result;
  /**
   * Reads the reply line that lies between two places of a piece as `parse` reads its text, several times
   * faster; never throws. Left out where that is no faster.
   */
  parseIn?(piece: Piece, start: number, end: number): Result;
  cancel(batch: Batch, signal: AbortSignal): Promise<void>;
  /** Deletes the remote files of a collected batch. */
  discard(batch: Batch, ending: Ending, signal: AbortSignal): Promise<void>;
  /** Every batch of the account, the newest first. */
  list(signal: AbortSignal): AsyncIterable<ListedBatch>;
  /**
   * Removes an ended batch from the provider with its files, as far as the provider permits: some keep
   * the batch's record. One that is gone already is no error.
   */
  remove(batchId: string, signal: AbortSignal): Promise<void>;
  /**
   * Has whoever drives the run told what is asked otherwise than was meant; before anybody listens the
   * process's own warnings tell it. Left out where there is nothing to tell.
   */
  warns?(listener: (warning: ProviderWarning) => void): void;
  /**
   * Has each reply line judged as it comes, where this process asks one by one: once one is judged false,
   * nothing more is begun, and what is open ends as cancelled with the rest unasked. Left out where the service
   * works alone.
   */
  watched?(judge: (line: string) => boolean): void;
  /** Releases what the provider holds in this process. */
  close(): Promise<void>;
}
