/** Text and figures as a person reads them, with nothing in them that a page or a terminal would act on. */

// Tabs and line breaks are left to the page; a zero width joiner holds an emoji together.
const UNSAFE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * The text with every invisible character that acts made visible: escape sequences, other controls and
 * marks that turn the direction of writing appear as `\x1b` or `\u{202e}`. Line breaks and tabs stay.
 */
export function visible(text: string): string {
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(UNSAFE, escaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** The text cut to so many characters, with a word on how long it was; short texts as they are. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  // Half of a pair of surrogates is no character.
  const kept = text.slice(0, most).replace(/[\ud800-\udbff]$/, "");
  return `${kept}… (${count(text.length)} characters)`;
}

/** The text on one line, cut to so many characters. */
export function oneLine(text: string, most: number): string {
  const line = visible(text).replace(/\s+/g, " ").trim();
  return line.length <= most ? line : `${line.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

const COUNT = new Intl.NumberFormat("en-US");

/** A whole number with its thousands marked: `1,234,567`. */
export function count(number: number): string {
  return COUNT.format(number);
}

/** A number of things: `1 row`, `2 rows`. */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

/** A share as percent, `32.3 %`; a whole of nothing has none. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

/** US dollars, to the cent or, below one, with two digits that count; `unknown` where the price is not known, never 0. */
export function dollars(usd: number | null): string {
  if (usd === null) return "unknown";
  const digits = usd > 0 && usd < 0.01 ? 1 - Math.floor(Math.log10(usd)) : 2;
  return `$${usd.toFixed(Math.min(12, digits))}`;
}

/** A bar of so many characters for a share between 0 and 1; something that is not 0 shows. */
export function plainBar(share: number, width: number): string {
  return "█".repeat(share > 0 ? Math.max(1, Math.round(share * width)) : 0);
}

/** Rows of cells as columns of text, two spaces apart; `right` names the columns that hold figures. */
export function plainColumns(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          right.has(at) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
