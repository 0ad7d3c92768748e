/** The columns of a frame on their way into a typed file: with their own types where the file has them, else as text. */

import { InputError } from "../core/errors.ts";
import { textObstacle, type CellField, type CellType, type RawCell } from "./cell-type.ts";
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
  /** What is lost of the type, for {@link typeNotes}; left out where nothing is. */
  readonly loss?: TypeLoss;
}

/** What is lost, as a plural verb and what follows it, and what is written instead. */
interface TypeLoss {
  readonly told: string;
  readonly fate: string;
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
 *
 * @throws {InputError} `column_type` for a column that can be written neither with its type nor as text.
 */
export async function typedColumns(
  frame: Frame,
  format: TypedFormat,
): Promise<readonly TypedColumn[]> {
  const columns = await saidColumns(frame, format);
  return format === "arrow" ? await lookedThrough(frame, columns) : columns;
}

/** The same by what is said of the types alone, before any cell is read. */
async function saidColumns(frame: Frame, format: TypedFormat): Promise<readonly TypedColumn[]> {
  const types = await frame.types?.();
  return frame.columns.map((name): TypedColumn => {
    const field = types?.find((it) => it.name === name);
    if (field === undefined) return { name, type: { kind: "text" }, isText: true };
    const { type, told } = field;
    if (told !== undefined) return asText(checkedText(field), told);
    const obstacle = typeObstacle(type, format);
    if (obstacle !== null) return asText(checkedText(field), lacking(obstacle, format));
    const loss = lossOf(type);
    return { name, type, isText: false, ...(loss === null ? {} : { loss }) };
  });
}

/** What is lost of categories in a column that keeps its type otherwise; null where nothing is. */
function lossOf(type: CellType): TypeLoss | null {
  if (type.kind === "text") return type.isOrdered === true ? ORDER_LOST : null;
  return holdsCategories(type) ? INNER_LOST : null;
}

function holdsCategories(type: CellType): boolean {
  if (type.kind === "list") return holdsCategories(type.element);
  if (type.kind === "struct") return type.fields.some((field) => holdsCategories(field.type));
  return type.kind === "text" && type.isCategory === true;
}

const INNER_LOST: TypeLoss = {
  told: "hold categories within lists or structs",
  fate: "written with plain text in their place",
};

const ORDER_LOST: TypeLoss = {
  told: "hold categories in an order of their own",
  fate: "written as categories without an order",
};

function lacking(obstacle: string, format: TypedFormat): string {
  const called = format === "parquet" ? "Parquet" : "Arrow";
  return `hold ${obstacle}, for which ${called} has no type that its readers share`;
}

/** The name of a column that can be written as text. @throws {InputError} `column_type` */
function checkedText({ name, type }: CellField): string {
  const obstacle = textObstacle(type);
  if (obstacle === null) return name;
  throw new InputError(
    "column_type",
    `Column ${JSON.stringify(name)} is of a type that the output cannot have, and holds ${obstacle}, which cannot be written as text instead. Nothing was sent.`,
    { hint: "Write the format of the input, or name the columns to be written with --only-new." },
  );
}

const EXACT_TEXT = "written as exact text";

function asText(name: string, told: string): TypedColumn {
  return { name, type: { kind: "text" }, isText: true, loss: { told, fate: EXACT_TEXT } };
}

/**
 * What a plan says of columns whose types a file of this format will not have, in sentences; reads no cell.
 *
 * Of instants of 96 bits it says what is done with those that Arrow cannot hold, if there are any.
 *
 * @throws {InputError} `column_type` for a column that can be written neither with its type nor as text.
 */
export async function plannedTypeNotes(
  frame: Frame,
  format: TypedFormat,
): Promise<readonly string[]> {
  const columns = (await saidColumns(frame, format)).map((column): TypedColumn => {
    const { type } = column;
    const isWide = format === "arrow" && type.kind === "timestamp" && type.isWide === true;
    return isWide ? { ...column, loss: PERHAPS_BEYOND } : column;
  });
  return sentences(columns);
}

const PERHAPS_BEYOND: TypeLoss = {
  told: "hold instants of 96 bits, which Arrow has not",
  fate: "written as instants of 64 bits, or as exact text where one lies beyond the years 1677 to 2262",
};

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
    if (isBeyond.has(name))
      return asText(name, lacking("instants beyond the years 1677 to 2262", "arrow"));
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
export function typeNotes(columns: readonly TypedColumn[]): { readonly notes?: readonly string[] } {
  const notes = sentences(columns);
  return notes.length === 0 ? {} : { notes };
}

const MOST_NAMED = 10;

/** One sentence for all columns that have lost the same. */
function sentences(columns: readonly TypedColumn[]): readonly string[] {
  const named = new Map<string, { readonly loss: TypeLoss; readonly names: string[] }>();
  for (const { name, loss } of columns) {
    if (loss === undefined) continue;
    const key = JSON.stringify(loss);
    const known = named.get(key) ?? { loss, names: [] };
    known.names.push(JSON.stringify(name));
    named.set(key, known);
  }
  return [...named.values()].map(({ loss: { told, fate }, names }) => {
    if (names.length === 1) return `Column ${names[0] ?? ""} ${singular(told)}; it is ${fate}.`;
    const more = names.length > MOST_NAMED ? ` and ${String(names.length - MOST_NAMED)} more` : "";
    return `Columns ${names.slice(0, MOST_NAMED).join(", ")}${more} ${told}; they are ${fate}.`;
  });
}

function singular(told: string): string {
  return told.replace(/^hold\b/, "holds").replace(/^are\b/, "is");
}
