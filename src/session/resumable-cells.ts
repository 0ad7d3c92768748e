/** The new cells of a run on their way into an output, so that a write that was killed goes on where it was. */

import { join } from "node:path";
import type { NewCells } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import type { RowTally } from "../core/receipt.ts";
import type { CellPlace, CellSource, WriteResume } from "../frame/write-marks.ts";
import type { ColumnLayout } from "../output/columns.ts";
import type { JoinedRows } from "../stages/join.ts";
import type { Store } from "../store/store.ts";
import { correctionsMark } from "./corrected-answers.ts";
import { countedCells, type Rejudged } from "./joined-rows.ts";
import type { Settings } from "./settings.ts";

/** What cells are made and counted with. */
export interface CellsInput {
  /** The joined rows from a row on. */
  readonly joined: (firstRow: number) => AsyncIterable<JoinedRows>;
  readonly layout: ColumnLayout;
  readonly tally: RowTally;
  readonly rejudged: Rejudged;
  /** What else is counted as rows are joined. */
  readonly beside: { saved(): Json; restore(saved: Json): void };
}

/** The cells from the first row on, and from others on. */
export interface ResumableCells extends CellSource {
  readonly cells: AsyncIterable<NewCells>;
}

// A writer is never further behind than what it reads at once, some ten thousand rows.
const ROWS_BETWEEN = 250;
const MOST_PLACES = 200;

/**
 * The cells of a run's rows, each block counted as it is given.
 *
 * Asked for from another row, what was counted up to it takes the place of what this process has counted.
 */
export function resumableCells(input: CellsInput): ResumableCells {
  const { joined, layout, tally, rejudged, beside } = input;
  let places: CellPlace[] = [{ firstRow: 0, counted: saved(input) }];
  const from = async function* (start: number): AsyncGenerator<NewCells> {
    const rows = rejudged.passing(joined(start));
    let isFirst = true;
    for await (const block of countedCells(rows, tally, layout)) {
      if (isFirst && block.firstRow !== start)
        throw new InvariantError("cells_misaligned", `No rows begin at row ${String(start)}.`);
      isFirst = false;
      const firstRow = block.firstRow + (block.columns[0]?.length ?? 0);
      if (firstRow - (places.at(-1)?.firstRow ?? 0) >= ROWS_BETWEEN)
        places = [...places.slice(-MOST_PLACES), { firstRow, counted: saved(input) }];
      yield block;
    }
  };
  return {
    cells: from(0),
    placeAt: async (row) => {
      // What was judged of rows before a mark is not judged again after it.
      await rejudged.tell();
      const last = places.findLastIndex(({ firstRow }) => firstRow <= row);
      places = places.slice(Math.max(0, last));
      return last < 0 ? null : (places[0] ?? null);
    },
    cellsFrom: ({ firstRow, counted }) => {
      const { rows, others } = counted as unknown as Counted;
      tally.restore(rows);
      beside.restore(others);
      places = [{ firstRow, counted }];
      return from(firstRow);
    },
  };
}

interface Counted {
  readonly rows: Json;
  readonly others: Json;
}

function saved({ tally, beside }: CellsInput): Json {
  return { rows: tally.saved(), others: beside.saved() };
}

/**
 * How the write of a run's output is gone on with; undefined where it cannot be known that its cells
 * would come out the same: answers are checked by code that may have changed since.
 */
export async function writeResume(
  source: CellSource,
  run: {
    readonly settings: Settings;
    readonly store: Store;
    readonly directory: string;
    /** The identity of the run, which holds that of its input. */
    readonly identity: string;
    readonly layout: ColumnLayout;
  },
): Promise<WriteResume | undefined> {
  const { settings, store, directory, identity, layout } = run;
  if (settings.validate !== null || directory === "") return undefined;
  const { long, price, free } = { ...settings, free: settings.model.provider.free };
  // Replies that came since, or are asked for again, would make later rows others than those written.
  const chunks = await store.chunks();
  // So would what a person has corrected since.
  const corrections = await correctionsMark(settings);
  const key = { identity, layout, long, price, free, form: settings.form, chunks, corrections };
  return {
    source,
    journal: join(directory, "writing.json"),
    key: contentHash(canonicalJson(JSON.parse(JSON.stringify(key)) as Json)),
  };
}
