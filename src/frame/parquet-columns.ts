/** New columns as a Parquet file describes them: schema elements, leaves, and cells in the form pages take. */

import type { ConvertedType, ParquetType, SchemaElement, SchemaTree } from "hyparquet";
import type { ColumnType, NewCell, NewColumn } from "../core/column.ts";
import type { RawCell } from "./cell-type.ts";
import { dateDays, fieldOf } from "./new-cells.ts";
import type { Part } from "./thrift-fields.ts";
import { binary, i32, nested, structOf } from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";

/** One leaf of a new column: a chunk of its own in each row group. */
export interface NewLeaf {
  /** Names from the column down. */
  readonly names: readonly string[];
  /** From the root down, as the page writer takes it: structs' fields are named by position. */
  readonly path: readonly SchemaTree[];
  readonly type: ParquetType;
  /** The number of its type in the file, where that is another than `type` has. */
  readonly typeNumber?: number;
  /** Whether its values are text, which is stored once where it is repeated. */
  readonly isText: boolean;
  /** Whether its values have the order of the numbers they are written as. */
  readonly isOrdered: boolean;
}

/** A column of another typed file, as it is written into this one. */
export interface StoredColumn {
  readonly name: string;
  readonly shape: Shape;
  /** A raw cell in the form pages take. */
  readonly pageCell: (cell: RawCell) => unknown;
}

/** A column of a file that is written. */
export type FileColumn = NewColumn | StoredColumn;

/** Numbers of physical types, repetitions and annotations: parquet.thrift of apache/parquet-format. */
const typeNumbers: Readonly<Partial<Record<ParquetType, number>>> = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
  FIXED_LEN_BYTE_ARRAY: 7,
};
const required = 0;
const optional = 1;
const repeated = 2;

/** A converted type, its number, and the number of the logical type that says the same. */
const annotations = {
  UTF8: { converted: 0, logical: 1 },
  LIST: { converted: 3, logical: 3 },
  DATE: { converted: 6, logical: 6 },
} as const;

/** The number a physical type has in a file. */
export function typeNumber(type: ParquetType): number {
  return typeNumbers[type] ?? 0;
}

/** An element of a file's schema, with those under it. */
export interface Shape {
  readonly name: string;
  readonly type?: ParquetType;
  /** See {@link NewLeaf.typeNumber}. */
  readonly typeNumber?: number;
  readonly typeLength?: number;
  readonly annotation?: keyof typeof annotations;
  /** What else the file says of its type: a number of old, and what replaced it. */
  readonly marks?: {
    readonly converted?: number | undefined;
    readonly logical?: Part | undefined;
    readonly scale?: number;
    readonly precision?: number;
  };
  /** Whether it is a map, of which the one child has a key and a value. */
  readonly isMap?: true;
  readonly isUnordered?: true;
  readonly isRequired?: true;
  readonly isRepeated?: true;
  readonly children?: readonly Shape[];
}

function shapeOf(column: FileColumn): Shape {
  if ("shape" in column) return column.shape;
  const { name, type } = column;
  switch (type) {
    case "text":
      return { name, type: "BYTE_ARRAY", annotation: "UTF8" };
    case "float":
      return { name, type: "DOUBLE" };
    case "integer":
      return { name, type: "INT64" };
    case "boolean":
      return { name, type: "BOOLEAN" };
    case "date":
      return { name, type: "INT32", annotation: "DATE" };
    case "embedding":
      return listShape(name, { name: "element", type: "FLOAT" });
    default:
      return "list" in type
        ? listShape(name, shapeOf({ name: "element", type: type.list }))
        : { name, children: type.struct.map(shapeOf) };
  }
}

/** A list as the format asks for it. */
export function listShape(name: string, element: Shape): Shape {
  const list: Shape = { name: "list", isRepeated: true, children: [element] };
  return { name, annotation: "LIST", children: [list] };
}

/** The schema elements of a new column, its own first, each before those under it. */
export function schemaElements(column: FileColumn): readonly ThriftStruct[] {
  return elementsOf(shapeOf(column));
}

