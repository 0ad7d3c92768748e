/** The first line of a request file: all its lines ask in the same way, so it speaks for them. */

import { createReadStream } from "node:fs";
import { linesOf } from "../core/lines.ts";

/** The first line of the file that is not blank; empty when there is none. No more than it is read. */
export async function firstLine(path: string): Promise<string> {
  for await (const line of linesOf(createReadStream(path))) return line.text;
  return "";
}
