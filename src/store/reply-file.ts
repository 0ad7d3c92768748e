/** Replies that lie in a file, as batches of a cache: they are read where they are kept, which may be in a thread. */

import { closeSync, openSync, readSync } from "node:fs";
import { StoreError } from "../core/errors.ts";
import type { ReplyBatch } from "./reply-cache.ts";

/** Replies in a file, and the requests they answer. */
export interface RepliesInFile {
  readonly path: string;
  /** The requests' identities, as in a {@link ReplyBatch}, in the order the replies are to be kept in. */
  readonly ids: Uint8Array;
  /** Where the reply to each lies in the file. */
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

const LINE_FEED = 10;

/** The most of a file that is held at once, but for a reply that is longer. */
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * The same replies in batches, one for each stretch of the file, in which they have the order given.
 *
 * @throws {StoreError} `chunk_file_short` for a file that is not what it was when the replies were found in it.
 */
export function* replyBatches(
  { path, ids, offsets, lengths }: RepliesInFile,
  windowBytes = WINDOW_BYTES,
): Generator<ReplyBatch> {
  const idBytes = offsets.length === 0 ? 0 : ids.length / offsets.length;
  const file = openSync(path, "r");
  try {
    for (const { start, end, places } of stretchesOf({ offsets, lengths }, windowBytes)) {
      const bytes = Buffer.allocUnsafeSlow(end - start);
      if (readSync(file, bytes, 0, bytes.length, start) !== bytes.length) throw short(path);
      const own = Buffer.allocUnsafeSlow(places.length * idBytes);
      const ends = new Uint32Array(places.length);
      const lines = Buffer.allocUnsafeSlow(
        places.reduce((sum, place) => sum + (lengths[place] ?? 0) + 1, 0),
      );
      let used = 0;
      for (let at = 0; at < places.length; at += 1) {
        const place = places[at] ?? 0;
        const from = (offsets[place] ?? 0) - start;
        used += bytes.copy(lines, used, from, from + (lengths[place] ?? 0));
        lines[used++] = LINE_FEED;
        ends[at] = used;
        own.set(ids.subarray(place * idBytes, (place + 1) * idBytes), at * idBytes);
      }
      yield { ids: own, lines, ends };
    }
  } finally {
    closeSync(file);
  }
}

interface Stretch {
  readonly start: number;
  readonly end: number;
  /** The replies in it, in the order given. */
  readonly places: readonly number[];
}

function stretchesOf(
  { offsets, lengths }: Pick<RepliesInFile, "offsets" | "lengths">,
  windowBytes: number,
): readonly Stretch[] {
  const places = new Map<number, number[]>();
  for (let place = 0; place < offsets.length; place += 1) {
    const window = Math.floor((offsets[place] ?? 0) / windowBytes);
    const known = places.get(window);
    if (known === undefined) places.set(window, [place]);
    else known.push(place);
  }
  const windows = [...places].sort(([a], [b]) => a - b);
  return windows.map(([, own]) => {
    let start = Number.POSITIVE_INFINITY;
    let end = 0;
    for (const place of own) {
      const offset = offsets[place] ?? 0;
      start = Math.min(start, offset);
      end = Math.max(end, offset + (lengths[place] ?? 0));
    }
    return { start, end, places: own };
  });
}

function short(path: string): StoreError {
  return new StoreError(
    "chunk_file_short",
    `${path} is shorter than it was when it was written. No money was spent.`,
    { hint: "Restore the run directory from a copy." },
  );
}
