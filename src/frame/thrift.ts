/**
 * Structs in Thrift's compact protocol, read and written without knowing what they mean.
 *
 * Whatever a Parquet footer holds comes back as it was, fields of later versions included. The protocol:
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

/** Type numbers of the compact protocol. `isTrue` and `isFalse` are a field's type and value in one. */
export const thriftType = {
  isTrue: 1,
  isFalse: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
} as const;

/** A value; its type stands beside it. Integers are bigints, doubles their 8 bytes, text is bytes. */
export type ThriftValue = bigint | boolean | Buffer | ThriftList | ThriftMap | ThriftStruct;

/** A list or a set. */
export interface ThriftList {
  readonly elementType: number;
  readonly items: ThriftValue[];
}

/** A map, in the order it is written in. */
export interface ThriftMap {
  /** The key's type in the high four bits, the value's in the low ones; 0 for an empty map. */
  readonly types: number;
  readonly entries: readonly (readonly [ThriftValue, ThriftValue])[];
}

/** A struct's fields in the order of their ids. */
export interface ThriftStruct {
  readonly fields: ThriftField[];
}

/** One field of a struct. */
export interface ThriftField {
  readonly id: number;
  readonly type: number;
  readonly value: ThriftValue;
}

interface Source {
  readonly bytes: Buffer;
  at: number;
}

/** No writer nests deeper; a damaged file may seem to. */
const maxDepth = 64;

/**
 * Reads the struct that begins the bytes.
 *
 * @throws {RangeError} where the bytes are no such struct or end before it does.
 */
export function readThrift(bytes: Buffer): ThriftStruct {
  return readStruct({ bytes, at: 0 }, 0);
}

function readStruct(source: Source, depth: number): ThriftStruct {
  if (depth > maxDepth) throw new RangeError("thrift structs are nested too deep");
  const fields: ThriftField[] = [];
  for (let id = 0; ;) {
    const head = readByte(source);
    if (head === 0) return { fields };
    const type = head & 0x0f;
    const delta = head >> 4;
    id = delta === 0 ? Number(readZigZag(source)) : id + delta;
    fields.push({ id, type, value: readValue(source, type, depth + 1) });
  }
}

function readValue(source: Source, type: number, depth: number): ThriftValue {
  switch (type) {
    case thriftType.isTrue:
      return true;
    case thriftType.isFalse:
      return false;
    case thriftType.byte:
      return BigInt(readByte(source));
    case thriftType.i16:
    case thriftType.i32:
    case thriftType.i64:
      return readZigZag(source);
    case thriftType.double:
      return readBytes(source, 8);
    case thriftType.binary:
      return readBytes(source, Number(readVarint(source)));
    case thriftType.list:
    case thriftType.set:
      return readList(source, depth);
    case thriftType.map:
      return readMap(source, depth);
    case thriftType.struct:
      return readStruct(source, depth);
    default:
      throw new RangeError(`thrift has no type ${type}`);
  }
}

/** Inside lists and maps a truth value is a byte of its own, which is kept as it is written. */
function readElement(source: Source, type: number, depth: number): ThriftValue {
  const isTruth = type === thriftType.isTrue || type === thriftType.isFalse;
  return isTruth ? BigInt(readByte(source)) : readValue(source, type, depth);
}

function readList(source: Source, depth: number): ThriftList {
  const head = readByte(source);
  const length = head >> 4 === 15 ? Number(readVarint(source)) : head >> 4;
  const elementType = head & 0x0f;
  const items: ThriftValue[] = [];
  for (let at = 0; at < length; at += 1) items.push(readElement(source, elementType, depth));
  return { elementType, items };
}

function readMap(source: Source, depth: number): ThriftMap {
  const length = Number(readVarint(source));
  if (length === 0) return { types: 0, entries: [] };
  const types = readByte(source);
  const entries: [ThriftValue, ThriftValue][] = [];
  for (let at = 0; at < length; at += 1) {
    const key = readElement(source, types >> 4, depth);
    entries.push([key, readElement(source, types & 0x0f, depth)]);
  }
  return { types, entries };
}

