/** The text of an object with more members put in before its end, written as its own are. */

import type { Members } from "./json-scan.ts";
import { isJsonSpace, memberScanner, ScanFault } from "./json-scan.ts";

/** What stands around the punctuation of a file's objects. */
export interface MemberStyle {
  /** After a comma: "" or, as Python and pretty printers write it, a space or a line break with its indent. */
  readonly afterComma: string;
  /** The colon with the white space around it. */
  readonly colon: string;
}

/** How an object is written, by its first two members; compact where it has none, or is no object. */
export function styleOf(text: string): MemberStyle {
  const { names, starts, ends } = membersOf(text);
  const [start] = starts;
  if (names.length === 0 || start === undefined) return { afterComma: "", colon: ":" };
  // Between the name's closing quote and the value there is nothing but the colon and white space.
  const nameEnd = text.lastIndexOf('"', start - 1) + 1;
  const colon = text.slice(nameEnd, start);
  if (names.length === 1) {
    const lead = leadOf(text, text.indexOf("{") + 1);
    // Whoever puts a space after a colon puts one after a comma.
    return { afterComma: lead === "" && colon.endsWith(" ") ? " " : lead, colon };
  }
  return { afterComma: leadOf(text, text.indexOf(",", ends[0]) + 1), colon };
}

/** The white space from `start` on. */
function leadOf(text: string, start: number): string {
  let end = start;
  while (isJsonSpace(text.charCodeAt(end))) end += 1;
  return text.slice(start, end);
}

function membersOf(text: string): Members {
  try {
    return memberScanner()(text);
  } catch (error) {
    if (!(error instanceof ScanFault)) throw error;
    return { names: [], starts: [], ends: [] };
  }
}

/**
 * The object with new members after its last, all of its own text as it stands.
 *
 * `text` ends with the closing brace. `members` are names with their colon, and values, in pairs.
 */
export function withMembers(
  text: string,
  members: readonly (readonly [name: string, value: string])[],
  style: MemberStyle,
): string {
  if (members.length === 0) return text;
  let end = text.length - 1;
  while (isJsonSpace(text.charCodeAt(end - 1))) end -= 1;
  const separator = `,${style.afterComma}`;
  const added = members.map(([name, value]) => name + value).join(separator);
  const isEmpty = text.charCodeAt(end - 1) === 0x7b;
  return `${text.slice(0, end)}${isEmpty ? "" : separator}${added}${text.slice(end)}`;
}

/** The same object on one line: line breaks stand between its parts only, never within a string. */
export function onOneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[ \t]*[\r\n][ \t\r\n]*/g, "") : text;
}
