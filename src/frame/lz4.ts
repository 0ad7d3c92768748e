/**
 * LZ4 as Parquet and Arrow files hold it, for reading.
 *
 * Node compresses and decompresses every other codec of theirs itself. Blocks:
 * https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md, frames: lz4_Frame_format.md beside it.
 */

/**
 * One block, decompressed.
 *
 * @throws {RangeError} where it is damaged or is not `length` bytes long when decompressed.
 */
export function lz4Block(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  if (fillBlock(input, output, 0) !== length) throw damaged();
  return output;
}

/** Decompresses a block into `output` from `start` on, where it may refer back; gives where it ends. */
function fillBlock(input: Uint8Array, output: Uint8Array, start: number): number {
  let from = 0;
  let to = start;
  const lengthFrom = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; from += 1) {
      byte = input[from] ?? fail();
      length += byte;
    }
    return length;
  };
  while (from < input.length) {
    const token = input[from] ?? fail();
    from += 1;
    const literals = lengthFrom(token >> 4);
    if (from + literals > input.length || to + literals > output.length) throw damaged();
    output.set(input.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has literals only.
    if (from === input.length) return to;
    const distance = (input[from] ?? fail()) | ((input[from + 1] ?? fail()) << 8);
    from += 2;
    const matched = lengthFrom(token & 0x0f) + 4;
    if (distance === 0 || distance > to || to + matched > output.length) throw damaged();
    copyBack(output, { to, distance, length: matched });
    to += matched;
  }
  return to;
}

function copyBack(
  output: Uint8Array,
  match: { readonly to: number; readonly distance: number; readonly length: number },
): void {
  const { to, distance, length } = match;
  if (distance >= length) {
    output.copyWithin(to, to - distance, to - distance + length);
    return;
  }
  // What is copied overlaps what is being written: the bytes repeat.
  for (let at = to; at < to + length; at += 1) output[at] = output[at - distance] ?? 0;
}

/**
 * What Parquet calls LZ4 without saying which: blocks with their sizes before them, as Hadoop writes
 * them, or a bare block, as older Arrow did.
 *
 * @throws {RangeError} where it is neither.
 */
export function lz4Hadoop(input: Uint8Array, length: number): Uint8Array {
  try {
    return framedBlocks(input, length);
  } catch (error) {
    if (error instanceof RangeError) return lz4Block(input, length);
    throw error;
  }
}

function framedBlocks(input: Uint8Array, length: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < input.length) {
    const decompressed = view.getUint32(at);
    const compressed = view.getUint32(at + 4);
    if (at + 8 + compressed > input.length || decompressed > length) throw damaged();
    parts.push(lz4Block(input.subarray(at + 8, at + 8 + compressed), decompressed));
    at += 8 + compressed;
  }
  const output = Buffer.concat(parts);
  if (output.length !== length) throw damaged();
  return output;
}

const frameMagic = 0x184d2204;
/** The largest block a frame can have, by the number in its header. */
const blockSizes: readonly number[] = [0, 0, 0, 0, 1 << 16, 1 << 18, 1 << 20, 1 << 22];

/**
 * A frame, decompressed. Checksums are passed over.
 *
 * @throws {RangeError} where it is damaged or needs a dictionary.
 */
export function lz4Frame(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (view.getUint32(0, true) !== frameMagic) throw damaged();
  const flags = view.getUint8(4);
  const blockSize = blockSizes[(view.getUint8(5) >> 4) & 7] ?? 0;
  const hasSize = (flags & 0x08) !== 0;
  const hasBlockChecksums = (flags & 0x10) !== 0;
  if ((flags & 0x01) !== 0) throw damaged();
  let output = new Uint8Array(hasSize ? Number(view.getBigUint64(6, true)) : blockSize);
  let to = 0;
  let at = 7 + (hasSize ? 8 : 0);
  for (;;) {
    const head = view.getUint32(at, true);
    if (head === 0) return output.subarray(0, to);
    const size = head & 0x7fff_ffff;
    const block = input.subarray(at + 4, at + 4 + size);
    if (!hasSize) output = withRoom(output, to + blockSize);
    if (head !== size) {
      output.set(block, to);
      to += size;
    } else to = fillBlock(block, output, to);
    at += 4 + size + (hasBlockChecksums ? 4 : 0);
  }
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const larger = new Uint8Array(2 * length);
  larger.set(bytes);
  return larger;
}

function damaged(): RangeError {
  return new RangeError("LZ4 bytes are damaged");
}

function fail(): never {
  throw damaged();
}
