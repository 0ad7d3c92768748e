/** Tables that fit a terminal. */

import { cut, padded, printable, widthOf } from "./cells.ts";

/** One column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Stays whole however narrow the terminal is; for what a person has to copy. */
  readonly whole?: boolean;
  /** Is left out where the table does not fit, the last such column first. */
  readonly spare?: boolean;
}

const INDENT = 2;
const GAP = 2;
const NARROWEST = 4;

/**
 * A table without frames, at most `width` columns wide, as text without a final line break.
 *
 * Cells may hold anything: they are made printable, and the widest columns are cut until all fit.
 */
export function tableText(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number,
): string {
  const least = columns.findLastIndex(({ spare }) => spare === true);
  if (least >= 0 && naturalWidth(columns, rows) > width)
    return tableText(
      columns.toSpliced(least, 1),
      rows.map((row) => row.toSpliced(least, 1)),
      width,
    );
  const titles = columns.map(({ title }) => printable(title));
  const texts = rows.map((row) => columns.map((_, at) => printable(row[at] ?? "")));
  const widths = fitted(
    columns.map(({ whole = false }, at) => ({
      whole,
      width: Math.max(widthOf(titles[at] ?? ""), ...texts.map((row) => widest(row[at], width))),
    })),
    width - INDENT - GAP * (columns.length - 1),
  );
  return [titles, ...texts]
    .map((row) =>
      columns.map(({ align }, at) => {
        const room = widths[at] ?? NARROWEST;
        const text = cut(row[at] ?? "", room);
        return align === "right" ? " ".repeat(room - widthOf(text)) + text : padded(text, room);
      }),
    )
    .map((row) => (" ".repeat(INDENT) + row.join(" ".repeat(GAP))).trimEnd())
    .join("\n");
}

/** The width of a table in which nothing is cut. */
function naturalWidth(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): number {
  const widths = columns.map(({ title }, at) =>
    Math.max(
      ...[title, ...rows.map((row) => row[at] ?? "")].map((text) => widthOf(printable(text))),
    ),
  );
  return INDENT + GAP * (columns.length - 1) + widths.reduce((total, width) => total + width, 0);
}

/** A text's width, not measured past what a terminal can show. */
function widest(text: string | undefined, most: number): number {
  return widthOf(cut(text ?? "", most));
}

/** Widths whose sum is at most `available`, where columns that may be cut leave room for that. */
function fitted(
  wanted: readonly { readonly width: number; readonly whole: boolean }[],
  available: number,
): readonly number[] {
  const widths = wanted.map(({ width }) => width);
  const sum = (): number => widths.reduce((total, width) => total + width, 0);
  while (sum() > available) {
    const most = Math.max(...widths.filter((_, at) => wanted[at]?.whole !== true));
    if (most <= NARROWEST) break;
    widths[widths.findIndex((width, at) => width === most && wanted[at]?.whole !== true)] =
      most - 1;
  }
  return widths;
}
