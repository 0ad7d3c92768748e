/** Packs of lines as caches keep them, and as a run's files take them over. */

import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { lineStart, unpackedBytes, type KeptLines, type LinePack } from "../core/kept-lines.ts";

/** A line that is looked for by itself is read with so many others; those of a file's rows follow each other. */
export const LINES_PER_PACK = 128;

// Replies are much alike: what is not written and synced saves more than packing costs.
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Lines with their line feeds as one frame. */
export function packedLines(lines: Uint8Array): Uint8Array {
  return zstdCompressSync(lines, FAST);
}

/** A frame of so many bytes that is unpacked when it is first asked for. */
export function unpackedOnce(packed: Uint8Array, bytes: number): () => Buffer {
  let lines: Buffer | null = null;
  // Told their size, zstd writes them in one piece, which need not be put together.
  const room = { chunkSize: Math.max(SMALLEST_ROOM, bytes) };
  return () => (lines ??= zstdDecompressSync(packed, room));
}

// As much as the library asks for.
const SMALLEST_ROOM = 64;

/** Gives lines at places of packs in packs that are worth handing on whole. */
export type PackHanding = (packs: readonly (LinePack | null)[], places: Uint32Array) => KeptLines;

/**
 * Where few lines of a pack are wanted these are packed anew: what is handed on is hardly larger than the lines
 * themselves. The last pack is handed on whatever is wanted of it, since the next lines lie there too, and is so
 * again when these are asked for.
 */
export function packHanding(): PackHanding {
  let last: LinePack | null = null;
  return (packs, places) => {
    const wanted = new Map<LinePack, number>();
    for (let at = 0; at < packs.length; at++) {
      const pack = packs[at] ?? null;
      if (pack !== null) wanted.set(pack, (wanted.get(pack) ?? 0) + lineBytes(pack, places[at]));
    }
    const before = last;
    last = [...wanted.keys()].at(-1) ?? null;
    const scarce = new Set<LinePack | null>();
    for (const [pack, bytes] of wanted)
      if (bytes < pack.packed.length && pack !== before && pack !== last) scarce.add(pack);
    return scarce.size === 0 ? { packs, places } : repacked({ packs, places }, scarce);
  };
}

/** The same lines with those of some packs in new ones, a pack for each reading. */
function repacked({ packs, places }: KeptLines, scarce: ReadonlySet<LinePack | null>): KeptLines {
  const moved = new Map<string | null, number[]>();
  for (const [at, pack] of packs.entries()) {
    if (pack === null || !scarce.has(pack)) continue;
    const alike = moved.get(pack.reading);
    if (alike === undefined) moved.set(pack.reading, [at]);
    else alike.push(at);
  }
  const now = { packs: [...packs], places: Uint32Array.from(places) };
  for (const [reading, all] of moved) {
    const each = all.map((at) => lineIn(packs[at] ?? null, places[at]));
    let end = 0;
    const ends = Uint32Array.from(each, ({ length }) => (end += length));
    const bytes = Buffer.concat(each, end);
    const pack: LinePack = { packed: packedLines(bytes), ends, reading, lines: () => bytes };
    for (const [place, at] of all.entries()) {
      now.packs[at] = pack;
      now.places[at] = place;
    }
  }
  return now;
}

function lineIn(pack: LinePack | null, place = 0): Uint8Array {
  return pack === null ? EMPTY : pack.lines().subarray(lineStart(pack, place), pack.ends[place]);
}

const EMPTY = new Uint8Array();

function lineBytes(pack: LinePack, place = 0): number {
  return (pack.ends[place] ?? unpackedBytes(pack)) - lineStart(pack, place);
}
