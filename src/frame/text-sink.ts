/** Where the text of an output goes: on as it is, or compressed in members of one size, so that a write can be gone on with. */

import type { Json } from "../core/hash.ts";
import { compressed, type Compression } from "./compression.ts";
import type { Marks } from "./write-marks.ts";

/** Appends bytes to where they are kept. */
export type Append = (bytes: Buffer) => Promise<void>;

/** Takes the text of an output. */
export interface TextSink {
  readonly append: Append;
  readonly marks: Marks;
  /** Appends what is held back; the output is whole then. */
  end(): Promise<void>;
}

/**
 * How much text a gzip member or Zstandard frame holds. They stand one after another, as both formats
 * allow, and end at the same places of the text however it comes and whenever a write was killed.
 */
export const MEMBER_BYTES = 2 * 1024 * 1024;

/** What a mark of compressed text says: what its writer noted, and how much of the text after that has been written. */
interface MemberMark {
  readonly state: Json;
  readonly textBytes: number;
}

/**
 * Starts the text of an output whose bytes go to `append`; with null they go there as they come.
 *
 * Compressed text is held until a member is full, so marks are made where members end: a write that goes
 * on there begins at the last row noted before, and what had been written of the text since is left out.
 *
 * @throws {InputError} `zstd_unsupported` from `append` and `end`, and what the given `append` throws.
 */
export function textSink(compression: Compression, append: Append, marks: Marks): TextSink {
  if (compression === null) return { append, marks, end: () => Promise.resolve() };
  const { last } = marks;
  const from = last === null ? null : (last.state as unknown as MemberMark);
  let left = from?.textBytes ?? 0;
  let held: Buffer[] = [];
  let heldBytes = 0;
  let isEmpty = last === null;
  let noted: { readonly rows: number; readonly state: Json } | null = null;
  let sinceNoted = 0;
  const write = async (text: Buffer): Promise<void> => {
    await append(await compressed(text, compression));
    isEmpty = false;
  };
  const take = (): Buffer => {
    const all = Buffer.concat(held);
    const text = all.subarray(0, MEMBER_BYTES);
    held = [all.subarray(text.length)];
    heldBytes -= text.length;
    return text;
  };
  return {
    append: async (bytes) => {
      const skipped = Math.min(left, bytes.length);
      left -= skipped;
      sinceNoted += bytes.length;
      // A copy: what is held outlives the buffers that writers use again.
      held.push(Buffer.from(bytes.subarray(skipped)));
      heldBytes += bytes.length - skipped;
      if (heldBytes < MEMBER_BYTES) return;
      while (heldBytes >= MEMBER_BYTES) await write(take());
      if (noted === null) return;
      const { rows, state } = noted;
      const mark: MemberMark = { state, textBytes: sinceNoted - heldBytes };
      await marks.reached(rows, () => mark as unknown as Json);
    },
    marks: {
      last: last === null || from === null ? null : { ...last, state: from.state },
      reached: (rows, state) => {
        noted = { rows, state: state() };
        sinceNoted = 0;
        return Promise.resolve();
      },
    },
    end: async () => {
      // Nothing at all would be no compressed file.
      if (heldBytes > 0 || isEmpty) await write(take());
    },
  };
}
