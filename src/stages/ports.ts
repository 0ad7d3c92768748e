/** What stages are handed: the shapes they share, since no stage knows another. */

import type { Chunk } from "../core/chunk.ts";
import { requestFileName } from "../core/chunk.ts";
import { InvariantError } from "../core/errors.ts";
import type { LanesAtHand } from "../core/lane.ts";
import type { Prompt } from "../core/request.ts";
import type { Block } from "../frame/frame.ts";
import type { Batch, BatchProvider, RequestFile, Submission } from "../provider/provider.ts";
import type { ReplyIndex, Store } from "../store/store.ts";

/** How prompts are made from rows. */
export interface Rendering {
  /** The columns that must be read. */
  readonly columns: readonly string[];
  /** For one block, gives the prompt of each of its rows (counted from 0 within it), null where a row has nothing to ask. */
  readonly prompts: (block: Block) => (row: number) => Prompt | Unaskable | null;
}

/** Why a row cannot be asked: a cell is not what the template needs, or holds a longer text than it may. */
export type Unaskable = "unfit" | "too_long";

/** The run's memory, the provider, and the run's token. Only used under the run's lock. */
export interface Ports {
  readonly store: Store;
  readonly provider: BatchProvider;
  /** The same service asked request by request from here; null where it cannot be. */
  readonly live: BatchProvider | null;
  /** The prefix of every custom_id of this run. */
  readonly token: string;
  /** Where accepted replies are kept for later runs; null where nothing is. */
  readonly remember: Remember | null;
  /** Aborts local waiting; never stops remote work. */
  readonly signal: AbortSignal;
}

/** Keeps accepted replies for later runs. */
export interface Remember {
  /** Keeps these replies of a chunk, whose reply file is on the disk; the ordinals are strictly increasing. */
  keep(chunk: number, accepted: ReplyIndex): Promise<void>;
  close(): Promise<void>;
}

/** The provider that a chunk is sent to and answered by, as its lane says. Lines are the same in both. */
export function providerOf({ lane, number }: Chunk, { provider, live }: Ports): BatchProvider {
  if (lane === "batch") return provider;
  if (live !== null) return live;
  throw new InvariantError(
    "lane_missing",
    `Chunk ${String(number)} is to be asked in realtime, and ${provider.host} cannot be asked so from here. Nothing was sent for it.`,
  );
}

/** The lanes there are for so many requests. */
export function lanesAtHand({ provider, live }: LanePorts, requests: number): LanesAtHand {
  return { requests, hasBatches: provider.asksLive !== true, hasRealtime: live !== null };
}

/** The part of {@link Ports} that lanes are chosen by. */
export type LanePorts = Pick<Ports, "provider" | "live">;

/** A chunk's request file, which must have been written. */
export function requestFile(ports: Ports, chunk: Chunk): RequestFile {
  if (chunk.bytes === null)
    throw new InvariantError(
      "chunk_not_written",
      `Chunk ${String(chunk.number)} was about to be sent before its request file was written.`,
    );
  const name = requestFileName(chunk.number);
  return {
    name,
    path: ports.store.files.path(name),
    bytes: chunk.bytes,
    requestCount: chunk.requestCount,
  };
}

/** A chunk whose batch's id is known. */
export type SubmittedChunk = Chunk & {
  readonly intent: NonNullable<Chunk["intent"]>;
  readonly batchId: string;
};

/** The provider's handle on a submitted chunk. */
export function batchOf(chunk: SubmittedChunk, ports: Ports): Batch {
  return {
    ...submissionOf(chunk, ports.token, requestFile(ports, chunk)),
    batchId: chunk.batchId,
  };
}

/** The submission a chunk's intent stands for. */
export function submissionOf(
  chunk: Chunk & { readonly intent: NonNullable<Chunk["intent"]> },
  run: string,
  file: RequestFile,
): Submission {
  return {
    tag: { run, chunk: chunk.number, intent: chunk.intent.id },
    file,
    staged: chunk.intent.staged ?? {},
    sentAtMs: chunk.intent.atMs,
  };
}