function elementsOf(shape: Shape): ThriftStruct[] {
  const { name, type, annotation, typeLength, children = [] } = shape;
  const own = annotation === undefined ? null : annotations[annotation];
  const said = shape.marks ?? {};
  const { scale, precision } = said;
  const converted = own?.converted ?? said.converted;
  const logical = own === null ? said.logical : nested({ [own.logical]: emptyStruct });
  const number = (value: number | undefined): Part | null =>
    value === undefined ? null : i32(value);
  const repetition = shape.isRequired === true ? required : optional;
  const element = structOf({
    1: type === undefined ? null : i32(shape.typeNumber ?? typeNumber(type)),
    2: shape.typeNumber === undefined ? number(typeLength) : null,
    3: i32(shape.isRepeated === true ? repeated : repetition),
    4: binary(name),
    5: children.length === 0 ? null : i32(children.length),
    6: number(converted),
    7: number(scale),
    8: number(precision),
    10: logical ?? null,
  });
  return [element, ...children.flatMap(elementsOf)];
}

/** What says a type by its mere presence. */
export const emptyStruct: Part = nested({});

/** The leaves of a new column in the order of their chunks. */
export function newLeaves(column: FileColumn): readonly NewLeaf[] {
  const root: SchemaTree = { children: [], count: 0, element: { name: "root" }, path: [] };
  return leavesOf(shapeOf(column), { names: [], path: [root], at: 0 });
}

function leavesOf(
  shape: Shape,
  above: {
    readonly names: readonly string[];
    readonly path: readonly SchemaTree[];
    readonly at: number;
    readonly isEntry?: boolean;
  },
): NewLeaf[] {
  const tree = treeOf(shape, above.at, above.isEntry);
  const names = [...above.names, shape.name];
  const path = [...above.path, tree];
  if (shape.type !== undefined) {
    const { type, typeNumber: number, isUnordered, annotation } = shape;
    const isText = annotation === "UTF8" || isStoredText(shape);
    const isOrdered = isUnordered !== true && !type.endsWith("BYTE_ARRAY");
    const numbered = number === undefined ? {} : { typeNumber: number };
    return [{ names, path, type, ...numbered, isText, isOrdered }];
  }
  const isEntry = holdsEntries(shape);
  return (shape.children ?? []).flatMap((child, at) =>
    leavesOf(child, { names, path, at, isEntry }),
  );
}

/** The numbers of enumerations and JSON, which are text as well. */
function isStoredText({ marks }: Shape): boolean {
  return marks?.converted === 4 || marks?.converted === 19;
}

function holdsEntries({ isRepeated, name }: Shape): boolean {
  return isRepeated === true && name === "key_value";
}

function treeOf(shape: Shape, at: number, isEntry = false): SchemaTree {
  const children = (shape.children ?? []).map((child, index) =>
    // The encoder knows keys and values of maps by these names.
    treeOf(child, index, holdsEntries(shape)),
  );
  const converted: ConvertedType | undefined = shape.isMap === true ? "MAP" : shape.annotation;
  const single = shape.isRequired === true ? "REQUIRED" : "OPTIONAL";
  const element: SchemaElement = {
    name: isEntry ? shape.name : `f${at}`,
    repetition_type: shape.isRepeated === true ? "REPEATED" : single,
    ...(shape.type === undefined ? {} : { type: shape.type }),
    ...(shape.typeLength === undefined ? {} : { type_length: shape.typeLength }),
    ...(converted === undefined ? {} : { converted_type: converted }),
    ...(children.length === 0 ? {} : { num_children: children.length }),
  };
  return { element, children, count: 1 + children.length, path: [element.name] };
}

/** A cell, known to be of its type, in the form pages take. */
export function pageCell(type: ColumnType, cell: NewCell): unknown {
  if (cell === null) return null;
  switch (type) {
    case "text":
    case "float":
    case "boolean":
      return cell;
    case "integer":
      return typeof cell === "number" ? BigInt(cell) : null;
    case "date":
      return typeof cell === "string" ? dateDays(cell) : null;
    case "embedding":
      return cell instanceof Float32Array ? Array.from(cell) : null;
    default:
      return "list" in type ? listCell(type.list, cell) : structCell(type.struct, cell);
  }
}

function listCell(element: ColumnType, cell: NewCell): unknown {
  if (!Array.isArray(cell)) return null;
  return (cell as readonly NewCell[]).map((it) => pageCell(element, it));
}

function structCell(fields: readonly NewColumn[], cell: NewCell): unknown {
  const entries = fields.map(({ name, type }, at) => [
    `f${at}`,
    pageCell(type, fieldOf(cell, name)),
  ]);
  return Object.fromEntries(entries) as unknown;
}
