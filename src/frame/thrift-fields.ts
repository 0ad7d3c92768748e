/** Fields of Thrift structs found, made and changed by their ids. */

import type { ThriftList, ThriftStruct, ThriftValue } from "./thrift.ts";
import { thriftType } from "./thrift.ts";

/** What a struct to be written is made of: a field for every id whose value is not null. */
export type Parts = Readonly<Record<number, Part | null>>;

/** A value and its type. */
export interface Part {
  readonly type: number;
  readonly value: ThriftValue;
}

/** A field's value; undefined where the struct has no such field. */
export function fieldAt(struct: ThriftStruct, id: number): ThriftValue | undefined {
  return struct.fields.find((field) => field.id === id)?.value;
}

/** An integer field; null where there is none. */
export function integerAt(struct: ThriftStruct, id: number): bigint | null {
  const value = fieldAt(struct, id);
  return typeof value === "bigint" ? value : null;
}

/** A text field; null where there is none. */
export function textAt(struct: ThriftStruct, id: number): string | null {
  const value = fieldAt(struct, id);
  return Buffer.isBuffer(value) ? value.toString() : null;
}

/** A list field; null where there is none. */
export function listAt(struct: ThriftStruct, id: number): ThriftList | null {
  const value = fieldAt(struct, id);
  return typeof value === "object" && "items" in value ? value : null;
}

/** A list of structs; empty where there is no such field. */
export function structsAt(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const items = listAt(struct, id)?.items ?? [];
  return items.filter((item) => typeof item === "object" && "fields" in item);
}

/** Puts a value in the place of the one the field has, or a new field in its order. */
export function putField(struct: ThriftStruct, id: number, part: Part): void {
  const { fields } = struct;
  const at = fields.findIndex((field) => field.id >= id);
  const isThere = at >= 0 && fields[at]?.id === id;
  fields.splice(at < 0 ? fields.length : at, isThere ? 1 : 0, { id, ...part });
}

/** Adds to an integer field that the struct may have; does nothing where it has none. */
export function addToField(struct: ThriftStruct, id: number, amount: bigint): void {
  const at = struct.fields.findIndex((field) => field.id === id);
  const field = struct.fields[at];
  if (field === undefined || typeof field.value !== "bigint") return;
  struct.fields[at] = { ...field, value: field.value + amount };
}

/** A struct of these fields. */
export function structOf(parts: Parts): ThriftStruct {
  const fields = Object.entries(parts).flatMap(([id, part]) =>
    part === null ? [] : [{ id: Number(id), ...part }],
  );
  return { fields };
}

/** A 32-bit integer. */
export function i32(value: number): Part {
  return { type: thriftType.i32, value: BigInt(value) };
}

/** A 64-bit integer. */
export function i64(value: bigint | number): Part {
  return { type: thriftType.i64, value: BigInt(value) };
}

/** Bytes, or text as UTF-8. */
export function binary(value: string | Buffer): Part {
  return { type: thriftType.binary, value: Buffer.from(value) };
}

/** A struct as a field's value. */
export function nested(parts: Parts): Part {
  return { type: thriftType.struct, value: structOf(parts) };
}

/** A list whose items are all of one type. */
export function listOf(elementType: number, items: readonly ThriftValue[]): Part {
  return { type: thriftType.list, value: { elementType, items: [...items] } };
}

/** A list of structs as a field's value. */
export function structList(items: readonly ThriftStruct[]): Part {
  return listOf(thriftType.struct, items);
}
