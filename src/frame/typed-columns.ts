/** The columns of a frame on their way into a typed file: with their own types where the file has them, else as text. */

import type { CellField, CellType, RawCell } from "./cell-type.ts";
import type { Block, Frame } from "./frame.ts";
import { parquetObstacle } from "./parquet-stored.ts";

/** A typed format. */
export type TypedFormat = "parquet" | "arrow";

/** A column as it is written. */
export interface TypedColumn extends CellField {
  /** Whether its exact text is written, for the file has no such type, or the frame says none. */
  readonly isText: boolean;
  /** The texts of a column of categories, each once; left out where they are not known or it is none. */
  readonly categories?: ReadonlySet<string>;
  /** Why text is written where the frame says another type, in words. */
  readonly obstacle?: string;
}

/** Why a column cannot have its own type in a file of this format, in words; null where it can. */
export function typeObstacle(type: CellType, format: TypedFormat): string | null {
  return format === "parquet" ? parquetObstacle(type) : null;
}

/** Why rows cannot be left out of a column in its own format with nothing else changed, in words; null where they can. */
export function exactObstacle(type: CellType, format: TypedFormat): string | null {
  if (type.kind === "unreadable") return type.what;
  if (type.kind === "list") return exactObstacle(type.element, format);
  if (type.kind === "struct")
    return (
      type.fields.map((field) => exactObstacle(field.type, format)).find((it) => it !== null) ??
      null
    );
  if (type.kind === "bytes" && type.annotation !== undefined) return type.annotation.toLowerCase();
  return typeObstacle(type, format);
}

const ROWS_AT_ONCE = 8192;
/** More are no categories, and would take the room of a column. */
const MOST_CATEGORIES = 1_000_000;

/**
 * How the columns of a frame are written in a format.
 *
 * Of categories, and of instants of 96 bits, which Arrow has not, all cells are read to know them.
 */
export async function typedColumns(
  frame: Frame,
  format: TypedFormat,
): Promise<readonly TypedColumn[]> {
  const types = await frame.types?.();
  const columns = frame.columns.map((name): TypedColumn => {
    const type = types?.find((field) => field.name === name)?.type;
    if (type === undefined) return { name, type: { kind: "text" }, isText: true };
    const obstacle = typeObstacle(type, format);
    return obstacle === null ? { name, type, isText: false } : asText(name, obstacle);
  });
  return format === "arrow" ? await lookedThrough(frame, columns) : columns;
}

function asText(name: string, obstacle: string): TypedColumn {
  return { name, type: { kind: "text" }, isText: true, obstacle };
}

async function lookedThrough(
  frame: Frame,
  columns: readonly TypedColumn[],
): Promise<readonly TypedColumn[]> {
  const wide = columns.filter(({ type }) => type.kind === "timestamp" && type.isWide === true);
  const few = columns.filter(({ type }) => type.kind === "text" && type.isCategory === true);
  if (wide.length + few.length === 0) return columns;
  const texts = new Map(few.map(({ name }) => [name, new Set<string>()]));
  const isBeyond = new Set<string>();
  const names = [...wide, ...few].map(({ name }) => name);
  for await (const block of frame.blocks(names, ROWS_AT_ONCE)) {
    for (const { name } of wide) if (rawCells(block, name).some(isBeyond64)) isBeyond.add(name);
    for (const [name, known] of texts)
      if (known.size <= MOST_CATEGORIES)
        for (const cell of rawCells(block, name)) if (typeof cell === "string") known.add(cell);
  }
  return columns.map((column) => {
    const { name, type } = column;
    if (isBeyond.has(name)) return asText(name, "instants beyond the years 1677 to 2262");
    if (type.kind === "timestamp" && type.isWide === true) {
      const { unit, zone } = type;
      return { ...column, type: { kind: "timestamp", unit, zone } };
    }
    const known = texts.get(name);
    if (known === undefined || known.size > MOST_CATEGORIES) return column;
    return { ...column, categories: known };
  });
}

function isBeyond64(cell: RawCell): boolean {
  return typeof cell === "bigint" && BigInt.asIntN(64, cell) !== cell;
}

/** The cells of a column in a block as they are written. */
export function typedCells(block: Block, { name, isText }: TypedColumn): readonly RawCell[] {
  return isText ? block.text(name) : rawCells(block, name);
}

function rawCells(block: Block, name: string): readonly RawCell[] {
  return block.raw?.(name) ?? block.text(name);
}

/** What is to be said of columns that have lost their types, in sentences; nothing where none have. */
export function typeNotes(
  columns: readonly TypedColumn[],
  format: TypedFormat,
): { readonly notes?: readonly string[] } {
  const called = format === "parquet" ? "Parquet" : "Arrow";
  const notes = columns.flatMap(({ name, obstacle }) =>
    obstacle === undefined
      ? []
      : [
          `Column ${JSON.stringify(name)} holds ${obstacle}, for which ${called} has no type that its readers share; it is written as exact text.`,
        ],
  );
  return notes.length === 0 ? {} : { notes };
}
