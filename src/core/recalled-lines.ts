/** The lines of one file of packs: which packs it takes over, and where the lines lie in it. */

import { lineStart, unpackedBytes, type LinePack } from "./kept-lines.ts";
import { seekTable, type FrameSize } from "./seek-table.ts";

/** Lines that are put into one file. */
export interface RecalledLines {
  /** The request is answered by the line at a place of a pack. */
  add(ordinal: number, pack: LinePack, place: number): void;
  /** The frames to be written next, each once; none while they are fewer bytes than that. */
  take(leastBytes: number): readonly Uint8Array[];
  isEmpty(): boolean;
  /** What is written after all frames. */
  table(): Uint8Array;
  /** Which request is answered where; places are those in the unpacked file, lengths without the line feed. */
  index(): LineIndex;
}

interface LineIndex {
  readonly ordinals: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

const FIRST_LINES = 1024;

/** A file of packs that holds nothing yet. Packs are taken over whole: what else lies in them is named by no index. */
export function recalledLines(): RecalledLines {
  // Weak: how many packs a file takes over is bounded by nothing.
  const starts = new WeakMap<LinePack, number>();
  const frames: FrameSize[] = [];
  let index = roomFor(FIRST_LINES);
  let lines = 0;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let end = 0;
  let last: { readonly pack: LinePack; readonly start: number } | null = null;
  const startOf = (pack: LinePack): number => {
    // Mostly that of the request before.
    if (last?.pack !== pack) last = { pack, start: starts.get(pack) ?? added(pack) };
    return last.start;
  };
  const added = (pack: LinePack): number => {
    const start = end;
    const size = { packed: pack.packed.length, unpacked: unpackedBytes(pack) };
    starts.set(pack, start);
    frames.push(size);
    waiting.push(pack.packed);
    waitingBytes += size.packed;
    end += size.unpacked;
    return start;
  };
  return {
    add: (ordinal, pack, place) => {
      const from = lineStart(pack, place);
      if (lines === index.ordinals.length) index = roomFor(2 * lines, index);
      index.ordinals[lines] = ordinal;
      index.offsets[lines] = startOf(pack) + from;
      index.lengths[lines++] = (pack.ends[place] ?? from) - from - 1;
    },
    take: (leastBytes) => {
      if (waitingBytes < leastBytes) return [];
      const taken = waiting;
      [waiting, waitingBytes] = [[], 0];
      return taken;
    },
    isEmpty: () => frames.length === 0,
    table: () => seekTable(frames),
    index: () => ({
      ordinals: index.ordinals.slice(0, lines),
      offsets: index.offsets.slice(0, lines),
      lengths: index.lengths.slice(0, lines),
    }),
  };
}

/** An index with room for so many lines, which begins with those of another. */
function roomFor(lines: number, before?: LineIndex): LineIndex {
  const wider = {
    ordinals: new Uint32Array(lines),
    offsets: new Float64Array(lines),
    lengths: new Uint32Array(lines),
  };
  if (before === undefined) return wider;
  wider.ordinals.set(before.ordinals);
  wider.offsets.set(before.offsets);
  wider.lengths.set(before.lengths);
  return wider;
}