function readByte(source: Source): number {
  const byte = source.bytes[source.at];
  if (byte === undefined) throw new RangeError("thrift bytes end inside a struct");
  source.at += 1;
  return byte;
}

function readBytes(source: Source, length: number): Buffer {
  const end = source.at + length;
  if (!(end <= source.bytes.length)) throw new RangeError("thrift bytes end inside a value");
  const bytes = source.bytes.subarray(source.at, end);
  source.at = end;
  return bytes;
}

function readVarint(source: Source): bigint {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = readByte(source);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw new RangeError("a thrift integer is too long");
}

function readZigZag(source: Source): bigint {
  const value = readVarint(source);
  return (value >> 1n) ^ -(value & 1n);
}

interface Sink {
  bytes: Buffer;
  length: number;
}

/** The bytes of a struct: those it was read from, where nothing was changed and its integers are short. */
export function writeThrift(struct: ThriftStruct): Buffer {
  const sink: Sink = { bytes: Buffer.allocUnsafe(4096), length: 0 };
  writeStruct(sink, struct);
  return sink.bytes.subarray(0, sink.length);
}

function writeStruct(sink: Sink, { fields }: ThriftStruct): void {
  let last = 0;
  for (const { id, type, value } of fields) {
    const delta = id - last;
    if (delta > 0 && delta < 16) writeByte(sink, (delta << 4) | type);
    else {
      writeByte(sink, type);
      writeZigZag(sink, BigInt(id));
    }
    last = id;
    // A truth value stands in the type already.
    if (typeof value !== "boolean") writeValue(sink, type, value);
  }
  writeByte(sink, 0);
}

function writeValue(sink: Sink, type: number, value: Exclude<ThriftValue, boolean>): void {
  if (typeof value === "bigint") {
    const isByte = type <= thriftType.byte;
    if (isByte) writeByte(sink, Number(value));
    else writeZigZag(sink, value);
  } else if (Buffer.isBuffer(value)) {
    if (type === thriftType.binary) writeVarint(sink, BigInt(value.length));
    writeBytes(sink, value);
  } else if ("fields" in value) writeStruct(sink, value);
  else if ("items" in value) writeList(sink, value);
  else writeMap(sink, value);
}

function writeElement(sink: Sink, type: number, value: ThriftValue): void {
  if (typeof value === "boolean") writeByte(sink, value ? 1 : 2);
  else writeValue(sink, type, value);
}

function writeList(sink: Sink, { elementType, items }: ThriftList): void {
  if (items.length < 15) writeByte(sink, (items.length << 4) | elementType);
  else {
    writeByte(sink, 0xf0 | elementType);
    writeVarint(sink, BigInt(items.length));
  }
  for (const item of items) writeElement(sink, elementType, item);
}

function writeMap(sink: Sink, { types, entries }: ThriftMap): void {
  writeVarint(sink, BigInt(entries.length));
  if (entries.length === 0) return;
  writeByte(sink, types);
  for (const [key, value] of entries) {
    writeElement(sink, types >> 4, key);
    writeElement(sink, types & 0x0f, value);
  }
}

function writeByte(sink: Sink, byte: number): void {
  makeRoom(sink, 1);
  sink.bytes[sink.length] = byte;
  sink.length += 1;
}

function writeBytes(sink: Sink, bytes: Buffer): void {
  makeRoom(sink, bytes.length);
  bytes.copy(sink.bytes, sink.length);
  sink.length += bytes.length;
}

function makeRoom(sink: Sink, length: number): void {
  if (sink.length + length <= sink.bytes.length) return;
  const bytes = Buffer.allocUnsafe(2 * (sink.length + length));
  sink.bytes.copy(bytes, 0, 0, sink.length);
  sink.bytes = bytes;
}

function writeVarint(sink: Sink, value: bigint): void {
  let rest = value;
  for (; rest > 0x7fn; rest >>= 7n) writeByte(sink, Number(rest & 0x7fn) | 0x80);
  writeByte(sink, Number(rest));
}

function writeZigZag(sink: Sink, value: bigint): void {
  writeVarint(sink, value >= 0n ? value << 1n : (-value << 1n) - 1n);
}
