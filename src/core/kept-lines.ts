/** Reply lines that were kept from before, as bytes: most are handed on without ever being read. */

/** The reply lines to the requests of a block, as far as there are any. */
export interface KeptLines {
  /** The lines in the order of the requests, each with a line feed after it. */
  readonly bytes: Uint8Array;
  /** Where the line of each request ends in `bytes`, after its line feed; for a request without one, where the line before ends. */
  readonly ends: Uint32Array;
}

/** Kept lines as they are found. */
export interface FoundLines extends KeptLines {
  /** For each request, the mark of the reading by which its line is known to be an accepted answer; null where that is not known. */
  readonly readings: readonly (string | null)[];
}

/** Where the line of a request begins; where it would, for a request without one. */
export function keptFrom({ ends }: KeptLines, at: number): number {
  return at === 0 ? 0 : (ends[at - 1] ?? 0);
}

/** Whether there is a line for a request. */
export function isKept(kept: KeptLines, at: number): boolean {
  return (kept.ends[at] ?? 0) > keptFrom(kept, at);
}

/** The line of a request, without its line feed; null where there is none. */
export function keptLine(kept: KeptLines, at: number): string | null {
  if (!isKept(kept, at)) return null;
  const { buffer, byteOffset } = kept.bytes;
  const from = keptFrom(kept, at);
  const end = (kept.ends[at] ?? 0) - 1;
  return Buffer.from(buffer, byteOffset + from, end - from).toString("utf8");
}

/** The same lines without those of some requests. */
export function withoutLines(kept: KeptLines, left: ReadonlySet<number>): KeptLines {
  const bytes = new Uint8Array(kept.bytes.length);
  let end = 0;
  const ends = Uint32Array.from(kept.ends, (old, at) => {
    const line = kept.bytes.subarray(keptFrom(kept, at), old);
    if (left.has(at)) return end;
    bytes.set(line, end);
    return (end += line.length);
  });
  return { bytes: bytes.subarray(0, end), ends };
}
