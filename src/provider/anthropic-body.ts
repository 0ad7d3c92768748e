/** The body of Anthropic's create call, made from a request file on its way out. */

import { createReadStream } from "node:fs";
import type { RequestFile } from "./provider.ts";

const HEAD = Buffer.from('{"requests":[');
const TAIL = Buffer.from("}");

/** How many bytes the body has beyond the file's own: its head and tail, for the file's last line feed becomes a bracket. */
export const ENVELOPE_BYTES = HEAD.byteLength + TAIL.byteLength;

const LINE_FEED = 0x0a;
const COMMA = 0x2c;
const CLOSING_BRACKET = 0x5d;

/**
 * `{"requests":[…]}` with the lines of the file for elements, in pieces as they are read.
 *
 * A line feed never stands inside a line of JSON, so each one becomes a comma and the last one the
 * closing bracket: nothing is parsed, nothing is held, and the length is known beforehand. The file
 * must end in a line feed and hold no blank lines.
 */
export async function* createBody(file: RequestFile): AsyncGenerator<Uint8Array> {
  yield HEAD;
  let offset = 0;
  for await (const piece of createReadStream(file.path)) {
    const bytes = piece as Buffer;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1))
      bytes[at] = offset + at === file.bytes - 1 ? CLOSING_BRACKET : COMMA;
    offset += bytes.byteLength;
    yield bytes;
  }
  yield TAIL;
}
