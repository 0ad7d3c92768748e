/** The text of an object with members taken out, and more put in before its end, written as its own are. */

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

type NewMembers = readonly (readonly [name: string, value: string])[];

/**
 * A function that does what {@link withMembers} does, and takes out the members of these names, whose values
 * as they stood are given to whoever says what the new ones are.
 */
export function memberReplacer(
  gone: ReadonlySet<string>,
): (
  text: string,
  membersFor: (old: ReadonlyMap<string, string>) => NewMembers,
  style: MemberStyle,
) => string {
  const scan = memberScanner();
  return (text, membersFor, style) => {
    const { names, starts, ends } = scan(text);
    const old = new Map<string, string>();
    for (const [at, name] of names.entries())
      if (gone.has(name)) old.set(name, text.slice(starts[at], ends[at]));
    const members = membersFor(old);
    if (old.size === 0) return withMembers(text, members, style);
    // What stands before a member goes with it, but before the first of those that stay, which has no comma.
    let kept = "";
    let from = nameStart(text, text.indexOf("{") + 1);
    const head = text.slice(0, from);
    for (const [at, name] of names.entries()) {
      const end = ends[at] ?? from;
      const begin = at === 0 ? from : nameStart(text, text.indexOf(",", from) + 1);
      if (!gone.has(name)) kept += text.slice(kept === "" ? begin : from, end);
      from = end;
    }
    const tail = text.slice(from);
    if (kept !== "") return withMembers(head + kept + tail, members, style);
    return head + membersText(members, style) + tail;
  };
}

function membersText(members: NewMembers, { afterComma }: MemberStyle): string {
  return members.map(([name, value]) => name + value).join(`,${afterComma}`);
}

/** The first place from `start` on that is no white space. */
function nameStart(text: string, start: number): number {
  return start + leadOf(text, start).length;
}

/**
 * The object with new members after its last, all of its own text as it stands.
 *
 * `text` ends with the closing brace. `members` are names with their colon, and values, in pairs.
 */
export function withMembers(text: string, members: NewMembers, style: MemberStyle): string {
  if (members.length === 0) return text;
  let end = text.length - 1;
  while (isJsonSpace(text.charCodeAt(end - 1))) end -= 1;
  const isEmpty = text.charCodeAt(end - 1) === 0x7b;
  const separator = isEmpty ? "" : `,${style.afterComma}`;
  return text.slice(0, end) + separator + membersText(members, style) + text.slice(end);
}

/** The same object on one line: line breaks stand between its parts only, never within a string. */
export function onOneLine(text: string): string {
  return /[\r\n]/.test(text) ? text.replaceAll(/[ \t]*[\r\n][ \t\r\n]*/g, "") : text;
}
