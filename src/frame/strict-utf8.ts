/** Bytes as text, or nothing: a decoder that puts U+FFFD where it cannot read would alter a cell unseen. */

import { InputError } from "../core/errors.ts";

// Without ignoreBOM a cell that begins with U+FEFF would lose it.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text that the bytes are.
 *
 * @throws {InputError} `not_utf8`.
 */
export function strictText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new InputError(
      "not_utf8",
      `A text cell is not UTF-8: it begins with the bytes ${Buffer.from(bytes.subarray(0, 16)).toString("hex")}.`,
      {
        hint: "Write the file anew with the column as bytes, or with its text as UTF-8.",
        cause: error,
      },
    );
  }
}
