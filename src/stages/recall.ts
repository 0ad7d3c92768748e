/** recall: requests that were answered before, by whatever run, get those answers and are not sent. */

import { RECALLED_CHUNK, replyFileName, REQUEST_IDS_FILE } from "../core/chunk.ts";
import type { NewRequest, PlannedBlock } from "../core/plan.ts";
import type { ChunkFileWriter, ReplyIndex, Store } from "../store/store.ts";

/** What recalling needs to know. */
export interface RecallInput {
  readonly store: Pick<Store, "files" | "recalled">;
  /** The reply line kept for a request, null when there is none. */
  readonly find: (id: string) => string | null;
  /** Whether a kept reply still reads as an answer; one that does not is asked again. */
  readonly isUsable: (line: string, request: NewRequest) => Promise<boolean>;
}

/**
 * The plan's blocks without the requests the cache answers; their replies become chunk 0, collected
 * from the start.
 *
 * Also writes down every request's identity, by ordinal, so that what is bought can be kept. Both files
 * are durable, and the chunk recorded, before the last block's successor is asked for.
 */
export async function* recall(
  blocks: AsyncIterable<PlannedBlock>,
  input: RecallInput,
): AsyncGenerator<PlannedBlock> {
  const ids = await input.store.files.create(REQUEST_IDS_FILE);
  const replies = recalledReplies(input.store);
  try {
    for await (const block of blocks) {
      await ids.write(block.requests.map(({ id }) => `${id}\n`).join(""));
      const missing: NewRequest[] = [];
      for (const request of block.requests) {
        const line = input.find(request.id);
        if (line === null || !(await input.isUsable(line, request))) missing.push(request);
        else await replies.add(request.ordinal, line);
      }
      yield { ...block, requests: missing };
    }
    await ids.commit();
    await replies.record();
  } finally {
    await ids.abort();
    await replies.abort();
  }
}

interface RecalledReplies {
  add(ordinal: number, line: string): Promise<void>;
  record(): Promise<void>;
  abort(): Promise<void>;
}

const FLUSH_UNITS = 256 * 1024;

function recalledReplies(store: RecallInput["store"]): RecalledReplies {
  const ordinals: number[] = [];
  const offsets: number[] = [];
  const lengths: number[] = [];
  let writer: ChunkFileWriter | null = null;
  let pending = "";
  let bytes = 0;
  const flush = async (): Promise<void> => {
    await writer?.write(pending);
    pending = "";
  };
  return {
    add: async (ordinal, line) => {
      // Made with the first reply: most runs recall nothing and have no such file.
      writer ??= await store.files.create(replyFileName(RECALLED_CHUNK));
      const length = Buffer.byteLength(line);
      ordinals.push(ordinal);
      offsets.push(bytes);
      lengths.push(length);
      bytes += length + 1;
      pending += `${line}\n`;
      if (pending.length >= FLUSH_UNITS) await flush();
    },
    record: async () => {
      if (writer === null) return;
      await flush();
      await writer.commit();
      const index: ReplyIndex = {
        ordinals: Uint32Array.from(ordinals),
        offsets: Float64Array.from(offsets),
        lengths: Uint32Array.from(lengths),
      };
      await store.recalled({ index, bytes });
    },
    abort: async () => {
      await writer?.abort();
    },
  };
}
