/** The bytes of a text: checked to be UTF-8, and counted in lines. */

import { isUtf8 } from "node:buffer";
import { InputError } from "../core/errors.ts";
import { textChunks } from "./compression.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * The same chunks, each given only once every whole character in it is known to be valid UTF-8.
 *
 * A decoder would put U+FFFD in place of what it cannot read and the cell would be sent altered; so
 * bytes are judged before they are decoded. With `onBad` nothing is thrown: it is told the offset of
 * the first such byte of each line, before the chunk that holds it is given.
 *
 * @throws {InputError} `not_utf8`, naming the line and the byte; the chunks before it have been given.
 */
export async function* strictUtf8(
  chunks: AsyncIterable<Buffer>,
  source: {
    readonly path: string;
    readonly start: number;
    readonly onBad?: ((offset: number) => void) | undefined;
  },
): AsyncGenerator<Buffer> {
  let offset = source.start;
  let carried: Buffer = Buffer.alloc(0);
  const judge = async (bytes: Buffer, from: number): Promise<void> => {
    if (source.onBad === undefined) throw await notUtf8(source.path, from, bytes);
    for (const at of badLines(bytes)) source.onBad(from + at);
  };
  for await (const chunk of chunks) {
    const joined = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
    const whole = joined.length - unfinishedCharacter(joined);
    const head = joined.subarray(0, whole);
    if (!isUtf8(head)) await judge(head, offset - carried.length);
    offset += chunk.length;
    carried = Buffer.from(joined.subarray(whole));
    yield chunk;
  }
  if (carried.length > 0) await judge(carried, offset - carried.length);
}

/** Where the first byte that is not UTF-8 stands in each line that has one. */
function* badLines(bytes: Buffer): Generator<number> {
  for (let from = 0; from < bytes.length;) {
    const feed = bytes.indexOf(lineFeed, from);
    const end = feed < 0 ? bytes.length : feed + 1;
    const line = bytes.subarray(from, end);
    if (!isUtf8(line)) yield from + firstBadByte(line);
    from = end;
  }
}

/** How many bytes at the end begin a character that the next chunk may complete: 0 to 3. */
function unfinishedCharacter(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back ? back : 0;
  }
  return 0;
}

async function notUtf8(path: string, offset: number, bytes: Buffer): Promise<InputError> {
  const at = firstBadByte(bytes);
  const [line = 1] = await linesAt(path, [offset + at]);
  const byte = (bytes[at] ?? 0).toString(16).padStart(2, "0").toUpperCase();
  return new InputError(
    "not_utf8",
    `${path} is not UTF-8: line ${line} holds the byte 0x${byte} (byte ${offset + at + 1} of the file) where a character should begin or go on.`,
    {
      hint: `Convert a copy and give that: iconv -f WINDOWS-1252 -t UTF-8 ${JSON.stringify(path)} > utf8.csv`,
    },
  );
}

/** Where the first character that is not UTF-8 begins; the bytes are known to hold one. */
function firstBadByte(bytes: Buffer): number {
  let good = 0;
  let bad = bytes.length;
  // Invariant: the first `good` bytes may begin valid text, the first `bad` may not (or end too early).
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const candidate = bytes.subarray(0, middle);
    if (isUtf8(candidate.subarray(0, middle - unfinishedCharacter(candidate)))) good = middle;
    else bad = middle;
  }
  const candidate = bytes.subarray(0, good);
  return good - unfinishedCharacter(candidate);
}

/**
 * The physical line, counted from 1, on which the byte at each offset stands; where that byte begins
 * blank lines, the line after them. Offsets must ascend.
 *
 * LF and CRLF end a line wherever they stand, inside quotes too. A CR alone does so only in a file
 * without any LF before the offset, as files from old Macs are. The file is read again from its start:
 * this is for messages only.
 */
export async function linesAt(path: string, offsets: readonly number[]): Promise<number[]> {
  const seen = { feeds: 0, returns: 0, position: 0 };
  const lines: number[] = [];
  for await (const chunk of textChunks(path)) {
    for (const byte of chunk) {
      const isBreak = byte === lineFeed || byte === carriageReturn;
      while (!isBreak && seen.position >= (offsets[lines.length] ?? Infinity)) {
        lines.push(lineNumber(seen));
      }
      if (lines.length === offsets.length) return lines;
      seen.position += 1;
      if (byte === lineFeed) seen.feeds += 1;
      else if (byte === carriageReturn) seen.returns += 1;
    }
  }
  return offsets.map((_, at) => lines[at] ?? lineNumber(seen));
}

function lineNumber(seen: { readonly feeds: number; readonly returns: number }): number {
  return 1 + (seen.feeds > 0 ? seen.feeds : seen.returns);
}
