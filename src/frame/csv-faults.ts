/** Why a CSV file cannot be read, in words. */

import { InputError } from "../core/errors.ts";
import { linesAt } from "./text-bytes.ts";
import type { CsvFault } from "./csv-records.ts";

/**
 * What the parser refused, as the person who has to mend the file needs to hear it.
 *
 * Lines are physical ones, counted from 1, those inside quotes too.
 */
export async function faultInWords(
  fault: CsvFault,
  file: { readonly path: string; readonly preambleBytes: number; readonly columnCount: number },
): Promise<InputError> {
  const { path } = file;
  const [line = 1] = await linesAt(path, [file.preambleBytes + fault.offset]);
  switch (fault.kind) {
    case "ragged":
      return new InputError(
        "ragged_row",
        `Line ${line} of ${path} has ${cellCount(fault.found)} where the header has ${file.columnCount}.`,
        {
          hint: "Look for a delimiter that should stand in quotes, or a cell left out; every row must have all cells.",
        },
      );
    case "unclosed_quote":
      return syntax(`The cell that begins on line ${line} of ${path} opens a quote never closed.`);
    case "stray_quote":
      return syntax(
        `The cell that begins on line ${line} of ${path} has a quote where none may stand.`,
      );
    case "size":
      return syntax(
        `The record that begins on line ${line} of ${path} is longer than 128 MiB: most likely a quote that is never closed.`,
      );
    case "other":
      return syntax(`Line ${line} of ${path} cannot be read as CSV: ${fault.message}.`);
  }
}

function cellCount(count: number): string {
  return count === 1 ? "1 cell" : `${count} cells`;
}

function syntax(message: string): InputError {
  return new InputError("csv_syntax", message, {
    hint: 'Put the whole cell in quotes and double the quotes inside it: "5"" pipe".',
  });
}

/** The refusal of a file in which there is not even a header. */
export function emptyFile(path: string, bytes: number): InputError {
  const what = bytes === 0 ? "is empty (0 bytes)" : "holds nothing but blank lines";
  return new InputError("file_empty", `${path} ${what}.`, {
    hint: "Check that the program that writes the file has finished.",
  });
}

/** The refusal of a file in UTF-16, which spreadsheets save as "Unicode text". */
export function utf16(path: string): InputError {
  return new InputError("not_utf8", `${path} is UTF-16, by its first two bytes; UTF-8 is needed.`, {
    hint: `Convert a copy and give that: iconv -f UTF-16 -t UTF-8 ${JSON.stringify(path)} > utf8.csv`,
  });
}
