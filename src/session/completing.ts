/** The end of a run: every row joined, handed to whoever writes it, counted, and told in a receipt. */

import type { NewColumn } from "../core/column.ts";
import type { PlanCounts } from "../core/plan.ts";
import { receiptOf, rowTally, type Receipt } from "../core/receipt.ts";
import type { ColumnLayout } from "../output/columns.ts";
import type { JoinedRows } from "../stages/join.ts";
import type { Ports } from "../stages/ports.ts";
import type { RunRecord } from "../store/store.ts";
import { correctionsOf, correctionWarnings } from "./corrected-answers.ts";
import { refetchLost, rejudged } from "./joined-rows.ts";
import { perhapsPaidTwice } from "./paid-twice.ts";
import { resumableCells, writeResume } from "./resumable-cells.ts";
import type { Settings } from "./settings.ts";
import { quoteWarnings } from "./text-warnings.ts";
import type { WriteCells } from "./write-cells.ts";

/** A run whose chunks are collected. */
export interface Completing {
  readonly settings: Settings;
  readonly ports: Ports;
  readonly record: RunRecord;
  readonly directory: string;
  readonly columns: readonly NewColumn[];
  readonly layout: ColumnLayout;
  readonly needPlan: () => Promise<PlanCounts>;
  /** Sentences for the receipt, asked for once all rows were joined. */
  readonly warnings: () => readonly string[];
  readonly joined: (firstRow: number, onForeignQuote: () => void) => AsyncIterable<JoinedRows>;
}

/** Hands every row's new cells to `write`, counting them, and gives the receipt. */
export async function completed(write: WriteCells, run: Completing): Promise<Receipt> {
  const { settings, ports, record, columns, layout } = run;
  const { store, provider } = ports;
  const { form, price } = settings;
  await refetchLost(ports);
  const tally = rowTally(form.kind === "labels" ? form.labels.map(({ name }) => name) : null);
  let foreignQuotes = 0;
  const source = resumableCells({
    ...{ layout, tally, rejudged: rejudged(store) },
    joined: (firstRow) =>
      run.joined(firstRow, () => {
        foreignQuotes += 1;
      }),
    beside: {
      saved: () => foreignQuotes,
      restore: (saved) => {
        foreignQuotes = Number(saved);
      },
    },
  });
  const { identity } = record;
  const resume = await writeResume(source, { ...run, store, identity });
  const written = await write(columns, source.cells, resume);
  const { unfit } = await correctionsOf(settings, store);
  const paidTwice = await perhapsPaidTwice(store);
  return receiptOf(tally, await store.chunks(), {
    ...(paidTwice === null ? {} : { paidTwice }),
    run: record.id,
    model: `${provider.id}/${settings.model.model}`,
    plan: await run.needPlan(),
    free: provider.free,
    price,
    warnings: [...run.warnings(), ...quoteWarnings(foreignQuotes), ...correctionWarnings(unfit)],
    ...written,
  });
}
