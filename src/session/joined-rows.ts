/** The rows of a run once its chunks are collected: joined, judged anew, told of and counted. */

import type { NewCells } from "../core/column.ts";
import { quotedFields } from "../core/form.ts";
import type { PlanCounts } from "../core/plan.ts";
import type { RowTally } from "../core/receipt.ts";
import type { ColumnLayout } from "../output/columns.ts";
import { correctionsOf, withCorrections } from "./corrected-answers.ts";
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
  /** The row to begin at, as {@link joinRows} has it. */
  readonly firstRow?: number;
}

/** What became of every row, in row order, with all that the settings want told of it; repeatable. */
export async function* joinedRows({
  settings,
  ports,
  rendering,
  needPlan,
  isShort,
  onForeignQuote,
  firstRow = 0,
}: JoinedRowsInput): AsyncGenerator<JoinedRows> {
  const { requests } = await needPlan();
  const { store, provider, token } = ports;
  const { id: run } = await store.run();
  const { meta: columns, price, frame, long } = settings;
  const { free } = provider;
  const meta =
    columns.length === 0
      ? null
      : await openRowMeta({
          store,
          token,
          columns,
          price,
          free,
          requests,
          run: settings.whole ?? run,
        });
  const reading = answerReading(settings);
  const left = isShort ? await requestsLeft(store, requests) : null;
  const isPartial = (await store.chunks()).some(({ state }) => state !== "collected");
  const told = {
    ...(meta === null ? {} : { meta }),
    ...(left === null ? {} : { isLeft: (request: number) => left[request] === 1 }),
  };
  const corrections = await correctionsOf(settings, store);
  const stored = await storedAnswers({ store, provider, reading, requests, keepsIn: store.files });
  const answers = withCorrections(stored, corrections);
  const rows = joinRows({ store, answers, isPartial, firstRow, ...told });
  const needsTexts = long?.onLong === "truncate" || quotedFields(reading.form).length > 0;
  yield* needsTexts ? withRowTexts(rows, { frame, rendering, onForeignQuote, firstRow }) : rows;
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

/** What the store has yet to be told of answers that are judged otherwise than before. */
export interface Rejudged {
  /** The same rows; what they say is noted as they pass, and told once all have. */
  passing(rows: AsyncIterable<JoinedRows>): AsyncGenerator<JoinedRows>;
  /** Tells the store what was noted so far. */
  tell(): Promise<void>;
}

/** Judgements held before the store is told of them. */
const MOST_HELD = 10_000;

/** Notes judgements for a store. */
export function rejudged(store: Store): Rejudged {
  const held = new Map<number, Judgement>();
  const tell = async (): Promise<void> => {
    if (held.size > 0) await store.rejudged([...held.values()]);
    held.clear();
  };
  return {
    tell,
    passing: async function* (rows) {
      for await (const joined of rows) {
        for (const judgement of joined.rejudged) held.set(judgement.ordinal, judgement);
        if (held.size >= MOST_HELD) await tell();
        yield joined;
      }
      await tell();
    },
  };
}

/** The cells of joined rows, as the frame writers take them, each block counted before it is given. */
export async function* countedCells(
  rows: AsyncIterable<JoinedRows>,
  tally: RowTally,
  layout: ColumnLayout,
): AsyncGenerator<NewCells> {
  for await (const joined of rows) {
    for (const outcome of joined.outcomes)
      if ("value" in outcome)
        tally.answered(outcome.value, outcome.status, outcome.isCorrected === true);
      else if (outcome.status === "skipped") tally.skipped(outcome.reason);
      else tally.failed(outcome.code);
    yield newCells(joined, layout);
  }
}
