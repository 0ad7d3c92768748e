/** The columns of a Parquet file: what their cells are, and how the stored values become raw cells. */

import type { FileMetaData, SchemaElement, SchemaTree } from "hyparquet";
import type { CellField, CellType, RawCell, TimeUnit } from "./cell-type.ts";
import { halfFloat } from "./half-float.ts";
import { signedBigEndian } from "./number-text.ts";

/** A top-level column. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: CellType;
  /** How the column is decoded; names and annotations are not those of the file, see {@link plainTree}. */
  readonly tree: SchemaTree;
  /** The paths from the root to its leaves, in the order in which their chunks stand in a row group. */
  readonly leaves: readonly (readonly SchemaTree[])[];
  /** How many leaves of other columns stand before them. */
  readonly firstLeaf: number;
  /** Turns a decoded value into a raw cell; null where they are the same. */
  readonly toRaw: ((value: unknown) => RawCell) | null;
  /** What a missing value is; a repeated field is never missing but empty. */
  readonly whenMissing: null | readonly [];
}

/** A type, and how a decoded value of it becomes a raw cell. */
interface Reading {
  readonly type: CellType;
  readonly toRaw: ((value: unknown) => RawCell) | null;
  /** What a missing value is; a repeated field is never missing but empty. */
  readonly whenMissing: null | readonly [];
}

/** An element of the file's schema with those under it. */
interface SchemaNode {
  readonly element: SchemaElement;
  readonly children: readonly SchemaNode[];
}

/**
 * The columns of a file in order.
 *
 * Throws a RangeError where the schema ends too early.
 */
export function parquetColumns({ schema }: Pick<FileMetaData, "schema">): readonly ParquetColumn[] {
  const root = nodeAt(schema, { at: 0 });
  let firstLeaf = 0;
  const rootTree: SchemaTree = { children: [], count: 0, element: { name: "root" }, path: [] };
  return root.children.map((node, at) => {
    const tree = plainTree(node, [`f${at}`]);
    const leaves = leavesOf(tree).map((path) => [rootTree, ...path]);
    const column = { name: node.element.name, ...readingOf(node), tree, leaves, firstLeaf };
    firstLeaf += leaves.length;
    return column;
  });
}

function nodeAt(schema: readonly SchemaElement[], cursor: { at: number }): SchemaNode {
  const element = schema[cursor.at];
  if (element === undefined) throw new RangeError("the schema ends before its last column");
  cursor.at += 1;
  const children = Array.from({ length: element.num_children ?? 0 }, () => nodeAt(schema, cursor));
  return { element, children };
}

function leavesOf(tree: SchemaTree): SchemaTree[][] {
  if (tree.children.length === 0) return [[tree]];
  return tree.children.flatMap((child) => leavesOf(child).map((path) => [tree, ...path]));
}

/**
 * The schema as the decoder is shown it: only what decides how bytes are laid out.
 *
 * Annotations it would round by (decimals become floats, timestamps Dates) are left out; names are
 * positions, so that dots and repetitions in them do no harm; of the groups only lists as written today
 * are named as such.
 */
function plainTree(node: SchemaNode, path: readonly string[]): SchemaTree {
  const { type, type_length, repetition_type } = node.element;
  const children = node.children.map((child, at) => plainTree(child, [...path, `f${at}`]));
  const converted = isPlainList(node) ? "LIST" : isText(node.element) ? "UTF8" : null;
  const element: SchemaElement = {
    name: path.at(-1) ?? "",
    ...(type === undefined ? {} : { type }),
    ...(type_length === undefined ? {} : { type_length }),
    ...(repetition_type === undefined ? {} : { repetition_type }),
    ...(converted === null ? {} : { converted_type: converted }),
    ...(children.length === 0 ? {} : { num_children: children.length }),
  };
  const count = 1 + children.reduce((sum, child) => sum + child.count, 0);
  return { element, children, count, path: [...path] };
}

function readingOf(node: SchemaNode): Reading {
  const { element, children } = node;
  const reading = children.length === 0 ? leafReading(element) : groupReading(node);
  if (element.repetition_type !== "REPEATED") return reading;
  return { ...listReading(reading), whenMissing: [] };
}

