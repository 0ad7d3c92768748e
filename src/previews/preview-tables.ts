/** What previews of dataframes and of files look like. A run that may not replace columns is refused before. */

import type { DataFrame } from "nodejs-polars";
import type { PreviewTable } from "./preview-run.ts";

/** Previews of a dataframe: the chosen rows with all their columns, types unchanged. */
export function frameTable(rows: DataFrame): PreviewTable {
  return async ({ positions }, columns, cells) => {
    const { onlyRows, withReplacedColumns } = await import("../frame/polars.ts");
    const isPicked = new Set(positions);
    const mask = Array.from({ length: rows.height }, (_, row) => isPicked.has(row));
    return await withReplacedColumns(onlyRows(rows, mask), columns, cells);
  };
}

/** Previews of a file, or of rows that are no DataFrame: the columns its templates read, as text. */
export const textTable: PreviewTable = async ({ frame, positions, columns }, added, cells) => {
  const { textFrame, withReplacedColumns } = await import("../frame/polars.ts");
  const texts = columns.map((): (string | null)[] => []);
  if (positions.length > 0)
    for await (const block of frame.blocks(columns, positions.length))
      columns.forEach((name, at) => texts[at]?.push(...block.text(name)));
  return await withReplacedColumns(textFrame(columns, texts), added, cells);
};
