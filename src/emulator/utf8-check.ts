/** Whether bytes that arrive piece by piece are UTF-8. */
import { isUtf8 } from "node:buffer";

/** A check under way. */
export interface Utf8Check {
  add(bytes: Buffer): void;
  /** Whether everything added so far is UTF-8, with no character left unfinished. */
  holds(): boolean;
}

/** A check of nothing yet; a character may lie across two pieces. */
export function utf8Check(): Utf8Check {
  let holds = true;
  let tail: Buffer = Buffer.alloc(0);
  return {
    add(bytes) {
      if (!holds) return;
      const whole = tail.length === 0 ? bytes : Buffer.concat([tail, bytes]);
      const cut = whole.length - unfinished(whole);
      holds = isUtf8(whole.subarray(0, cut));
      tail = Buffer.from(whole.subarray(cut));
    },
    holds: () => holds && tail.length === 0,
  };
}

/** How many bytes at the end of `bytes` begin a character that is not finished there: 0 to 3. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}
