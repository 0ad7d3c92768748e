/** The raw cells of Arrow arrays, each as exactly as it is stored. */

import type { Data } from "apache-arrow";
import { InvariantError } from "../core/errors.ts";
import type { CellType, RawCell } from "./cell-type.ts";
import { halfFloat } from "./half-float.ts";
import { strictText } from "./strict-utf8.ts";

/**
 * The raw cells of an Arrow array whose type reads as `type`, nulls included.
 *
 * @throws {InputError} `not_utf8` where text is not.
 */
export function arrowCells(data: Data, type: CellType): readonly RawCell[] {
  const at = data.dictionary === undefined ? presentCells(data, type) : chosenCells(data, type);
  return Array.from({ length: data.length }, (_, index) =>
    data.getValid(index) ? at(index) : null,
  );
}

type CellAt = (index: number) => RawCell;

const dictionaries = new WeakMap<object, readonly RawCell[]>();

/** The cells of a dictionary array; its dictionary is read once, however many slices refer to it. */
function chosenCells(data: Data, type: CellType): CellAt {
  const { dictionary } = data;
  const keys = data.values as ArrayLike<number | bigint>;
  const parts = (dictionary?.data ?? []) as readonly Data[];
  const read = parts.flatMap((part) => cached(part, type));
  return (index) => read[Number(keys[index])];
}

function cached(part: Data, type: CellType): readonly RawCell[] {
  const known = dictionaries.get(part);
  if (known !== undefined) return known;
  const cells = arrowCells(part, type);
  dictionaries.set(part, cells);
  return cells;
}

function presentCells(data: Data, type: CellType): CellAt {
  switch (type.kind) {
    case "null":
    case "unreadable":
      return () => null;
    case "text": {
      const bytes = bytesAt(data);
      return (index) => strictText(bytes(index));
    }
    case "bytes":
    case "uuid": {
      const bytes = bytesAt(data);
      // A copy: the batch it is a part of would stay in memory with it.
      return (index) => bytes(index).slice();
    }
    case "boolean":
      return (index) => bit(data.values as Uint8Array, data.offset + index);
    case "float":
      return type.bits === 16 ? halfAt(data) : numberAt(data);
    case "decimal":
      return wordsAt(data);
    case "date":
      return dayAt(data);
    case "time":
    case "timestamp":
    case "duration": {
      const number = numberAt(data);
      return (index) => BigInt(number(index));
    }
    case "interval":
      return intervalAt(data);
    case "integer":
      return numberAt(data);
    case "list":
      return listAt(data, type.element);
    case "struct": {
      const fields = type.fields.map((field, at) => arrowCells(childOf(data, at), field.type));
      return (index) => fields.map((cells) => cells[index]);
    }
  }
}

function childOf(data: Data, at: number): Data {
  const child = data.children[at];
  if (child !== undefined) return child;
  throw new InvariantError("cells_type", "An Arrow array lacks a child that its type has.");
}

function bit(bits: Uint8Array, at: number): boolean {
  return (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
}

function numberAt(data: Data): (index: number) => number | bigint {
  const values = data.values as ArrayLike<number | bigint>;
  return (index) => values[index] ?? 0;
}

/** Days; a date that counts milliseconds is the day it falls on. */
function dayAt(data: Data): CellAt {
  const number = numberAt(data);
  return (index) => {
    const value = number(index);
    return typeof value === "bigint" ? Math.floor(Number(value) / 86_400_000) : value;
  };
}

/** Half-precision floats: 1 bit of sign, 5 of exponent, 10 of fraction. */
function halfAt(data: Data): CellAt {
  const values = data.values as Uint16Array;
  return (index) => halfFloat(values[index] ?? 0);
}

/** Integers of 64, 128 or 256 bits that stand as 32-bit words, the lowest first. */
function wordsAt(data: Data): CellAt {
  const values = data.values as Uint32Array;
  const { stride } = data;
  return (index) => {
    let value = 0n;
    for (let word = stride - 1; word >= 0; word -= 1) {
      value = (value << 32n) | BigInt((values[index * stride + word] ?? 0) >>> 0);
    }
    return BigInt.asIntN(32 * stride, value);
  };
}

/** One word counts months, two count days and milliseconds, four months, days and nanoseconds. */
function intervalAt(data: Data): CellAt {
  const values = data.values as Int32Array;
  const { stride } = data;
  return (index) => {
    const [first = 0, second = 0, low = 0, high = 0] = values.subarray(
      index * stride,
      (index + 1) * stride,
    );
    if (stride === 1) return [first, 0, 0n];
    if (stride === 2) return [0, first, BigInt(second) * 1_000_000n];
    return [first, second, (BigInt(high) << 32n) | BigInt(low >>> 0)];
  };
}

function listAt(data: Data, element: CellType): CellAt {
  const child = childOf(data, 0);
  const size = (data.type as { readonly listSize?: number }).listSize;
  if (size !== undefined) {
    const cells = arrowCells(child, element);
    return (index) => cells.slice(index * size, (index + 1) * size);
  }
  const offsets = data.valueOffsets as ArrayLike<number | bigint>;
  const first = Number(offsets[0] ?? 0);
  const end = Number(offsets[data.length] ?? first);
  // Only what these rows refer to: reading all of a batch's elements for each block would be quadratic.
  const cells = arrowCells(child.slice(first, end - first), element);
  return (index) => cells.slice(Number(offsets[index]) - first, Number(offsets[index + 1]) - first);
}

/** The bytes of variable, fixed and view layouts. */
function bytesAt(data: Data): (index: number) => Uint8Array {
  const values = data.values as Uint8Array;
  const width = (data.type as { readonly byteWidth?: number }).byteWidth;
  if (width !== undefined) return (index) => values.subarray(index * width, (index + 1) * width);
  const offsets = data.valueOffsets as ArrayLike<number | bigint> | undefined;
  if (offsets !== undefined && offsets.length > 0) {
    return (index) => values.subarray(Number(offsets[index]), Number(offsets[index + 1]));
  }
  return (index) => viewBytes(data, index);
}

/** Views are 16 bytes: the length, then the bytes themselves up to 12, else where they begin. */
function viewBytes(data: Data, index: number): Uint8Array {
  const values = data.values as Uint8Array;
  const view = new DataView(values.buffer, values.byteOffset + index * 16, 16);
  const length = view.getInt32(0, true);
  if (length <= 12) return values.subarray(index * 16 + 4, index * 16 + 4 + length);
  const start = view.getInt32(12, true);
  const buffer = data.variadicBuffers[view.getInt32(8, true)];
  if (buffer !== undefined) return buffer.subarray(start, start + length);
  throw new InvariantError("cells_type", "An Arrow view refers to a buffer that is not there.");
}
