/** Whether several Arrow files can be written as one with every batch as it stands. */

import type { DataType, Field, Schema } from "apache-arrow";
import { arrow } from "./arrow-kit.ts";
import { schemaOf, type ArrowFrame } from "./arrow.ts";

/**
 * Whether batches of all files can stand in one: their fields have the same names and types, and no
 * dictionaries, of which each file has its own. What else the schemas say does not count.
 */
export async function joinableArrow(inputs: readonly ArrowFrame[]): Promise<boolean> {
  let before: Schema | null = null;
  for (const input of inputs) {
    const schema = await schemaOf(input);
    if (hasDictionary(schema.fields)) return false;
    if (before !== null && !arrow.util.compareSchemas(schema, before)) return false;
    before = schema;
  }
  return true;
}

function hasDictionary(fields: readonly Field[]): boolean {
  return fields.some(
    ({ type }: { readonly type: DataType }) =>
      arrow.DataType.isDictionary(type) ||
      hasDictionary((type.children as readonly Field[] | null) ?? []),
  );
}
