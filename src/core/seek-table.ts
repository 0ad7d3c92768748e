/** The table at the end of a file of Zstandard frames, by which each is found and unpacked by itself. */

/** The bytes of a frame in the file, and what it unpacks to. */
export interface FrameSize {
  readonly packed: number;
  readonly unpacked: number;
}

// Numbers and layout: the Zstandard seekable format, version 0.1.0. Programs that do not know it skip the table.
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const HEAD_BYTES = 8;
const ENTRY_BYTES = 8;

/** The bytes at the very end of the file, which say how long the table is. */
export const SEEK_FOOTER_BYTES = 9;

/** The table of the frames before it, in order. */
export function seekTable(frames: readonly FrameSize[]): Uint8Array {
  const table = new DataView(new ArrayBuffer(tableBytes(frames.length)));
  table.setUint32(0, SKIPPABLE_MAGIC, true);
  table.setUint32(4, table.byteLength - HEAD_BYTES, true);
  for (const [at, { packed, unpacked }] of frames.entries()) {
    table.setUint32(HEAD_BYTES + at * ENTRY_BYTES, packed, true);
    table.setUint32(HEAD_BYTES + at * ENTRY_BYTES + 4, unpacked, true);
  }
  const footer = table.byteLength - SEEK_FOOTER_BYTES;
  table.setUint32(footer, frames.length, true);
  table.setUint32(footer + 5, SEEKABLE_MAGIC, true);
  return new Uint8Array(table.buffer);
}

/** The bytes of the whole table by the last {@link SEEK_FOOTER_BYTES} of the file; null where they are none. */
export function seekTableBytes(footer: Uint8Array): number | null {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  if (footer.byteLength !== SEEK_FOOTER_BYTES) return null;
  // A table with checksums of its frames is not ours.
  if (view.getUint32(5, true) !== SEEKABLE_MAGIC || view.getUint8(4) !== 0) return null;
  return tableBytes(view.getUint32(0, true));
}

/** Where frames begin, in the file and among the unpacked bytes; one more than there are frames, for where the last ends. */
export interface FrameStarts {
  readonly packed: Float64Array;
  readonly unpacked: Float64Array;
}

/** The starts of the frames that a whole table lists. */
export function frameStarts(table: Uint8Array): FrameStarts {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const count = (table.byteLength - tableBytes(0)) / ENTRY_BYTES;
  const packed = new Float64Array(count + 1);
  const unpacked = new Float64Array(count + 1);
  for (let at = 0; at < count; at++) {
    const entry = HEAD_BYTES + at * ENTRY_BYTES;
    packed[at + 1] = (packed[at] ?? 0) + view.getUint32(entry, true);
    unpacked[at + 1] = (unpacked[at] ?? 0) + view.getUint32(entry + 4, true);
  }
  return { packed, unpacked };
}

function tableBytes(frames: number): number {
  return HEAD_BYTES + frames * ENTRY_BYTES + SEEK_FOOTER_BYTES;
}
