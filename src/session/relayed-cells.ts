/** Cells made of those of one session or several on their way into an output, to be gone on with like theirs. */

import type { NewCells } from "../core/column.ts";
import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import {
  cellsFromRow,
  type CellPlace,
  type Counted,
  type WriteResume,
} from "../frame/write-marks.ts";

/** Cells on their way into an output. */
export interface CellsGiven {
  readonly cells: AsyncIterable<NewCells>;
  /** How their write is gone on with; left out where it begins anew. */
  readonly resume?: WriteResume | undefined;
}

/** What becomes of them. */
export interface Relaying {
  /** The cells from a row on, of those that were given, each from the same row on. */
  readonly make: (
    cells: readonly AsyncIterable<NewCells>[],
    firstRow: number,
  ) => AsyncIterable<NewCells>;
  /** What is counted of each block before it is given. */
  readonly counted: Counted;
  /** The file that remembers the last mark. */
  readonly journal: string;
  /** What the cells are made with besides those given: a write under another is not gone on with. */
  readonly madeWith: Json;
}

/** Nothing to count. */
export const NOTHING_COUNTED: Counted = { saved: () => null, restore: () => undefined };

interface Together {
  readonly own: Json;
  /** The places of the sessions, each at or before the row. */
  readonly parts: readonly CellPlace[];
}

// A writer is never further behind than what it reads at once.
const MOST_PLACES = 200;

/** The cells that are made; they are gone on with where all that are given can be. */
export function relayedCells(given: readonly CellsGiven[], how: Relaying): CellsGiven {
  const resumes = given.flatMap(({ resume }) => (resume === undefined ? [] : [resume]));
  let places: { readonly firstRow: number; readonly own: Json }[] = [
    { firstRow: 0, own: how.counted.saved() },
  ];
  const from = async function* (
    cells: readonly AsyncIterable<NewCells>[],
    start: number,
  ): AsyncGenerator<NewCells> {
    for await (const block of how.make(cells, start)) {
      const firstRow = block.firstRow + (block.columns[0]?.length ?? 0);
      places = [...places.slice(-MOST_PLACES), { firstRow, own: how.counted.saved() }];
      yield block;
    }
  };
  const cells = from(
    given.map((one) => one.cells),
    0,
  );
  if (resumes.length < given.length) return { cells };
  const placeAt = async (row: number): Promise<CellPlace | null> => {
    const last = places.findLastIndex(({ firstRow }) => firstRow <= row);
    const place = places[last];
    if (place === undefined) return null;
    places = places.slice(last);
    const parts: CellPlace[] = [];
    for (const { source } of resumes) {
      const part = await source.placeAt(place.firstRow);
      if (part === null) return null;
      parts.push(part);
    }
    const counted: Together = { own: place.own, parts };
    return { firstRow: place.firstRow, counted: counted as unknown as Json };
  };
  const cellsFrom = ({ firstRow, counted }: CellPlace): AsyncIterable<NewCells> => {
    const { own, parts } = counted as unknown as Together;
    how.counted.restore(own);
    places = [{ firstRow, own }];
    const sources = resumes.flatMap(({ source }, at) => {
      const place = parts[at];
      return place === undefined ? [] : [cellsFromRow(source.cellsFrom(place), firstRow)];
    });
    return from(sources, firstRow);
  };
  const key = { madeWith: how.madeWith, of: resumes.map((resume) => resume.key) };
  return {
    cells,
    resume: {
      source: { placeAt, cellsFrom },
      journal: how.journal,
      key: contentHash(canonicalJson(key)),
    },
  };
}
