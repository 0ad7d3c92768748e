/** Cells as a terminal may show them: one line, nothing that moves the cursor, no wider than asked. */

import stringWidth from "string-width";

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

// A zero width joiner holds an emoji together and is left alone.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * The text on one line, with every character that a terminal would act on made visible.
 *
 * A line break is shown as `↵` and a tab as `→`; other controls, escape sequences and marks that turn
 * the direction of writing appear as `\x1b` or `\u{202e}`.
 */
export function printable(text: string): string {
  return text
    .replace(/\r\n|\r|\n/g, "↵")
    .replaceAll("\t", "→")
    .replace(UNSAFE, escaped);
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** JSON that means the same and holds nothing a terminal would act on; JSON itself escapes only the first 32 controls. */
export function inertJson(text: string): string {
  return text.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

const GRAPHEMES = new Intl.Segmenter("en", { granularity: "grapheme" });

/** The text cut to at most `width` columns, the last of them `…` where something was cut. Whole characters only. */
export function cut(text: string, width: number): string {
  // Only a terminal's width of a text can ever be shown, and measuring a novel takes a while.
  const enough = text.slice(0, 32 * (width + 1));
  if (enough.length === text.length && widthOf(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of GRAPHEMES.segment(enough)) {
    const wide = widthOf(segment);
    if (used + wide > width - 1) break;
    kept += segment;
    used += wide;
  }
  return `${kept}…`;
}

/** The text broken between words into lines of at most `width` columns, those after the first indented. */
export function wrapped(text: string, width: number, indent: number): string {
  const lines: string[] = [];
  // Each word comes with the spaces before it; only where a line is broken are they dropped.
  const [first = "", ...rest] = text.match(/ *[^ ]+/g) ?? [];
  let line = first;
  for (const word of rest) {
    const room = lines.length === 0 ? width : width - indent;
    if (widthOf(line + word) <= room) line += word;
    else {
      lines.push(line);
      line = word.trimStart();
    }
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** The text with spaces behind it, up to `width` columns. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}
