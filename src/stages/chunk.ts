/** chunk: distinct requests are cut into request files within the provider's limits. */

import { requestFileName } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import { lineEncoder } from "../core/line-form.ts";
import { customId } from "../core/tracker.ts";
import type { BatchProvider, ProviderLimits } from "../provider/provider.ts";
import type { Request } from "../core/request.ts";
import type { NewRequest, PlannedBlock, PlannedRows } from "../core/plan.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import type { ChunkFiles, ChunkFileWriter, PlannedChunk, Store } from "../store/store.ts";

/** What chunking needs to know. */
export interface ChunkInput {
  readonly store: Pick<Store, "files" | "addToPlan">;
  readonly provider: Pick<BatchProvider, "encode" | "limits" | "writesTextsAsJson">;
  readonly token: string;
  /** The lane the chunks are recorded with. */
  readonly lane: Lane;
  /** Requests a chunk should hold; the provider's limits may make it fewer. */
  readonly requestsPerChunk: number;
  /** Told each request as it joins a chunk, and asked for the estimate of those told since the last chunk; left out where nobody estimates. */
  readonly weigher?: Weigher;
}

/** Sums up what the requests of a chunk are expected to use. */
export interface Weigher {
  add(fresh: NewRequest): void;
  /** The estimate of what was added since the last call. */
  weighed(chunk: number): TokenEstimate;
}

/** What chunking made. */
export interface ChunkCounts {
  readonly chunks: number;
  readonly bytes: number;
}

/**
 * Writes the plan's requests to chunk files and records rows and chunks in the store, chunk by chunk.
 *
 * A chunk closes when it holds `requestsPerChunk` requests or the next line would pass a limit of the
 * provider (UTF-8 bytes, newlines counted). Each chunk's file is durable before the store names it.
 */
export async function chunkRequests(
  blocks: AsyncIterable<PlannedBlock>,
  input: ChunkInput,
): Promise<ChunkCounts> {
  let open: OpenChunk | null = null;
  let waiting: PlannedRows[] = [];
  let number = 0;
  let bytes = 0;
  const { provider } = input;
  const encodeLine =
    provider.writesTextsAsJson === true
      ? lineEncoder((request, id) => provider.encode(request, id))
      : (request: Request, id: string) => provider.encode(request, id);
  try {
    for await (const block of blocks) {
      for (const fresh of block.requests) {
        let line = encode(fresh, number + (open === null ? 1 : 0));
        if (open !== null && !(await fits(open, line, input))) {
          await record(open);
          open = null;
          line = encode(fresh, number + 1);
        }
        open ??= await openChunk(input.store.files, ++number);
        append(open, fresh.ordinal, line);
        input.weigher?.add(fresh);
        if (open.pendingUnits >= FLUSH_UNITS) await flush(open);
      }
      // Rows may name requests of a chunk that is still open, so they are recorded with it or after it.
      waiting.push(block.rows);
    }
    if (open !== null) await record(open);
    open = null;
    if (waiting.length > 0) await input.store.addToPlan(waiting, null);
    return { chunks: number, bytes };
  } finally {
    await open?.writer.abort();
  }

  function encode(fresh: NewRequest, chunk: number): string {
    const id = customId(input.token, { chunk, ordinal: fresh.ordinal });
    return `${encodeLine(fresh.request, id)}\n`;
  }

  async function record(full: OpenChunk): Promise<void> {
    await flush(full);
    const written = await full.writer.commit();
    const chunk: PlannedChunk = {
      number: full.number,
      bytes: written.bytes,
      lane: input.lane,
      ordinals: Uint32Array.from(full.ordinals),
      ...(input.weigher === undefined ? {} : { estimate: input.weigher.weighed(full.number) }),
    };
    bytes += written.bytes;
    await input.store.addToPlan(waiting, chunk);
    waiting = [];
  }
}

interface OpenChunk {
  readonly number: number;
  readonly writer: ChunkFileWriter;
  readonly ordinals: number[];
  /** Of the lines written so far, without those pending. */
  bytes: number;
  pending: string[];
  pendingUnits: number;
}

async function openChunk(files: ChunkFiles, number: number): Promise<OpenChunk> {
  const writer = await files.create(requestFileName(number));
  return { number, writer, ordinals: [], bytes: 0, pending: [], pendingUnits: 0 };
}

async function fits(open: OpenChunk, line: string, input: ChunkInput): Promise<boolean> {
  const limits: ProviderLimits = input.provider.limits;
  const most = Math.min(input.requestsPerChunk, limits.maxRequestsPerBatch);
  if (open.ordinals.length >= most) return false;
  // Counting the bytes of every line would take as long as writing it; most chunks are far from the limit.
  const mostPending = (open.pendingUnits + line.length) * MOST_BYTES_PER_UNIT;
  if (open.bytes + mostPending <= limits.maxBytesPerBatch) return true;
  await flush(open);
  return open.bytes + Buffer.byteLength(line) <= limits.maxBytesPerBatch;
}

// A UTF-16 code unit takes at most three bytes as UTF-8.
const MOST_BYTES_PER_UNIT = 3;

const FLUSH_UNITS = 256 * 1024;

function append(open: OpenChunk, ordinal: number, line: string): void {
  open.ordinals.push(ordinal);
  open.pending.push(line);
  open.pendingUnits += line.length;
}

async function flush(open: OpenChunk): Promise<void> {
  if (open.pending.length === 0) return;
  const lines = Buffer.from(open.pending.join(""));
  await open.writer.write(lines);
  open.bytes += lines.length;
  open.pending = [];
  open.pendingUnits = 0;
}
