/** Keys: the columns that name a row for people, and what was found of them. */

import { InputError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

/** The keys of all rows, looked through once. */
export interface KeyCheck {
  readonly columns: readonly string[];
  /** Rows that have the key of a row before them. */
  readonly repeated: number;
  /** Rows in which a cell of the key is missing; they count as repeated nowhere. */
  readonly missing: number;
  /** The first of those, counted from 0; null where there is none. */
  readonly firstMissing: number | null;
  /** Keys that several rows have, the first three found. */
  readonly examples: readonly RepeatedKey[];
  /** A hash of all keys in their order, by which rows are known to be what they were. */
  readonly digest: string;
}

/** A key that several rows have. */
export interface RepeatedKey {
  readonly cells: readonly string[];
  /** The first two of those rows, counted from 0. */
  readonly rows: readonly [number, number];
}

/**
 * The columns of a key.
 *
 * @throws {InputError} `option_invalid` for none or the same one twice, `unknown_column` for one that is none of
 * these; nothing was sent.
 */
export function keyColumns(
  key: string | readonly string[],
  columns: readonly string[],
): readonly string[] {
  const names = typeof key === "string" ? [key] : key;
  if (names.length === 0 || new Set(names).size < names.length)
    throw new InputError(
      "option_invalid",
      `A key is one column or several, each once; it is ${JSON.stringify(names)}. Nothing was sent.`,
    );
  for (const name of names)
    if (!columns.includes(name))
      throw new InputError(
        "unknown_column",
        `The key is to be the column ${JSON.stringify(name)}, which does not exist. Nothing was sent.`,
        { hint: didYouMean(name, columns) },
      );
  return names;
}

/** What people should know of a key before they rely on it, rows counted from 1; empty for one that names every row. */
export function keyWarnings(check: KeyCheck): readonly string[] {
  const { columns, repeated, missing, firstMissing, examples } = check;
  const named = columns.map((name) => JSON.stringify(name)).join(" and ");
  const shown = examples.map(
    ({ cells, rows: [first, second] }) =>
      `${cells.map((cell) => JSON.stringify(cell)).join(", ")} in rows ${String(first + 1)} and ${String(second + 1)}`,
  );
  return [
    ...(repeated === 0
      ? []
      : [
          `The key ${named} is not one row's alone: ${rowsText(repeated)} that of a row before, as ${shown.join("; ")}.`,
        ]),
    ...(missing === 0 || firstMissing === null
      ? []
      : [
          `The key ${named} is missing in ${String(missing)} ${missing === 1 ? "row" : "rows"}, the first of them row ${String(firstMissing + 1)}.`,
        ]),
  ];
}

function rowsText(rows: number): string {
  return rows === 1 ? "1 row has" : `${String(rows)} rows have`;
}
