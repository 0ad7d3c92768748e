/** The rows of a run once its chunks are collected: joined, judged anew, told of and counted. */

import type { NewCells } from "../core/column.ts";
import { quotedFields } from "../core/form.ts";
import type { PlanCounts } from "../core/plan.ts";
import type { RowTally } from "../core/receipt.ts";
import type { ColumnLayout } from "../output/columns.ts";
import { newCells } from "./row-cells.ts";
import { openRowMeta } from "./row-meta.ts";
import { withRowTexts } from "./row-texts.ts";
import { answerReading, type Settings } from "./settings.ts";
import { storedAnswers } from "./stored-answers.ts";
import { joinRows, type JoinedRows } from "../stages/join.ts";
import type { Ports, Rendering } from "../stages/ports.ts";
import { refetch } from "../stages/refetch.ts";
import type { Judgement, Store } from "../store/store.ts";

/** What joining the rows of a run needs. */
export interface JoinedRowsInput {
  readonly settings: Settings;
  readonly ports: Ports;
  readonly rendering: Rendering;
  readonly needPlan: () => Promise<PlanCounts>;
  /** Whether the run was stopped by its budget, so that requests which wait to be sent have no outcome yet. */
  readonly isShort: boolean;
  /** Told of every quote that the row's text does not hold. */
  readonly onForeignQuote: () => void;
}

/** What became of every row, in row order, with all that the settings want told of it; repeatable. */
export async function* joinedRows({
  settings,
  ports,
  rendering,
  needPlan,
  isShort,
  onForeignQuote,
}: JoinedRowsInput): AsyncGenerator<JoinedRows> {
  const { requests } = await needPlan();
  const { store, provider, token } = ports;
  const { meta: columns, price, frame, long } = settings;
  const { free } = provider;
  const meta =
    columns.length === 0
      ? null
      : await openRowMeta({ store, token, columns, price, free, requests });
  const reading = answerReading(settings);
  const left = isShort ? await requestsLeft(store, requests) : null;
  const isPartial = (await store.chunks()).some(({ state }) => state !== "collected");
  const told = {
    ...(meta === null ? {} : { meta }),
    ...(left === null ? {} : { isLeft: (request: number) => left[request] === 1 }),
  };
  const answers = await storedAnswers({ store, provider, reading, requests, keepsIn: store.files });
  const rows = joinRows({ store, answers, isPartial, ...told });
  const needsTexts = long?.onLong === "truncate" || quotedFields(reading.form).length > 0;
  yield* needsTexts ? withRowTexts(rows, { frame, rendering, onForeignQuote }) : rows;
}

/** 1 for each request that is in a chunk which is not collected. */
async function requestsLeft(store: Store, requests: number): Promise<Uint8Array> {
  const left = new Uint8Array(requests);
  for (const { number, state } of await store.chunks())
    if (state !== "collected")
      for (const ordinal of await store.ordinals(number)) left[ordinal] = 1;
  return left;
}

/** Fetches reply files that were deleted from the run directory, as long as the provider has them. */
export async function refetchLost(ports: Ports): Promise<void> {
  for (const chunk of await ports.store.chunks()) {
    const { intent, batchId, ending } = chunk;
    if (intent === null || batchId === null || ending === null) continue;
    if ((chunk.collection?.succeeded ?? 0) === 0) continue;
    await refetch({ ...chunk, intent, batchId, ending }, ports);
  }
}

/** The same rows; once all have passed, the store knows which answers are judged otherwise than before. */
export async function* rejudging(
  rows: AsyncIterable<JoinedRows>,
  store: Store,
): AsyncGenerator<JoinedRows> {
  const judgements = new Map<number, Judgement>();
  for await (const joined of rows) {
    for (const judgement of joined.rejudged) judgements.set(judgement.ordinal, judgement);
    yield joined;
  }
  if (judgements.size > 0) await store.rejudged([...judgements.values()]);
}

/** The cells of joined rows, as the frame writers take them, each row counted as it passes. */
export async function* countedCells(
  rows: AsyncIterable<JoinedRows>,
  tally: RowTally,
  layout: ColumnLayout,
): AsyncGenerator<NewCells> {
  for await (const joined of rows) {
    for (const outcome of joined.outcomes)
      if ("value" in outcome) tally.answered(outcome.value, outcome.status);
      else if (outcome.status === "skipped") tally.skipped(outcome.reason);
      else tally.failed(outcome.code);
    yield newCells(joined, layout);
  }
}
