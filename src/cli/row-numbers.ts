/** Row numbers as commands take and tell them: counted from 1, where the TypeScript API counts from 0. */

import type { EvalReport, Receipt } from "../index.ts";

/** The number that `show --row` takes for the row at this position. */
export function rowNumber(position: number): number {
  return position + 1;
}

/** The receipt with its rows counted from 1, those of its steps too. */
export function receiptFromOne(receipt: Receipt): Receipt {
  const { paidTwice, steps } = receipt;
  return {
    ...receipt,
    ...(paidTwice === undefined
      ? {}
      : { paidTwice: { ...paidTwice, rows: paidTwice.rows.map(rowNumber) } }),
    ...(steps === undefined
      ? {}
      : {
          steps: Object.fromEntries(
            Object.entries(steps).map(([column, step]) => [column, receiptFromOne(step)]),
          ),
        }),
  };
}

/** The evaluation with its rows counted from 1. */
export function evaluationFromOne(report: EvalReport): EvalReport {
  const disagreements = report.disagreements.map((one) => ({ ...one, row: rowNumber(one.row) }));
  return { ...report, disagreements };
}
