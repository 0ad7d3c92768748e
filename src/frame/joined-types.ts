/** The types that columns have over several files which are read as one. */

import type { CellType } from "./cell-type.ts";
import type { Frame, TypedField } from "./frame.ts";
import { jsonField, type JsonSeen } from "./json-types.ts";
import type { JsonFrame } from "./json.ts";

/** The columns of JSON objects in the order of their first coming, and what was seen of the values of each. */
export type SeenColumns = ReadonlyMap<string, JsonSeen>;

/** What was seen in files of JSON objects taken together; null where not all rows of one were looked at. */
export function joinedSeen(
  parts: Iterable<Pick<JsonFrame, "columns" | "seen">>,
): SeenColumns | null {
  const all = new Map<string, JsonSeen>();
  for (const { columns, seen } of parts) {
    if (seen === null) return null;
    columns.forEach((name, at) => all.set(name, (all.get(name) ?? 0) | (seen[at] ?? 0)));
  }
  return all;
}

/** The types of columns by what was seen of their values. */
export function seenTypes(columns: SeenColumns): readonly TypedField[] {
  return [...columns].map(([name, seen]) => jsonField(name, seen));
}

/**
 * The types of columns over typed files with the same columns: a column's own where all files agree, and
 * text where two differ, with the names of the files. A column without any cell agrees with all.
 */
export async function joinedTypes(
  parts: readonly (Frame & { readonly path: string })[],
): Promise<readonly TypedField[]> {
  const own = await Promise.all(
    parts.map(async (part) => ({ path: part.path, fields: (await part.types?.()) ?? [] })),
  );
  return (own[0]?.fields ?? []).map(({ name, type: firstType }, at) => {
    const said = own.flatMap(({ path, fields }) => {
      const type = fields[at]?.type;
      return type === undefined || type.kind === "null" ? [] : [{ path, type }];
    });
    const [first] = said;
    if (first === undefined) return { name, type: firstType };
    const other = said.find(({ type }) => !isSame(type, first.type));
    if (other === undefined) return { name, type: first.type };
    const told = `are ${typeInWords(first.type)} in ${first.path} and ${typeInWords(other.type)} in ${other.path}`;
    return { name, type: { kind: "text" }, told };
  });
}

function isSame(one: CellType, other: CellType): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function typeInWords(type: CellType): string {
  switch (type.kind) {
    case "null":
      return "nothing but null";
    case "text":
      if (type.isCategory === true)
        return type.isOrdered === true ? "ordered categories" : "categories";
      return type.annotation ?? "text";
    case "integer":
      return `${type.isSigned ? "" : "u"}int${String(type.bits)}`;
    case "float":
      return `float${String(type.bits)}`;
    case "decimal":
      return `decimal(${String(type.precision)}, ${String(type.scale)})`;
    case "time":
    case "duration":
      return `${type.kind}(${type.unit})`;
    case "timestamp":
      return `timestamp(${[type.isWide === true ? "96 bits" : type.unit, ...(type.zone === null ? [] : [type.zone])].join(", ")})`;
    case "bytes":
      return type.annotation ?? (type.width === null ? "bytes" : `bytes(${String(type.width)})`);
    case "interval":
      return `interval(${type.layout})`;
    case "unreadable":
      return type.what;
    case "list":
      return `${type.isMap === true ? "map" : "list"}<${typeInWords(type.element)}>`;
    case "struct":
      return `struct<${type.fields.map(({ name, type: of }) => `${name}: ${typeInWords(of)}`).join(", ")}>`;
    default:
      return type.kind;
  }
}
