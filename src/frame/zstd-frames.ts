/** A Zstandard file cut into its frames, so that none is left out and none is cut short unnoticed. */

/** Bytes of one frame, in order; `isLast` with the piece that ends it. */
export interface FramePiece {
  readonly bytes: Buffer;
  readonly isLast: boolean;
}

/** The bytes are no whole sequence of Zstandard frames; `why` completes "the file …". */
export class ZstdFault extends Error {
  override readonly name = "ZstdFault";
}

// Numbers and layouts: RFC 8878, sections 3.1.1 (frames and blocks) and 3.1.2 (skippable frames).
const frameMagic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const skippableMask = 0xfffffff0;
const runLengthBlock = 1;
const reservedBlock = 3;

/**
 * The frames of a Zstandard file, each in pieces of at most one block; skippable frames are left out.
 *
 * Node's decompressor stops after the first frame and, before Node 24, takes a file that was cut short
 * for a whole one; so it is walked here and each frame handed over for itself.
 *
 * @throws {ZstdFault} where the bytes end within a frame, or go on with something else.
 */
export async function* zstdFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<FramePiece> {
  const reader = bytesOf(chunks);
  for (;;) {
    if (await reader.isAtEnd()) return;
    const start = await reader.take(4);
    const magic = start.readUInt32LE();
    if ((magic & skippableMask) >>> 0 === skippableMagic) {
      await reader.skip((await reader.take(4)).readUInt32LE());
      continue;
    }
    if (magic !== frameMagic) throw new ZstdFault("goes on after its end with other bytes");
    const descriptor = await reader.take(1);
    const flags = descriptor[0] ?? 0;
    const rest = await reader.take(headerBytes(flags));
    yield { bytes: Buffer.concat([start, descriptor, rest]), isLast: false };
    yield* blocks(reader, (flags & 0x04) !== 0);
  }
}

/** Bytes of the frame header after its descriptor: window, dictionary id, content size. */
function headerBytes(flags: number): number {
  const isSingleSegment = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 0x03] ?? 0;
  const size = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (isSingleSegment ? 0 : 1) + dictionary + size;
}

async function* blocks(reader: ByteReader, hasChecksum: boolean): AsyncGenerator<FramePiece> {
  for (;;) {
    const header = await reader.take(3);
    const bits = header.readUIntLE(0, 3);
    const kind = (bits >> 1) & 0x03;
    if (kind === reservedBlock) throw new ZstdFault("holds a block of a kind that does not exist");
    const content = await reader.take(kind === runLengthBlock ? 1 : bits >> 3);
    const isLast = (bits & 1) === 1;
    const checksum = isLast && hasChecksum ? await reader.take(4) : Buffer.alloc(0);
    yield { bytes: Buffer.concat([header, content, checksum]), isLast };
    if (isLast) return;
  }
}

interface ByteReader {
  isAtEnd(): Promise<boolean>;
  take(count: number): Promise<Buffer>;
  skip(count: number): Promise<void>;
}

function bytesOf(chunks: AsyncIterable<Buffer>): ByteReader {
  const source = chunks[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const next = await source.next();
    if (next.done === true) return false;
    held = held.length === 0 ? next.value : Buffer.concat([held, next.value]);
    return true;
  };
  const cutShort = (): ZstdFault => new ZstdFault("ends too early: it was cut short");
  return {
    isAtEnd: async () => {
      while (held.length === 0) if (!(await more())) return true;
      return false;
    },
    take: async (count) => {
      while (held.length < count) if (!(await more())) throw cutShort();
      const taken = held.subarray(0, count);
      held = held.subarray(count);
      return taken;
    },
    skip: async (count) => {
      let left = count;
      for (;;) {
        const now = Math.min(left, held.length);
        held = held.subarray(now);
        left -= now;
        if (left === 0) return;
        if (!(await more())) throw cutShort();
      }
    },
  };
}
