/** A Parquet file's metadata with new columns in it; all else in it stays as it was. */

import type { ColumnType, NewColumn } from "../core/column.ts";
import { newLeaves, schemaElements, type FileColumn } from "./parquet-columns.ts";
import type { GroupChunks } from "./parquet-group.ts";
import {
  addToField,
  binary,
  i32,
  i64,
  listAt,
  listOf,
  nested,
  structList,
  structOf,
  structsAt,
  textAt,
} from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";
import { thriftType } from "./thrift.ts";

/** Ids of fields: parquet.thrift of apache/parquet-format. */
const ids = {
  file: { schema: 2, groups: 4, entries: 5, orders: 7 },
  element: { childCount: 5 },
  group: { chunks: 1, totalBytes: 2, compressedBytes: 6 },
  entry: { key: 1, value: 2 },
} as const;

/** What became of the Arrow schema that a file may carry. */
export type ArrowSchemaFate = "none" | "merged" | "dropped";

/** The order of all types: the one their definition gives. */
const typeOrder = structOf({ 1: nested({}) });

/**
 * Puts new columns into the metadata of a file: schema, row groups, column orders, and the schemas that
 * Arrow and Spark keep beside.
 *
 * Left as it was, Arrow's schema would make polars hide the new columns and arrow-rs refuse the file;
 * `mergeArrow` gives it with the new columns, or null where it cannot be read, and then it is taken out.
 */
export async function addColumns(
  metadata: ThriftStruct,
  added: { readonly columns: readonly NewColumn[]; readonly groups: readonly GroupChunks[] },
  mergeArrow: (encoded: string) => Promise<string | null>,
): Promise<ArrowSchemaFate> {
  const { columns, groups } = added;
  const schema = listAt(metadata, ids.file.schema);
  const [root] = structsAt(metadata, ids.file.schema);
  schema?.items.push(...columns.flatMap(schemaElements));
  if (root !== undefined) addToField(root, ids.element.childCount, BigInt(columns.length));
  structsAt(metadata, ids.file.groups).forEach((group, at) => {
    const own = groups[at];
    if (own === undefined) return;
    listAt(group, ids.group.chunks)?.items.push(...own.chunks);
    addToField(group, ids.group.totalBytes, BigInt(own.uncompressedBytes));
    addToField(group, ids.group.compressedBytes, BigInt(own.compressedBytes));
  });
  const leafCount = columns.flatMap(newLeaves).length;
  listAt(metadata, ids.file.orders)?.items.push(...Array<ThriftStruct>(leafCount).fill(typeOrder));
  return await mergeEntries(metadata, columns, mergeArrow);
}

const arrowKey = "ARROW:schema";
const sparkKey = "org.apache.spark.sql.parquet.row.metadata";

async function mergeEntries(
  metadata: ThriftStruct,
  columns: readonly NewColumn[],
  mergeArrow: (encoded: string) => Promise<string | null>,
): Promise<ArrowSchemaFate> {
  const entries = listAt(metadata, ids.file.entries);
  let fate: ArrowSchemaFate = "none";
  for (const entry of structsAt(metadata, ids.file.entries)) {
    const key = textAt(entry, ids.entry.key);
    const value = textAt(entry, ids.entry.value) ?? "";
    if (key !== arrowKey && key !== sparkKey) continue;
    const merged = key === arrowKey ? await mergeArrow(value) : withSparkFields(value, columns);
    if (key === arrowKey) fate = merged === null ? "dropped" : "merged";
    if (merged === null) entries?.items.splice(entries.items.indexOf(entry), 1);
    else
      entry.fields.splice(0, Infinity, ...structOf({ 1: binary(key), 2: binary(merged) }).fields);
  }
  return fate;
}

/**
 * Spark's schema of a file with new columns; null where it cannot be read. Spark trusts it more than the
 * file's own and would not see the columns.
 */
function withSparkFields(text: string, columns: readonly NewColumn[]): string | null {
  try {
    const schema = JSON.parse(text) as { readonly fields: readonly unknown[] };
    return JSON.stringify({ ...schema, fields: [...schema.fields, ...columns.map(sparkField)] });
  } catch {
    return null;
  }
}

function sparkField({ name, type }: NewColumn): unknown {
  return { name, type: sparkType(type), nullable: true, metadata: {} };
}

function sparkType(type: ColumnType): unknown {
  switch (type) {
    case "text":
      return "string";
    case "float":
      return "double";
    case "integer":
      return "long";
    case "boolean":
    case "date":
      return type;
    case "embedding":
      return { type: "array", elementType: "float", containsNull: true };
    default:
      if ("struct" in type) return { type: "struct", fields: type.struct.map(sparkField) };
      return { type: "array", elementType: sparkType(type.list), containsNull: true };
  }
}

/** The metadata of a file that is written anew; `arrowSchema` tells Arrow's readers more of the types. */
export function freshMetadata(
  columns: readonly FileColumn[],
  groups: readonly (GroupChunks & { readonly rowCount: number })[],
  arrowSchema: string | null = null,
): ThriftStruct {
  const root = structOf({ 4: binary("schema"), 5: i32(columns.length) });
  const rowCount = groups.reduce((sum, group) => sum + group.rowCount, 0);
  return structOf({
    1: i32(2),
    2: structList([root, ...columns.flatMap(schemaElements)]),
    3: i64(rowCount),
    4: structList(
      groups.map((group) =>
        structOf({
          1: structList(group.chunks),
          2: i64(group.uncompressedBytes),
          3: i64(group.rowCount),
          6: i64(group.compressedBytes),
        }),
      ),
    ),
    5:
      arrowSchema === null
        ? null
        : structList([structOf({ 1: binary(arrowKey), 2: binary(arrowSchema) })]),
    6: binary("batchframe"),
    7: listOf(
      thriftType.struct,
      columns.flatMap(newLeaves).map(() => typeOrder),
    ),
  });
}
