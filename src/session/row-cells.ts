/** Joined rows as the cells of the new columns. */

import type { NewCell, NewCells } from "../core/column.ts";
import { quotedFields } from "../core/form.ts";
import type { RowErrorCode, RowStatus } from "../core/result.ts";
import { answerCells, type ColumnLayout } from "../output/columns.ts";
import type { JoinedRows, RowOutcome } from "../stages/join.ts";

/**
 * The new columns' cells of joined rows: the answer's, its quotes, with tools the calls as JSON, the
 * status, the error code of failed rows, whether a text was cut, and what else is told of the answer.
 */
export function newCells(joined: JoinedRows, layout: ColumnLayout): NewCells {
  const cellsOf = answerCells(layout.form, layout.flatten);
  const answers: NewCell[][] = cellsOf(null).map(() => []);
  const quotes = quotedFields(layout.form).map((field) =>
    joined.outcomes.map((it) => ("value" in it ? (it.quotes?.[field] ?? null) : null)),
  );
  const calls: NewCell[] = [];
  const statuses: RowStatus[] = [];
  const errors: (RowErrorCode | null)[] = [];
  for (const outcome of joined.outcomes) {
    const value = "value" in outcome ? outcome.value : null;
    for (const [at, cell] of cellsOf(value).entries()) answers[at]?.push(cell);
    if (layout.hasTools)
      calls.push("toolCalls" in outcome ? JSON.stringify(outcome.toolCalls) : null);
    statuses.push(outcome.status);
    errors.push(errorOf(outcome));
  }
  return {
    firstRow: joined.firstRow,
    columns: [
      ...answers,
      ...quotes,
      ...(layout.hasTools ? [calls] : []),
      statuses,
      errors,
      ...(layout.tellsCut === true ? [cutCells(joined)] : []),
      ...(layout.meta ?? []).map((name) =>
        joined.outcomes.map((_, at) => joined.meta?.[at]?.[name] ?? null),
      ),
    ],
  };
}

/** Whether each row's text was cut; null in rows that were not asked. */
function cutCells({ outcomes, cut }: JoinedRows): readonly NewCell[] {
  return outcomes.map(({ status }, at) => (status === "skipped" ? null : (cut?.[at] ?? null)));
}

/** A row that waits on a failed step, or on a larger budget, says so; one that is blank, or past the limit, has no error. */
function errorOf(outcome: RowOutcome): RowErrorCode | null {
  if (outcome.status === "failed") return outcome.code;
  if (outcome.status !== "skipped") return null;
  return outcome.reason === "budget" ? "budget" : outcome.reason === "step" ? "skipped" : null;
}
