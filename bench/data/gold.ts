/** Texts with the answer people gave, from CSV files with a `gold` column. */

import { readFile } from "node:fs/promises";

import { parse } from "csv-parse/sync";

/** A text and its right answer. */
export interface GoldRow {
  readonly text: string;
  readonly gold: string;
}

/** The rows of a file, in order, without those whose `text` or `feedback` column is blank. */
export async function readGold(file: string): Promise<GoldRow[]> {
  const rows: Record<string, string>[] = parse(await readFile(file, "utf8"), { columns: true });
  return rows
    .map((row) => ({ text: row["text"] ?? row["feedback"] ?? "", gold: row["gold"] ?? "" }))
    .filter((row) => row.text.trim() !== "");
}
