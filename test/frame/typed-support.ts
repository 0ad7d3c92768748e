/** What the tests of typed files share: files written by DuckDB and polars, and rows read by everyone. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection, JS } from "@duckdb/node-api";
import { parquetReadObjects } from "hyparquet";
import pl from "nodejs-polars";
import type { DataFrame } from "nodejs-polars";
import type { Cell } from "../../src/core/column.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { newFolder } from "./support.ts";

let connection: Promise<DuckDBConnection> | null = null;

/** DuckDB in memory, one for all tests of a file. */
export async function duckdb(): Promise<DuckDBConnection> {
  connection ??= DuckDBInstance.create(":memory:").then((it) => it.connect());
  return await connection;
}

/** Writes the rows of a query to a Parquet file and gives its path. */
export async function duckdbFile(query: string, options = ""): Promise<string> {
  const path = join(await newFolder(), "duckdb.parquet");
  await (await duckdb()).run(`copy (${query}) to '${path}' (format parquet${options})`);
  return path;
}

/** Rows as DuckDB reads them: objects by column. */
export async function duckdbRows(path: string): Promise<Record<string, JS>[]> {
  const reader = await (await duckdb()).runAndReadAll(`select * from read_parquet('${path}')`);
  return reader.getRowObjectsJS();
}

/** Rows as hyparquet reads them. */
export async function hyparquetRows(path: string): Promise<Record<string, unknown>[]> {
  const bytes = await readFile(path);
  const file = new Uint8Array(bytes).buffer;
  const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };
  return await parquetReadObjects({ file, compressors });
}

/** Rows of a dataframe through polars' own JSON: exact for everything new columns can hold but NaN. */
export function polarsJsonRows(df: DataFrame): Record<string, unknown>[] {
  const all = df.columns.map((name) => pl.col(name));
  const json = df.select(pl.struct(all).struct.jsonEncode().alias("json"));
  return (json.getColumn("json").toArray() as string[]).map(
    (text) => JSON.parse(text) as Record<string, unknown>,
  );
}

/** The names of polars' types of a frame's columns. */
export function polarsTypes(df: DataFrame): string[] {
  return df.dtypes.map((dtype) => (dtype as { readonly variant: string }).variant);
}

/** Every value of every column, column by column. */
export async function allColumns(frame: Frame, maxRows = 1000): Promise<Record<string, Cell[]>> {
  const columns = Object.fromEntries(frame.columns.map((name): [string, Cell[]] => [name, []]));
  for await (const block of frame.blocks(frame.columns, maxRows)) {
    for (const name of frame.columns) columns[name]?.push(...block.values(name));
  }
  return columns;
}
