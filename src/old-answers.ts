/** What rows have already of the columns that a run would add, where it is told to keep that. */

import { keptUnder } from "./core/existing.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import type { Frame } from "./frame/frame.ts";
import type { OldAnswers } from "./frame/old-answers.ts";
import { answerNames, newColumns } from "./output/columns.ts";
import type { OutputOption } from "./output/form.ts";
import { columnLayout, type Settings } from "./session/settings.ts";

/** The old answers in a frame; null where none are kept, or the frame has none of the columns. */
export function oldAnswersOf(
  frame: Frame,
  settings: Omit<Settings, "frame">,
  options: Pick<EnrichOptions<string, OutputOption>, "existing" | "where" | "limit" | "sample">,
): OldAnswers | null {
  const existing = keptUnder(options);
  if (existing === null) return null;
  const { column, long } = settings;
  const layout = columnLayout({ ...settings, frame });
  const isPieced = long?.onLong === "chunk";
  const all = [
    ...newColumns(column, isPieced ? { ...layout, tellsCut: false } : layout),
    ...(isPieced ? [{ name: `${column}_pieces`, type: "integer" } as const] : []),
  ];
  const columns = all.filter(({ name }) => frame.columns.includes(name));
  if (columns.length === 0) return null;
  const answers = answerNames(column, layout);
  return { frame, existing, columns, answers, status: `${column}_status` };
}
