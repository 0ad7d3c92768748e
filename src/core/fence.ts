/** Fences: marks around a cell's text that the text itself cannot forge. */

import { contentHash } from "./hash.ts";

/**
 * The text between an opening and a closing mark, each on a line of its own: `[text 9f31c2d4]` and
 * `[/text 9f31c2d4]`.
 *
 * The mark is made from the text's own hash, so nobody can write a text that closes its fence early;
 * and the same text always has the same mark, so identical prompts stay identical and are asked once.
 * A text that happens to hold its mark gets another.
 */
export function fenced(text: string): string {
  let mark = contentHash(text).slice(0, 8);
  // A text cannot be built to hold the mark made of it, but by chance one in four thousand millions does.
  while (text.includes(mark)) mark = contentHash(`${mark}${text}`).slice(0, 8);
  return `[text ${mark}]\n${text}\n[/text ${mark}]`;
}
