/** Reply lines that were kept from before, packed as they were kept: most are handed on without ever being unpacked. */

/** Lines that were packed together. */
export interface LinePack {
  /** One Zstandard frame, which unpacks to the lines, each with a line feed after it. */
  readonly packed: Uint8Array;
  /** Where each line ends among the unpacked bytes, after its line feed. */
  readonly ends: Uint32Array;
  /** The mark of the reading by which every line is known to be an accepted answer; null where that is not known. */
  readonly reading: string | null;
  /** The unpacked bytes. */
  readonly lines: () => Buffer;
}

/** The reply lines to the requests of a block, as far as there are any. */
export interface KeptLines {
  /** For each request the pack its line is in; null for a request without one. */
  readonly packs: readonly (LinePack | null)[];
  /** For each request the place of its line in that pack. */
  readonly places: Uint32Array;
}

/** Where a line begins among the bytes its pack unpacks to. */
export function lineStart({ ends }: LinePack, place: number): number {
  return place === 0 ? 0 : (ends[place - 1] ?? 0);
}

/** How many bytes a pack unpacks to. */
export function unpackedBytes({ ends }: LinePack): number {
  return ends.at(-1) ?? 0;
}

/** Whether there is a line for a request. */
export function isKept({ packs }: KeptLines, at: number): boolean {
  return (packs[at] ?? null) !== null;
}

/** The line of a request, without its line feed; null where there is none. */
export function keptLine({ packs, places }: KeptLines, at: number): string | null {
  const pack = packs[at] ?? null;
  if (pack === null) return null;
  const place = places[at] ?? 0;
  return pack.lines().toString("utf8", lineStart(pack, place), (pack.ends[place] ?? 1) - 1);
}

/** The same lines without those of some requests. */
export function withoutLines(kept: KeptLines, left: ReadonlySet<number>): KeptLines {
  return { ...kept, packs: kept.packs.map((pack, at) => (left.has(at) ? null : pack)) };
}