function groupReading(node: SchemaNode): Reading {
  const { element, children } = node;
  const [only] = children;
  const isAlone = children.length === 1 && only?.element.repetition_type === "REPEATED";
  if (only === undefined || !isAlone) return structReading(children);
  if (isPlainList(node)) return listReading(readingOf(only.children[0] ?? only));
  const isMap = annotated(element, "MAP") || element.converted_type === "MAP_KEY_VALUE";
  if (!isMap && !annotated(element, "LIST")) return structReading(children);
  // Maps, and lists as written long ago: the repeated child is the element itself.
  const entries = readingOf(renamed(only, isMap ? ["key", "value"] : []));
  const marked = isMap && entries.type.kind === "list" ? { isMap: true as const } : {};
  return {
    type: { ...entries.type, ...marked },
    toRaw: (value) => asRaw(entries, memberOf(value, "f0")),
    whenMissing: null,
  };
}

/** Maps are read as a list of `key` and `value`, whatever the file calls these. */
function renamed(node: SchemaNode, names: readonly string[]): SchemaNode {
  const children = node.children.map((child, at) => ({
    ...child,
    element: { ...child.element, name: names[at] ?? child.element.name },
  }));
  return { ...node, children };
}

function structReading(children: readonly SchemaNode[]): Reading {
  const readings = children.map(readingOf);
  const fields = children.map(({ element }, at): CellField => ({
    name: element.name,
    type: readings[at]?.type ?? { kind: "null" },
  }));
  return {
    type: { kind: "struct", fields },
    toRaw: (value) => readings.map((reading, at) => asRaw(reading, memberOf(value, `f${at}`))),
    whenMissing: null,
  };
}

function listReading(element: Reading): Reading {
  return {
    type: { kind: "list", element: element.type },
    toRaw: (value) => Array.from(value as ArrayLike<unknown>, (it) => asRaw(element, it)),
    whenMissing: null,
  };
}

function asRaw({ toRaw, whenMissing }: Reading, value: unknown): RawCell {
  if (value === null || value === undefined) return whenMissing;
  return toRaw === null ? (value as RawCell) : toRaw(value);
}

function memberOf(value: unknown, key: string): unknown {
  return (value as Readonly<Record<string, unknown>>)[key];
}

function annotated(element: SchemaElement, name: "LIST" | "MAP"): boolean {
  return element.converted_type === name || element.logical_type?.type === name;
}

/**
 * True for a list as the format asks for it: a group of one repeated group of one element.
 *
 * A repeated group named `array` or like the list with `_tuple` is a struct of one field in the files
 * of old writers: https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
 */
function isPlainList({ element, children }: SchemaNode): boolean {
  const [only] = children;
  if (children.length !== 1 || only?.element.repetition_type !== "REPEATED") return false;
  const { name } = only.element;
  const isOldStruct = name === "array" || name === `${element.name}_tuple`;
  const [inner] = only.children;
  const isNested = inner?.element.repetition_type === "REPEATED";
  return annotated(element, "LIST") && only.children.length === 1 && !isOldStruct && !isNested;
}

function isText({ type, converted_type, logical_type }: SchemaElement): boolean {
  if (type !== "BYTE_ARRAY") return false;
  const names = ["UTF8", "ENUM", "JSON", "STRING"];
  return names.includes(converted_type ?? "") || names.includes(logical_type?.type ?? "");
}

function leafReading(element: SchemaElement): Reading {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === "NULL") return plain({ kind: "null" });
  if (isText(element)) return plain(textType(element));
  const isDecimal = converted === "DECIMAL" || logical?.type === "DECIMAL";
  if (isDecimal) return decimalReading(element);
  switch (type) {
    case "BOOLEAN":
      return plain({ kind: "boolean" });
    case "INT32":
    case "INT64":
      return integerReading(element);
    case "INT96":
      return plain({ kind: "timestamp", unit: "ns", zone: null, isWide: true });
    case "FLOAT":
      return plain({ kind: "float", bits: 32 });
    case "DOUBLE":
      return plain({ kind: "float", bits: 64 });
    case "FIXED_LEN_BYTE_ARRAY":
      return fixedReading(element);
    default:
      return plain({ kind: "bytes", width: null, ...unknownAnnotation(element) });
  }
}

