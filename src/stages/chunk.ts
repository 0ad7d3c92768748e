/** chunk: distinct requests are cut into request files within the provider's limits. */

import { RECALLED_CHUNK, replyFileName, REQUEST_ID_BYTES, requestFileName } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import { lineEncoder, type EncodePrompt } from "../core/line-form.ts";
import { packedLines, type PackedLines } from "../core/packed-lines.ts";
import type { PackedPlace } from "../core/packed.ts";
import { writeIdentity } from "../core/packing.ts";
import type { NewRequest, PlannedBlock, PlannedRows } from "../core/plan.ts";
import { recalledLines, type RecalledLines } from "../core/recalled-lines.ts";
import type { RequestSpec } from "../core/request.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import { customId, customIdStart } from "../core/tracker.ts";
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
  /** What all requests share. */
  readonly spec: RequestSpec;
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
  weighed(chunk: number): Promise<TokenEstimate>;
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
  const encodeLine: EncodePrompt =
    provider.writesTextsAsJson === true
      ? lineEncoder((request, id) => provider.encode(request, id), input.spec)
      : ({ messages, cells }, id) => provider.encode({ ...input.spec, messages, cells }, id);
  const recalled = recalledReplies(store.files);
  const waiting = waitingRows();
  let open: OpenChunk | null = null;
  let recording = Promise.resolve();
  try {
    for await (const block of blocks) {
      waiting.add(block);
      const { kept } = block;
      for (const [at, fresh] of block.requests.entries()) {
        const pack = kept?.packs[at] ?? null;
        if (pack !== null) {
          recalled.add(fresh.ordinal, pack, kept?.places[at] ?? 0);
          waiting.known(fresh);
          continue;
        }
        if (open !== null && !(hasRoom(open, input) && append(open, fresh))) {
          await recalled.write(recalledNumber - 1);
          await record(open, fresh.ordinal);
          open = null;
        }
        if (open === null) {
          open = await openChunk(input, ++number);
          append(open, fresh);
        }
        input.weigher?.add(fresh);
        if (open.pendingBytes >= FLUSH_BYTES) await flush(open);
        waiting.known(fresh);
      }
      await recalled.write(recalledNumber - 1);
      // Rows that name a request of an open chunk wait for it; others need not.
      if (open === null && waiting.rowCount() >= ROWS_PER_STEP) await record(null, null);
    }
    await record(open, null);
    open = null;
    await recording;
  } finally {
    if (open !== null) await abandon(open);
    await recalled.abort();
    await recording.catch(() => undefined);
  }

  /** Puts a request's line into a chunk; false, and nothing put, where the provider takes no more bytes at once. */
  function append(to: OpenChunk, fresh: NewRequest): boolean {
    let end = fresh.packed === undefined ? written(to, fresh) : put(to, fresh, fresh.packed);
    to.pending[end++] = LINE_FEED;
    const isFull = to.ordinals.length > 0 && to.bytes + end > provider.limits.maxBytesPerBatch;
    if (isFull) return false;
    to.pendingBytes = end;
    to.ordinals.push(fresh.ordinal);
    return true;
  }

  function written(to: OpenChunk, fresh: NewRequest): number {
    const id = customId(input.token, { chunk: to.number, ordinal: fresh.ordinal });
    const line = encodeLine(fresh.prompt, id);
    makeRoom(to, line.length * MOST_BYTES_PER_UNIT + 1);
    return to.pendingBytes + to.pending.write(line, to.pendingBytes);
  }

  function put(to: OpenChunk, fresh: NewRequest, place: PackedPlace): number {
    const most = to.lines.mostBytes(place);
    if (most === null) return written(to, fresh);
    makeRoom(to, most + 1);
    return to.lines.write(place, fresh.ordinal, { target: to.pending, at: to.pendingBytes });
  }

  /** Records what waits, up to the row that first has the request `before`, once what was recorded last is durable. */
  async function record(full: OpenChunk | null, before: number | null): Promise<void> {
    await recording;
    const rows = waiting.take(before);
    const kept = recalled.take();
    if (kept !== null) recalledNumber -= 1;
    // The disk makes these durable while the next requests are made.
    recording = (async () => {
      const chunk = full === null ? null : await completed(full);
      const recalledChunk = kept === null ? null : await kept();
      await store.addToPlan({ ...rows, chunk, recalled: recalledChunk });
    })();
    recording.catch(() => undefined);
  }

  async function completed(full: OpenChunk): Promise<PlannedChunk> {
    const { number, ordinals } = full;
    const weighed = input.weigher?.weighed(number);
    const [{ bytes }, estimate] = await Promise.all([commit(full), weighed]);
    const lane = isAlone(full, input) ? "realtime" : input.lane;
    const chunk = { number, bytes, lane, ordinals: Uint32Array.from(ordinals) };
    return estimate === undefined ? chunk : { ...chunk, estimate };
  }
}

