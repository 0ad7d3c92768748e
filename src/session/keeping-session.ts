/** A session whose rows that were not asked keep what they had in columns that were there already. */

import type { NewCells } from "../core/column.ts";
import { withOldAnswers } from "../frame/old-answers.ts";
import { NOTHING_COUNTED, relayedCells } from "./relayed-cells.ts";
import type { Session } from "./session.ts";

/** The session with the old cells among its own, wherever a row was not asked; the same where nothing is kept. */
export function keepingSession(session: Session): Session {
  const { old } = session;
  if (old === undefined) return session;
  const kept = (cells: AsyncIterable<NewCells>, firstRow: number): AsyncIterable<NewCells> =>
    withOldAnswers(cells, { old, columns: session.columns, firstRow });
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
    cells: () => kept(session.cells(), 0),
    complete: async (write) =>
      await session.complete(async (columns, cells, resume) => {
        const merged = relayedCells([{ cells, resume }], {
          make: ([own = cells], firstRow) => kept(own, firstRow),
          counted: NOTHING_COUNTED,
          journal: resume?.journal ?? "",
          madeWith: { existing: old.existing },
        });
        return await write(columns, merged.cells, merged.resume);
      }),
  };
}
