/** A session whose rows that were not asked keep what they had in columns that were there already. */

import type { NewCells, NewColumn } from "../core/column.ts";
import { withOldAnswers, type OldAnswers } from "../frame/old-answers.ts";
import { NOTHING_COUNTED, relayedCells, type CellsGiven } from "./relayed-cells.ts";
import type { Session } from "./session.ts";

/** The session with the old cells among its own, wherever a row was not asked; the same where nothing is kept. */
export function keepingSession(session: Session): Session {
  const { old } = session;
  if (old === undefined) return session;
  return {
    ...session,
    get columns() {
      return session.columns;
    },
    get looks() {
      return session.looks;
    },
    get warnings() {
      return session.warnings;
    },
    cells: () => withOldAnswers(session.cells(), { old, columns: session.columns, firstRow: 0 }),
    complete: async (write) =>
      await session.complete(async (columns, cells, resume) => {
        const journal = resume?.journal ?? "";
        const kept = keptCells({ cells, resume }, { old, columns, journal });
        return await write(columns, kept.cells, kept.resume);
      }),
  };
}

/** Cells on their way into an output, with the old ones among them; gone on with where those that are given can be. */
export function keptCells(
  given: CellsGiven,
  {
    old,
    columns,
    journal,
  }: {
    readonly old: OldAnswers;
    /** All columns of the cells, of which some are those that rows keep. */
    readonly columns: readonly NewColumn[];
    readonly journal: string;
  },
): CellsGiven {
  const kept = (cells: AsyncIterable<NewCells>, firstRow: number): AsyncIterable<NewCells> =>
    withOldAnswers(cells, { old, columns, firstRow });
  return relayedCells([given], {
    make: ([own = given.cells], firstRow) => kept(own, firstRow),
    counted: NOTHING_COUNTED,
    journal,
    madeWith: { existing: old.existing, kept: old.columns.map(({ name }) => name) },
  });
}
