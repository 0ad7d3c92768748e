/** New columns as a Parquet file describes them: schema elements, leaves, and cells in the form pages take. */

import type { ConvertedType, ParquetType, SchemaElement, SchemaTree } from "hyparquet";
import type { ColumnType, NewCell, NewColumn } from "../core/column.ts";
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
}

/** Numbers of physical types, repetitions and annotations: parquet.thrift of apache/parquet-format. */
const typeNumbers: Readonly<Partial<Record<ParquetType, number>>> = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
};
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

interface Shape {
  readonly name: string;
  readonly type?: ParquetType;
  readonly annotation?: keyof typeof annotations;
  readonly isRepeated?: true;
  readonly children?: readonly Shape[];
}

function shapeOf({ name, type }: NewColumn): Shape {
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

function listShape(name: string, element: Shape): Shape {
  const list: Shape = { name: "list", isRepeated: true, children: [element] };
  return { name, annotation: "LIST", children: [list] };
}

/** The schema elements of a new column, its own first, each before those under it. */
export function schemaElements(column: NewColumn): readonly ThriftStruct[] {
  return elementsOf(shapeOf(column));
}

function elementsOf(shape: Shape): ThriftStruct[] {
  const { name, type, annotation, children = [] } = shape;
  const marks = annotation === undefined ? null : annotations[annotation];
  const element = structOf({
    1: type === undefined ? null : i32(typeNumber(type)),
    3: i32(shape.isRepeated === true ? repeated : optional),
    4: binary(name),
    5: children.length === 0 ? null : i32(children.length),
    6: marks === null ? null : i32(marks.converted),
    10: marks === null ? null : nested({ [marks.logical]: emptyStruct }),
  });
  return [element, ...children.flatMap(elementsOf)];
}

const emptyStruct: Part = nested({});

/** The leaves of a new column in the order of their chunks. */
export function newLeaves(column: NewColumn): readonly NewLeaf[] {
  const root: SchemaTree = { children: [], count: 0, element: { name: "root" }, path: [] };
  return leavesOf(shapeOf(column), { names: [], path: [root], at: 0 });
}

function leavesOf(
  shape: Shape,
  above: {
    readonly names: readonly string[];
    readonly path: readonly SchemaTree[];
    readonly at: number;
  },
): NewLeaf[] {
  const tree = treeOf(shape, above.at);
  const names = [...above.names, shape.name];
  const path = [...above.path, tree];
  if (shape.type !== undefined) return [{ names, path, type: shape.type }];
  return (shape.children ?? []).flatMap((child, at) => leavesOf(child, { names, path, at }));
}

function treeOf(shape: Shape, at: number): SchemaTree {
  const children = (shape.children ?? []).map(treeOf);
  const converted: ConvertedType | undefined = shape.annotation;
  const element: SchemaElement = {
    name: `f${at}`,
    repetition_type: shape.isRepeated === true ? "REPEATED" : "OPTIONAL",
    ...(shape.type === undefined ? {} : { type: shape.type }),
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