/** Makes a chunk's file durable; one that cannot be is forgotten. */
async function commit(full: OpenChunk): Promise<{ readonly bytes: number }> {
  try {
    await flush(full);
    await full.writing;
    return await full.writer.commit();
  } catch (error) {
    await abandon(full);
    throw error;
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
  let ids = Buffer.alloc(REQUEST_ID_BYTES * 1024);
  let idBytes = 0;
  let cuts: number[] = [];
  return {
    add: (block) => {
      rows.push(block.rows);
      rowCount += block.rows.requests.length;
      for (const row of block.cutRows ?? []) cuts.push(block.rows.firstRow + row);
    },
    known: (fresh) => {
      if (idBytes === ids.length) ids = Buffer.concat([ids], 2 * ids.length);
      writeIdentity(fresh, ids, idBytes);
      idBytes += REQUEST_ID_BYTES;
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
      const bytes = Uint8Array.from(ids.subarray(0, idBytes));
      idBytes = 0;
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
  readonly lines: PackedLines;
  /** Of the lines written so far, without those pending. */
  bytes: number;
  pending: Buffer;
  pendingBytes: number;
  /** Filled while `pending` is on its way to the disk. */
  other: Buffer;
  writing: Promise<void>;
}

const NOTHING_ON_ITS_WAY = Promise.resolve();

async function openChunk({ store, token }: ChunkInput, number: number): Promise<OpenChunk> {
  const writer = await store.files.create(requestFileName(number));
  const [pending, other] = [Buffer.alloc(PENDING_BYTES), Buffer.alloc(PENDING_BYTES)];
  return {
    number,
    writer,
    ordinals: [],
    lines: packedLines(customIdStart(token, number)),
    bytes: 0,
    pending,
    pendingBytes: 0,
    other,
    writing: NOTHING_ON_ITS_WAY,
  };
}

function isAlone({ number }: OpenChunk, { firstAlone = false }: ChunkInput): boolean {
  return firstAlone && number === 1;
}

function hasRoom(open: OpenChunk, input: ChunkInput): boolean {
  const most = Math.min(input.requestsPerChunk, input.provider.limits.maxRequestsPerBatch);
  return open.ordinals.length < most && !isAlone(open, input);
}

// A UTF-16 code unit takes at most three bytes as UTF-8.
const MOST_BYTES_PER_UNIT = 3;
const LINE_FEED = 10;

const FLUSH_BYTES = 256 * 1024;
// With room for the line that goes past that.
const PENDING_BYTES = FLUSH_BYTES + 64 * 1024;

function makeRoom(open: OpenChunk, bytes: number): void {
  const { pending, pendingBytes } = open;
  if (pendingBytes + bytes <= pending.length) return;
  open.pending = Buffer.alloc(pendingBytes + bytes);
  open.pending.set(pending.subarray(0, pendingBytes));
}

async function flush(open: OpenChunk): Promise<void> {
  if (open.pendingBytes === 0) return;
  const lines = open.pending.subarray(0, open.pendingBytes);
  [open.pending, open.other] = [open.other, open.pending];
  open.bytes += lines.length;
  open.pendingBytes = 0;
  await open.writing;
  open.writing = open.writer.write(lines);
  // Told by whoever waits for it next.
  open.writing.catch(() => undefined);
}

/** Forgets a file, once nothing is written to it any more. */
async function abandon({ writer, writing }: Pick<OpenChunk, "writer" | "writing">): Promise<void> {
  await writing.catch(() => undefined);
  await writer.abort();
}

interface RecalledReplies extends Pick<RecalledLines, "add"> {
  /** Hands to the disk what was added, once it is worth a call. */
  write(chunk: number): Promise<void>;
  /** Takes what was added since the last call; the function makes its file durable. Null where nothing was. */
  take(): (() => Promise<RecalledChunk>) | null;
  abort(): Promise<void>;
}

interface RecalledFile {
  readonly number: number;
  readonly writer: ChunkFileWriter;
  writing: Promise<void>;
}

/**
 * The reply files of recalled chunks; each is begun with its first reply, since most runs recall nothing. Packs
 * are taken over whole and never unpacked: what lies in them besides is named by no index.
 */
function recalledReplies(files: ChunkFiles): RecalledReplies {
  let open: RecalledFile | null = null;
  let adding = recalledLines();
  const commit = async (file: RecalledFile, lines: RecalledLines): Promise<RecalledChunk> => {
    try {
      await file.writing;
      await file.writer.write(Buffer.concat([...lines.take(0), lines.table()]));
      const { bytes } = await file.writer.commit();
      return { number: file.number, index: lines.index(), bytes };
    } catch (error) {
      await abandon(file);
      throw error;
    }
  };
  return {
    add: (ordinal, pack, place) => {
      adding.add(ordinal, pack, place);
    },
    write: async (number) => {
      if (adding.isEmpty()) return;
      open ??= {
        number,
        writer: await files.create(replyFileName(number)),
        writing: NOTHING_ON_ITS_WAY,
      };
      const packs = adding.take(FLUSH_BYTES);
      if (packs.length === 0) return;
      const { writer, writing } = open;
      await writing;
      open.writing = writer.write(Buffer.concat(packs));
      // Told by whoever waits for it next.
      open.writing.catch(() => undefined);
    },
    take: () => {
      if (open === null) return null;
      const [file, lines] = [open, adding];
      [open, adding] = [null, recalledLines()];
      return () => commit(file, lines);
    },
    abort: async () => {
      if (open !== null) await abandon(open);
    },
  };
}
