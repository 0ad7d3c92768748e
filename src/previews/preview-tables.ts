/** What previews of dataframes and of files look like. */

import type { DataFrame } from "nodejs-polars";
import type { EnrichOptions } from "../enrich-options.ts";
import type { Frame } from "../frame/frame.ts";
import type { OutputOption } from "../output/form.ts";
import type { PreviewJob } from "./preview-run.ts";
import type { ModelRef } from "../provider/models.ts";
import type { Settings } from "../session/settings.ts";

/** Whether a run asks one model only, so that a few rows say how the whole will be. */
export function isTriedAlone(options: EnrichOptions<string, OutputOption>): boolean {
  return options.fallbackModel === undefined && options.cascade === undefined;
}

/** Previews of a dataframe: the chosen rows with all their columns, types unchanged. */
export function framePreview(
  rows: DataFrame,
  settingsFor: (model: ModelRef, over: Frame) => Promise<Settings>,
  model: ModelRef,
): PreviewJob {
  const polars = () => import("../frame/polars.ts");
  return {
    settings: async () => settingsFor(model, (await polars()).polarsFrame(rows)),
    table: async ({ positions }, columns, cells) => {
      const { onlyRows, withNewColumns } = await polars();
      const isPicked = new Set(positions);
      const mask = Array.from({ length: rows.height }, (_, row) => isPicked.has(row));
      return await withNewColumns(onlyRows(rows, mask), columns, cells);
    },
  };
}

/** Previews of a file: the columns its template reads, as text. */
export function filePreview(settings: () => Promise<Settings>): PreviewJob {
  return {
    settings,
    table: async ({ frame, positions, columns }, added, cells) => {
      const { textFrame, withNewColumns } = await import("../frame/polars.ts");
      const texts = columns.map((): (string | null)[] => []);
      if (positions.length > 0)
        for await (const block of frame.blocks(columns, positions.length))
          columns.forEach((name, at) => texts[at]?.push(...block.text(name)));
      return await withNewColumns(textFrame(columns, texts), added, cells);
    },
  };
}
