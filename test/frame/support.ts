/** What the tests of frames share: files that vanish, and rows gathered from blocks. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Cell, NewCell, NewCells } from "../../src/core/column.ts";
import { BatchframeError } from "../../src/core/errors.ts";
import type { Frame } from "../../src/frame/frame.ts";

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A new empty folder, removed after the file's tests. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "frame-"));
  folders.push(folder);
  return folder;
}

/** Writes a file with this content and gives its path. */
export async function fileOf(content: string | Buffer, name = "input.csv"): Promise<string> {
  const path = join(await newFolder(), name);
  await writeFile(path, content);
  return path;
}

/** Every row's text of the named columns (all by default), read in blocks of `maxRows`. */
export async function allTexts(
  frame: Frame,
  options: { readonly columns?: readonly string[]; readonly maxRows?: number } = {},
): Promise<(string | null)[][]> {
  const columns = options.columns ?? frame.columns;
  const rows: (string | null)[][] = [];
  for await (const block of frame.blocks(columns, options.maxRows ?? 1000)) {
    const texts = columns.map((name) => block.text(name));
    for (let row = 0; row < block.rowCount; row += 1) {
      rows.push(texts.map((column) => column[row] ?? null));
    }
  }
  return rows;
}

/** Every value of one column. */
export async function allValues(frame: Frame, column: string): Promise<Cell[]> {
  const values: Cell[] = [];
  for await (const block of frame.blocks([column], 2)) values.push(...block.values(column));
  return values;
}

/** New columns cut into blocks of the given sizes, over and over. */
export async function* blocksOfCells(
  columns: readonly (readonly NewCell[])[],
  sizes: readonly number[] = [3],
): AsyncGenerator<NewCells> {
  const rowCount = columns[0]?.length ?? 0;
  for (let firstRow = 0, at = 0; firstRow < rowCount; at += 1) {
    const end = firstRow + (sizes[at % sizes.length] ?? 1);
    yield await Promise.resolve({
      firstRow,
      columns: columns.map((column) => column.slice(firstRow, end)),
    });
    firstRow = end;
  }
}

/** The batchframe exception that an operation ends with. */
export async function failureOf(operation: () => unknown): Promise<BatchframeError> {
  try {
    await operation();
  } catch (error) {
    if (error instanceof BatchframeError) return error;
    throw error;
  }
  throw new Error("expected a BatchframeError and got none");
}
