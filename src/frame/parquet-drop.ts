/** A Parquet file's metadata without some of its columns; the pages of these stay where they stand. */

import { withoutPandasColumns, PANDAS_KEY } from "./pandas-columns.ts";
import {
  addToField,
  binary,
  fieldAt,
  i32,
  integerAt,
  listAt,
  putField,
  structsAt,
  textAt,
} from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";

/** Ids of fields: parquet.thrift of apache/parquet-format. */
const ids = {
  file: { schema: 2, groups: 4, entries: 5, orders: 7 },
  element: { type: 1, name: 4, childCount: 5 },
  group: { chunks: 1, totalBytes: 2, sorting: 4, compressedBytes: 6 },
  chunk: { facts: 3 },
  facts: { totalBytes: 6, compressedBytes: 7 },
  sorting: { position: 1 },
  entry: { key: 1, value: 2 },
} as const;

const sparkKey = "org.apache.spark.sql.parquet.row.metadata";

/**
 * Takes the columns of these names, and all that is nested in them, out of the metadata: schema, row
 * groups with their sizes and sort orders, column orders, and what Spark and pandas keep of them. Arrow's
 * schema is for whoever adds columns in their place.
 */
export function dropColumns(metadata: ThriftStruct, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  const schema = structsAt(metadata, ids.file.schema);
  const { elements, leaves } = marked(schema, names);
  keepOnly(metadata, ids.file.schema, (at) => elements[at] === true);
  const [root] = schema;
  if (root !== undefined) addToField(root, ids.element.childCount, -BigInt(names.size));
  for (const group of structsAt(metadata, ids.file.groups)) {
    for (const [at, chunk] of structsAt(group, ids.group.chunks).entries()) {
      if (leaves[at] !== true) subtract(group, chunk);
    }
    keepOnly(group, ids.group.chunks, (at) => leaves[at] === true);
    renumberSorting(group, leaves);
  }
  keepOnly(metadata, ids.file.orders, (at) => leaves[at] === true);
  for (const entry of structsAt(metadata, ids.file.entries)) {
    const key = textAt(entry, ids.entry.key);
    const value = textAt(entry, ids.entry.value) ?? "";
    if (key === PANDAS_KEY)
      putField(entry, ids.entry.value, binary(withoutPandasColumns(value, names)));
    if (key === sparkKey)
      putField(entry, ids.entry.value, binary(withoutSparkFields(value, names)));
  }
}

/** Which elements of the schema stay, and which of its leaves, in their order. */
function marked(
  schema: readonly ThriftStruct[],
  names: ReadonlySet<string>,
): { readonly elements: readonly boolean[]; readonly leaves: readonly boolean[] } {
  const elements = [true];
  const leaves: boolean[] = [];
  // Elements stand before those under them: how many are still to come below a column tells where it ends.
  let stays = true;
  let below = 0;
  for (const element of schema.slice(1)) {
    if (below === 0) stays = !names.has(textAt(element, ids.element.name) ?? "");
    else below -= 1;
    below += Number(integerAt(element, ids.element.childCount) ?? 0n);
    elements.push(stays);
    if (fieldAt(element, ids.element.type) !== undefined) leaves.push(stays);
  }
  return { elements, leaves };
}

function keepOnly(struct: ThriftStruct, id: number, stays: (at: number) => boolean): void {
  const list = listAt(struct, id);
  list?.items.splice(0, Infinity, ...list.items.filter((_, at) => stays(at)));
}

function subtract(group: ThriftStruct, chunk: ThriftStruct): void {
  const facts = fieldAt(chunk, ids.chunk.facts);
  if (typeof facts !== "object" || !("fields" in facts)) return;
  const { totalBytes, compressedBytes } = ids.facts;
  addToField(group, ids.group.totalBytes, -(integerAt(facts, totalBytes) ?? 0n));
  addToField(group, ids.group.compressedBytes, -(integerAt(facts, compressedBytes) ?? 0n));
}

/** Rows are sorted by the columns that are left up to the first that is not. */
function renumberSorting(group: ThriftStruct, leaves: readonly boolean[]): void {
  const sorting = structsAt(group, ids.group.sorting);
  const positions = sorting.map((by) => Number(integerAt(by, ids.sorting.position) ?? -1n));
  const firstGone = positions.findIndex((position) => leaves[position] !== true);
  const known = firstGone < 0 ? sorting.length : firstGone;
  for (const [at, by] of sorting.slice(0, known).entries()) {
    const before = leaves.slice(0, positions[at]).filter((stays) => stays).length;
    putField(by, ids.sorting.position, i32(before));
  }
  if (known === 0) group.fields.splice(0, Infinity, ...withoutField(group, ids.group.sorting));
  else keepOnly(group, ids.group.sorting, (at) => at < known);
}

function withoutField({ fields }: ThriftStruct, gone: number): ThriftStruct["fields"] {
  return fields.filter(({ id }) => id !== gone);
}

function withoutSparkFields(text: string, names: ReadonlySet<string>): string {
  try {
    const schema = JSON.parse(text) as { readonly fields: readonly { readonly name: string }[] };
    const fields = schema.fields.filter(({ name }) => !names.has(name));
    return JSON.stringify({ ...schema, fields });
  } catch {
    return text;
  }
}
