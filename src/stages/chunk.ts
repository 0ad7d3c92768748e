/** chunk: distinct requests are cut into request files within the provider's limits. */

import { RECALLED_CHUNK, replyFileName, requestFileName } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import { lineEncoder, type EncodeLine } from "../core/line-form.ts";
import type { NewRequest, PlannedBlock, PlannedRows } from "../core/plan.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import { customId } from "../core/tracker.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type {
  ChunkFiles,
  ChunkFileWriter,
  PlannedChunk,
  RecalledChunk,
  Store,
} from "../store/store.ts";

/** What chunking needs to know. */
export interface ChunkInput {
  readonly store: Pick<Store, "files" | "addToPlan" | "chunks">;
  readonly provider: Pick<BatchProvider, "encode" | "limits" | "writesTextsAsJson">;
  readonly token: string;
  /** The lane the chunks are recorded with. */
  readonly lane: Lane;
  /** Whether the first request is a chunk of its own, recorded with the realtime lane. */
  readonly firstAlone?: boolean;
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

/**
 * Writes the plan's requests to chunk files and records the plan in the store, chunk by chunk.
 *
 * A chunk closes when it holds `requestsPerChunk` requests or the next line would pass a limit of the
 * provider (UTF-8 bytes, newlines counted). Each chunk's file is durable before the store names it, and is
 * recorded together with all rows before the first that it cannot answer, so that planning can go on
 * after it. Replies that were kept go into files of their own. Goes on with the chunk numbers of a plan
 * that was cut off.
 */
export async function chunkRequests(
  blocks: AsyncIterable<PlannedBlock>,
  input: ChunkInput,
): Promise<void> {
  const { store, provider } = input;
  const numbers = (await store.chunks()).map(({ number }) => number);
  let number = Math.max(0, ...numbers);
  let recalledNumber = Math.min(RECALLED_CHUNK + 1, ...numbers);
  const encodeLine: EncodeLine =
    provider.writesTextsAsJson === true
      ? lineEncoder((request, id) => provider.encode(request, id))
      : (request, id) => provider.encode(request, id);
  const recalled = recalledReplies(store.files);
  const waiting = waitingRows();
  let open: OpenChunk | null = null;
  try {
    for await (const block of blocks) {
      waiting.add(block);
      for (const fresh of block.requests) {
        if (fresh.kept !== undefined) {
          await recalled.add(fresh.ordinal, fresh.kept, recalledNumber - 1);
          waiting.known(fresh);
          continue;
        }
        let line = encode(fresh, number + (open === null ? 1 : 0));
        if (open !== null && !(await fits(open, line, input))) {
          await record(open, fresh.ordinal);
          open = null;
          line = encode(fresh, number + 1);
        }
        open ??= await openChunk(store.files, ++number);
        append(open, fresh.ordinal, line);
        input.weigher?.add(fresh);
        if (open.pendingUnits >= FLUSH_UNITS) await flush(open);
        waiting.known(fresh);
      }
      // Rows that name a request of an open chunk wait for it; others need not.
      if (open === null && waiting.rowCount() >= ROWS_PER_STEP) await record(null, null);
    }
    await record(open, null);
    open = null;
  } finally {
    await open?.writer.abort();
    await recalled.abort();
  }

  function encode(fresh: NewRequest, chunk: number): string {
    const id = customId(input.token, { chunk, ordinal: fresh.ordinal });
    return `${encodeLine(fresh.request, id)}\n`;
  }

  /** Records what waits, up to the row that first has the request `before`. */
  async function record(full: OpenChunk | null, before: number | null): Promise<void> {
    let chunk: PlannedChunk | null = null;
    if (full !== null) {
      await flush(full);
      const { bytes } = await full.writer.commit();
      const ordinals = Uint32Array.from(full.ordinals);
      const weighed = input.weigher?.weighed(full.number);
      const estimate = weighed === undefined ? {} : { estimate: weighed };
      const lane = isAlone(full, input) ? "realtime" : input.lane;
      chunk = { number: full.number, bytes, lane, ordinals, ...estimate };
    }
    const kept = await recalled.take();
    if (kept !== null) recalledNumber -= 1;
    await store.addToPlan({ ...waiting.take(before), chunk, recalled: kept });
  }
}

// Often enough that little is done again after a kill, and seldom enough that the disk is not waited for.
const ROWS_PER_STEP = 100_000;

interface WaitingRows {
  add(block: PlannedBlock): void;
  /** The request's identity goes with the rows. */
  known(fresh: NewRequest): void;
  rowCount(): number;
  /** The rows before the one that first has the request `before`, or all. */
  take(before: number | null): {
    readonly rows: readonly PlannedRows[];
    readonly ids: Uint8Array;
    readonly cutRows: number;
  };
}

/** Rows that are planned and not recorded yet, since they may name a request of a chunk that is still open. */
function waitingRows(): WaitingRows {
  let rows: PlannedRows[] = [];
  let rowCount = 0;
  let ids: string[] = [];
  let cuts: number[] = [];
  return {
    add: (block) => {
      rows.push(block.rows);
      rowCount += block.rows.requests.length;
      for (const row of block.cutRows ?? []) cuts.push(block.rows.firstRow + row);
    },
    known: ({ id }) => {
      ids.push(id);
    },
    rowCount: () => rowCount,
    take: (before) => {
      let taken = rows;
      rows = [];
      const last = taken.at(-1);
      // Requests are met block by block: the row stands in the last.
      const at = before === null || last === undefined ? -1 : last.requests.indexOf(before);
      if (last !== undefined && at >= 0) {
        const { firstRow, requests } = last;
        const head = { firstRow, requests: requests.subarray(0, at) };
        taken = at === 0 ? taken.slice(0, -1) : [...taken.slice(0, -1), head];
        rows = [{ firstRow: firstRow + at, requests: requests.subarray(at) }];
      }
      rowCount = rows.reduce((sum, { requests }) => sum + requests.length, 0);
      const firstLeft = rows[0]?.firstRow ?? Number.POSITIVE_INFINITY;
      const bytes = Buffer.from(ids.join(""), "hex");
      ids = [];
      const cutRows = cuts.filter((row) => row < firstLeft).length;
      cuts = cuts.filter((row) => row >= firstLeft);
      return { rows: taken, ids: bytes, cutRows };
    },
  };
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

function isAlone({ number }: OpenChunk, { firstAlone = false }: ChunkInput): boolean {
  return firstAlone && number === 1;
}

async function fits(open: OpenChunk, line: string, input: ChunkInput): Promise<boolean> {
  const { limits } = input.provider;
  const most = Math.min(input.requestsPerChunk, limits.maxRequestsPerBatch);
  if (open.ordinals.length >= most || isAlone(open, input)) return false;
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

interface RecalledReplies {
  add(ordinal: number, line: string, chunk: number): Promise<void>;
  /** What was added since the last call, its file durable; null where nothing was. */
  take(): Promise<RecalledChunk | null>;
  abort(): Promise<void>;
}

/** The reply files of recalled chunks; each is begun with its first reply, since most runs recall nothing. */
function recalledReplies(files: ChunkFiles): RecalledReplies {
  let writer: ChunkFileWriter | null = null;
  let number = RECALLED_CHUNK;
  let ordinals: number[] = [];
  let lengths: number[] = [];
  let pending: string[] = [];
  let pendingUnits = 0;
  const flush = async (): Promise<void> => {
    await writer?.write(pending.join(""));
    pending = [];
    pendingUnits = 0;
  };
  return {
    add: async (ordinal, line, chunk) => {
      number = chunk;
      writer ??= await files.create(replyFileName(number));
      ordinals.push(ordinal);
      lengths.push(Buffer.byteLength(line));
      pending.push(line, "\n");
      pendingUnits += line.length + 1;
      if (pendingUnits >= FLUSH_UNITS) await flush();
    },
    take: async () => {
      if (writer === null) return null;
      await flush();
      const { bytes } = await writer.commit();
      writer = null;
      let at = 0;
      const offsets = Float64Array.from(lengths, (length) => {
        const offset = at;
        at += length + 1;
        return offset;
      });
      const index = {
        ordinals: Uint32Array.from(ordinals),
        offsets,
        lengths: Uint32Array.from(lengths),
      };
      ordinals = [];
      lengths = [];
      return { number, index, bytes };
    },
    abort: async () => {
      await writer?.abort();
    },
  };
}
