/** Row groups of Parquet files copied into another file, every page as it stands. */

import type { FileHandle } from "node:fs/promises";
import { readRange } from "./parquet-footer.ts";
import type { Appender } from "./parquet-group.ts";
import { addToField, fieldAt, i64, integerAt, putField, structsAt } from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";
import { thriftType, writeThrift } from "./thrift.ts";

/** The schema in a file's metadata as bytes, to be compared. */
export function schemaOf(metadata: ThriftStruct): Buffer {
  return writeThrift({ fields: metadata.fields.filter(({ id }) => id === 2) });
}

/** Where a row group comes from and goes to. */
interface Copying {
  /** Its number in the new file, from 0. */
  readonly at: number;
  readonly source: FileHandle;
  readonly file: Appender;
}

/**
 * Copies the pages of a row group, and puts into its metadata where they are now.
 *
 * Page indexes and bloom filters, which stand apart from them, are left out, and readers do without.
 */
export async function copyGroup(group: ThriftStruct, { at, source, file }: Copying): Promise<void> {
  if (fieldAt(group, 5) !== undefined) putField(group, 5, i64(file.position()));
  if (fieldAt(group, 7) !== undefined)
    putField(group, 7, { type: thriftType.i16, value: BigInt(at) });
  for (const chunk of structsAt(group, 1)) {
    const facts = factsOf(chunk);
    if (facts === null) continue;
    const { start, length } = placeOf(facts);
    const shift = BigInt(file.position() - start);
    for (let done = 0; done < length;) {
      const bytes = await readRange(source, start + done, Math.min(COPY_BYTES, length - done));
      if (bytes.length === 0) throw new RangeError("The file ends within a column.");
      await file.append(bytes);
      done += bytes.length;
    }
    for (const id of [9, 10, 11])
      if ((integerAt(facts, id) ?? 0n) > 0n) addToField(facts, id, shift);
    without(facts, [14, 15]);
    putField(chunk, 2, i64(0));
    without(chunk, [4, 5, 6, 7]);
  }
}

const COPY_BYTES = 4 * 1024 * 1024;

/** What the metadata of a column chunk says of its pages; null where it says nothing. */
export function factsOf(chunk: ThriftStruct): ThriftStruct | null {
  const facts = fieldAt(chunk, 3);
  return typeof facts === "object" && "fields" in facts ? facts : null;
}

/** Where a column's pages stand: from its dictionary on, where it has one. */
export function placeOf(facts: ThriftStruct): { readonly start: number; readonly length: number } {
  const data = Number(integerAt(facts, 9) ?? 0n);
  const dictionary = Number(integerAt(facts, 11) ?? 0n);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  return { start, length: Number(integerAt(facts, 7) ?? 0n) };
}

function without({ fields }: ThriftStruct, ids: readonly number[]): void {
  const kept = fields.filter(({ id }) => !ids.includes(id));
  fields.splice(0, fields.length, ...kept);
}
