/** SQLite's values as ours, and ours as bytes. */

import type { SQLOutputValue } from "node:sqlite";

/** The bytes of a typed array, without a copy. */
export function bytesOf(array: Int32Array | Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** A copy, because SQLite's bytes need not lie on the boundary a typed array asks for. */
function copied(value: SQLOutputValue | Uint8Array | undefined): ArrayBuffer {
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(0);
  const copy = new ArrayBuffer(bytes.byteLength);
  new Uint8Array(copy).set(bytes);
  return copy;
}

/** The unsigned 32-bit numbers in a blob or other bytes; none for anything else. */
export function uint32(value: SQLOutputValue | Uint8Array | undefined): Uint32Array {
  return new Uint32Array(copied(value));
}

/** The signed 32-bit numbers in a blob; none for anything else. */
export function int32(value: SQLOutputValue | undefined): Int32Array {
  return new Int32Array(copied(value));
}

/** The 64-bit floats in a blob; none for anything else. */
export function float64(value: SQLOutputValue | undefined): Float64Array {
  return new Float64Array(copied(value));
}

/** The text of a value; empty for anything else. */
export function text(value: SQLOutputValue | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The text of a value; null for anything else. */
export function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}

/** The number of a value; null for anything else. */
export function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** The value a JSON text stands for; null for anything else. */
export function jsonOf(value: SQLOutputValue | undefined): unknown {
  return typeof value === "string" ? (JSON.parse(value) as unknown) : null;
}

/** A value as JSON text; null for null. */
export function jsonText(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
