/** JSON as a person reads it: a line for each member, texts of several lines as they are broken. */

import { printable } from "./cells.ts";

/** A value as indented lines, every character that a terminal would act on made visible. */
export function outlineText(value: unknown, indent: number): string {
  return linesOf(value)
    .map((text) => (" ".repeat(indent) + text).trimEnd())
    .join("\n");
}

const STEP = "  ";

function linesOf(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split(/\r\n|\r|\n/).map(printable);
  if (typeof value !== "object" || value === null) return [String(value)];
  if (Array.isArray(value)) return value.flatMap((item) => begun("-", item));
  return Object.entries(value).flatMap(([name, item]) => begun(`${printable(name)}:`, item));
}

/** A value after its name: on the same line where it is short and plain, else below it. */
function begun(name: string, value: unknown): readonly string[] {
  const lines = linesOf(value);
  const isPlain = typeof value !== "object" || value === null;
  const [first = ""] = lines;
  if (isPlain && lines.length === 1) return [`${name} ${first}`];
  if (name === "-" && !isPlain && lines.length > 0)
    return [`- ${first}`, ...lines.slice(1).map((text) => STEP + text)];
  if (lines.length === 0) return [`${name} ${Array.isArray(value) ? "[]" : "{}"}`];
  return [name, ...lines.map((text) => STEP + text)];
}
