/** Which row of a run a word means: its number, its key, or what stands in a column of it. */

import { InputError, keysOf, openFile, type RunKeys, type RunStatus } from "../index.ts";
import { printable } from "./cells.ts";
import { counted } from "./format.ts";
import { shortInput } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

const ROWS_PER_BLOCK = 1000;

/** The row that a word is the number of, counted from 0, with or without a colon before it; null where it is no number. */
export function rowOfNumber(word: string): number | null {
  return /^:?[1-9]\d{0,14}$/.test(word) ? Number(word.replace(":", "")) - 1 : null;
}

/**
 * The row that a word means, counted from 0. `:17` is a number wherever it stands, and 17 where the run has no key;
 * `column=value` the first row with that cell. Where the run has a key, anything else is one: a cell, the cells of
 * several columns with commas between, or a JSON list of them, for cells that have commas or look like another form.
 *
 * @throws {InputError} `row_unknown` where there is none, and what reading the input throws.
 */
export async function rowMeant(word: string, run: RunStatus, terminal: Terminal): Promise<number> {
  const number = rowOfNumber(word);
  if (number !== null && word.startsWith(":")) return number;
  const keys = await keysOf(run);
  if (number !== null && keys === null) return number;
  const at = word.indexOf("=");
  const [column, sought] = [word.slice(0, at), word.slice(at + 1)];
  if (at > 0 && run.input !== null) {
    const row = await rowWithCell({ column, sought, isKey: keys !== null }, run, terminal);
    if (row !== null) return row;
  }
  if (keys === null)
    throw new InputError("row_unknown", `${JSON.stringify(word)} is no row of run ${run.id}.`, {
      hint: "Give its number, counted from 1 without the header, or column=value of a file's row.",
    });
  return await rowWithKey(word, keys, { run, terminal });
}

/** What a row is called besides its number, such as ` (id a-3)`; empty where the run has no key, or its input has others now. */
export async function keyText(run: RunStatus, row: number): Promise<string> {
  const keys = await keysOf(run).catch(() => null);
  if (keys?.isSame !== true) return "";
  const one = (async function* () {
    yield await Promise.resolve({ row });
  })();
  const named = keys.name(one)[Symbol.asyncIterator]();
  const first = await named.next();
  await named.return?.();
  const cells = first.done === true ? [] : (first.value.key ?? []);
  const told = keys.columns.map((name, at) => `${name} ${cells[at] ?? "missing"}`);
  return ` (${printable(told.join(", "))})`;
}

interface SoughtCell {
  readonly column: string;
  readonly sought: string;
  /** Whether the word may be a key as well. */
  readonly isKey: boolean;
}

/** The first row with a cell; null where there is no such column and the word may be a key. */
async function rowWithCell(
  { column, sought, isKey }: SoughtCell,
  { input, reading }: RunStatus,
  terminal: Terminal,
): Promise<number | null> {
  const frame = await openFile(input ?? "", reading);
  if (!frame.columns.includes(column)) {
    if (isKey) return null;
    throw new InputError(
      "row_unknown",
      `${input ?? ""} has no column ${JSON.stringify(column)} to look for a row in.`,
      { hint: `Its columns are: ${frame.columns.join(", ")}.` },
    );
  }
  let first: number | null = null;
  let found = 0;
  for await (const block of frame.blocks([column], ROWS_PER_BLOCK))
    for (const [row, text] of block.text(column).entries())
      if (text === sought) {
        first ??= block.firstRow + row;
        found += 1;
      }
  if (first === null)
    throw new InputError(
      "row_unknown",
      `No row of ${input ?? ""} has ${JSON.stringify(sought)} in ${JSON.stringify(column)}.`,
    );
  tellFirst(found, terminal);
  return first;
}

async function rowWithKey(
  word: string,
  keys: RunKeys,
  { run, terminal }: { readonly run: RunStatus; readonly terminal: Terminal },
): Promise<number> {
  const input = shortInput(run.input ?? "");
  const named = keys.columns.map((name) => JSON.stringify(name)).join(", ");
  const byNumber = { hint: "Give its number, counted from 1 without the header, as --row :17." };
  if (!keys.isSame)
    throw new InputError(
      "row_unknown",
      `${input} has other keys in ${named} than when run ${run.id} was planned, so no row can be found by one.`,
      byNumber,
    );
  const cells = cellsIn(word, keys.columns.length);
  const found = cells === null ? null : await keys.find(cells);
  if (found === null)
    throw new InputError(
      "row_unknown",
      `No row of ${input} has the key ${JSON.stringify(word)} in ${named}.`,
      byNumber,
    );
  tellFirst(found.count, terminal);
  return found.row;
}

/** The cells of a key that a word is; null where there are more or fewer. */
function cellsIn(word: string, columns: number): readonly (string | null)[] | null {
  const cells = word.startsWith("[") ? (listed(word) ?? [word]) : null;
  const plain = cells ?? (columns === 1 ? [word] : word.split(",").map((cell) => cell.trim()));
  return plain.length === columns ? plain : null;
}

function listed(word: string): readonly (string | null)[] | null {
  try {
    const read: unknown = JSON.parse(word);
    if (!Array.isArray(read)) return null;
    // As the cell of a file: a number is its text.
    return read.map((cell: unknown) =>
      cell === null || typeof cell === "string" ? cell : JSON.stringify(cell),
    );
  } catch {
    return null;
  }
}

function tellFirst(found: number, terminal: Terminal): void {
  if (found > 1) terminal.say(`${counted(found, "row")} have it; this is the first of them.`);
}
