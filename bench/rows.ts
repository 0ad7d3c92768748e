/** The rows that benches are run over: the same ones every time, on every machine. */

const words =
  "parcel driver late sorry door number refund praise colour broken happy order again home work lamp chair never always box".split(
    " ",
  );

/** About 120 characters that differ from row to row. */
export function reviewOf(row: number): string {
  let state = (Math.imul(row + 1, 2_654_435_761) ^ 0x9e3779b9) >>> 0;
  let text = `${String(row)}:`;
  for (let word = 0; word < 20; word += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += ` ${words[(state >>> 16) % words.length] ?? ""}`;
  }
  return `${text}.`;
}

/** Which rows a file is to have. */
export interface RowsWanted {
  readonly rows: number;
  /** The review a row holds; its own when left out. */
  readonly reviewOf?: (row: number) => string;
}

const PIECE = 1_000_000;

/** Writes a Parquet file of five columns with zstd and 122,880 rows a group, by polars, a million rows at a time. */
export async function writeRows(path: string, { rows, reviewOf: of = reviewOf }: RowsWanted) {
  const { default: pl } = await import("nodejs-polars");
  const { rm } = await import("node:fs/promises");
  const parts: string[] = [];
  for (let first = 0; first < rows; first += PIECE) {
    const at = Array.from({ length: Math.min(PIECE, rows - first) }, (_, row) => first + row);
    const frame = pl.DataFrame({
      id: at,
      review: at.map(of),
      category: at.map((row) => `category ${String(row % 10)}`),
      price: at.map((row) => (row % 1000) / 10),
      seen: at.map((row) => row % 3 === 0),
    });
    const part = `${path}.${String(parts.length).padStart(3, "0")}.parquet`;
    await frame.lazy().sinkParquet(part, { compression: "zstd" }).collect();
    parts.push(part);
  }
  const all = pl.concat(parts.map((part) => pl.scanParquet(part)));
  await all.sinkParquet(path, { rowGroupSize: 122_880, compression: "zstd" }).collect();
  for (const part of parts) await rm(part);
}
