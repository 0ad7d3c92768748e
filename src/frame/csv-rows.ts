/** Rows of text as a CSV file of their own. */

import { csvText } from "./csv-cells.ts";
import { writeWhole } from "./csv-output.ts";

const FLUSH_UNITS = 256 * 1024;

/**
 * Writes a header and rows of text, comma-separated, quoted where RFC 4180 asks for it, lines ending in
 * a line feed; null is an empty cell. The file appears whole or not at all. Gives the number of rows.
 *
 * @throws {InputError} `output_is_input`, `output_unwritable`, `disk_full`, and what `rows` throws.
 */
export async function writeCsvRows(options: {
  readonly output: string;
  /** A file that must not be overwritten. */
  readonly input: string;
  readonly columns: readonly string[];
  readonly rows: AsyncIterable<readonly (string | null)[]>;
}): Promise<number> {
  const { columns, rows } = options;
  let written = 0;
  const target = { output: options.output, input: options.input, doneShare: () => 0 };
  await writeWhole(target, async (append) => {
    let pending = `${csvText(columns, ",")}\n`;
    for await (const row of rows) {
      pending += `${csvText(row, ",")}\n`;
      written += 1;
      if (pending.length < FLUSH_UNITS) continue;
      await append(Buffer.from(pending));
      pending = "";
    }
    await append(Buffer.from(pending));
  });
  return written;
}