function textType({ converted_type, logical_type }: SchemaElement): CellType {
  const said = logical_type?.type ?? converted_type;
  return said === "JSON" || said === "ENUM" ? { kind: "text", annotation: said } : { kind: "text" };
}

/** What a column of bytes is said to be, where that is nothing that is read here. */
function unknownAnnotation({ converted_type, logical_type }: SchemaElement): {
  readonly annotation?: string;
} {
  const said = logical_type?.type ?? converted_type;
  return said === undefined ? {} : { annotation: said };
}

function plain(type: CellType): Reading {
  return { type, toRaw: null, whenMissing: null };
}

function decimalReading(element: SchemaElement): Reading {
  const { type, logical_type: logical } = element;
  const { scale = 0, precision = 38 } = logical?.type === "DECIMAL" ? logical : element;
  const isBytes = type === "BYTE_ARRAY" || type === "FIXED_LEN_BYTE_ARRAY";
  return {
    type: { kind: "decimal", precision, scale },
    toRaw: isBytes ? (value) => signedBigEndian(value as Uint8Array) : null,
    whenMissing: null,
  };
}

const fromUnit = { MILLIS: "ms", MICROS: "us", NANOS: "ns" } as const;

function integerReading({ type, converted_type, logical_type }: SchemaElement): Reading {
  const converted = converted_type ?? "";
  if (converted === "DATE" || logical_type?.type === "DATE") return plain({ kind: "date" });
  if (logical_type?.type === "TIMESTAMP") {
    const zone = logical_type.isAdjustedToUTC ? "UTC" : null;
    return plain({ kind: "timestamp", unit: fromUnit[logical_type.unit], zone });
  }
  if (logical_type?.type === "TIME") {
    return plain({ kind: "time", unit: fromUnit[logical_type.unit] });
  }
  const unit: TimeUnit = converted.endsWith("_MICROS") ? "us" : "ms";
  // The annotation of old, which always meant UTC.
  if (converted.startsWith("TIMESTAMP_")) return plain({ kind: "timestamp", unit, zone: "UTC" });
  if (converted.startsWith("TIME_")) return plain({ kind: "time", unit });
  const isUnsigned =
    converted.startsWith("UINT_") || (logical_type?.type === "INTEGER" && !logical_type.isSigned);
  const said =
    logical_type?.type === "INTEGER"
      ? logical_type.bitWidth
      : /_(8|16|32|64)$/.exec(converted)?.[1];
  const width = Number(said ?? (type === "INT64" ? 64 : 32));
  const bits = width === 8 || width === 16 || width === 32 ? width : 64;
  const isSigned = !isUnsigned;
  if (isSigned) return plain({ kind: "integer", bits, isSigned });
  const toRaw =
    type === "INT64"
      ? (value: unknown) => BigInt.asUintN(64, value as bigint)
      : (value: unknown) => (value as number) >>> 0;
  return { ...plain({ kind: "integer", bits, isSigned }), toRaw };
}

function fixedReading(element: SchemaElement): Reading {
  const { type_length, converted_type, logical_type } = element;
  if (logical_type?.type === "UUID") return plain({ kind: "uuid" });
  if (logical_type?.type === "FLOAT16") {
    return { ...plain({ kind: "float", bits: 16 }), toRaw: (value) => halfFloat(word(value, 0)) };
  }
  if (converted_type === "INTERVAL" && type_length === 12) {
    return { ...plain({ kind: "interval", layout: "parquet" }), toRaw: intervalOf };
  }
  return plain({ kind: "bytes", width: type_length ?? null, ...unknownAnnotation(element) });
}

function word(value: unknown, at: number): number {
  const [low = 0, high = 0] = (value as Uint8Array).subarray(at, at + 2);
  return low | (high << 8);
}

/** Months, days and milliseconds, each four bytes without a sign, the lowest first. */
function intervalOf(value: unknown): RawCell {
  const [months = 0, days = 0, milliseconds = 0] = [0, 4, 8].map(
    (at) => (word(value, at) | (word(value, at + 2) << 16)) >>> 0,
  );
  return [months, days, BigInt(milliseconds) * 1_000_000n];
}
