/** What a plan and a receipt say of columns that are replaced, of texts that were cut, of quotes that are none, and of rows that could not be read. */

import type { NewColumn } from "../core/column.ts";
import { META_NAMES } from "../core/meta.ts";
import type { Receipt } from "../core/receipt.ts";
import type { FileFrame } from "../files/files.ts";
import type { OnBadRow } from "../frame/csv-judged.ts";
import type { Settings } from "./settings.ts";

/** That some texts are cut before they are sent; nothing where none are. */
export function cutWarnings(rows: number, { long }: Pick<Settings, "long">): readonly string[] {
  if (rows === 0 || long === null) return [];
  const what = rows === 1 ? "1 row has a text" : `${String(rows)} rows have a text`;
  return [`${what} longer than ${String(long.maxChars)} characters; only the beginning is sent.`];
}

/** Which columns of the rows are replaced, and which of an earlier run's stay beside the new ones; nothing where none are. */
export function replacedWarnings(
  { frame, column, replaces, old }: Pick<Settings, "frame" | "column" | "replaces" | "old">,
  columns: readonly NewColumn[],
): readonly string[] {
  const added = new Set(columns.map(({ name }) => name));
  const gone = frame.columns.filter((name) => added.has(name));
  if (!replaces || gone.length === 0) return [];
  const told = new Set(TOLD.map((end) => `${column}_${end}`));
  const left = frame.columns.filter((name) => told.has(name) && !added.has(name));
  return [
    replacedText(`${gone.join(", ")} of ${frame.name}`, old?.existing ?? null),
    ...(left.length === 0
      ? []
      : [`This run does not write ${left.join(", ")}: what an earlier one said there stays.`]),
  ];
}

function replacedText(names: string, existing: "skip" | "overwrite" | null): string {
  if (existing === null) return `The new columns replace ${names}.`;
  return existing === "skip"
    ? `Rows that are answered in ${names} keep what they have there and are not asked.`
    : `New answers replace those in ${names}; rows that are not asked keep what they have there.`;
}

/** What may be told beside an answer. */
const TOLD = [...META_NAMES, "tool_calls", "truncated", "agreement", "pieces"];

/** That some quotes were left out; nothing where none were. */
export function quoteWarnings(quotes: number): readonly string[] {
  if (quotes === 0) return [];
  const what = quotes === 1 ? "1 quote does" : `${String(quotes)} quotes do`;
  return [`${what} not occur in the row's text and ${quotes === 1 ? "is" : "are"} left out.`];
}

const MOST_LINES = 5;

/**
 * The receipt with a word on the rows of the input that could not be read: how many, and the lines of
 * the first. Nothing is read where such rows end a run.
 */
export async function withBadRows(
  receipt: Receipt,
  input: FileFrame,
  onBadRow: OnBadRow = "fail",
): Promise<Receipt> {
  if (onBadRow === "fail") return receipt;
  const warnings = (await input.badRows()).map(({ path, count, first }) => {
    const lines = first.slice(0, MOST_LINES).map(({ line }) => String(line));
    const more = count > lines.length ? ", …" : "";
    const what = count === 1 ? "1 row" : `${String(count)} rows`;
    const fate = onBadRow === "skip" ? "left out" : "passed on unasked";
    return `${what} of ${path} could not be read and ${count === 1 ? "was" : "were"} ${fate}: line ${lines.join(", ")}${more}.`;
  });
  if (warnings.length === 0) return receipt;
  return { ...receipt, warnings: [...(receipt.warnings ?? []), ...warnings] };
}
