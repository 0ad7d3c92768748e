/** Several sessions over the same rows, completed at once: their cells go into one output. */

import type { NewColumn } from "../core/column.ts";
import type { Receipt } from "../core/receipt.ts";
import type { CellsGiven } from "../session/relayed-cells.ts";
import type { Session } from "../session/session.ts";
import type { WriteCells } from "../session/write-cells.ts";

/** What one session adds. */
export interface Completed extends CellsGiven {
  readonly columns: readonly NewColumn[];
}

type Written = Awaited<ReturnType<WriteCells>>;

/**
 * Completes every session, with what all of them add given to `write` together, in their order. Gives
 * their receipts; when one fails all do.
 */
export async function completeTogether(
  sessions: readonly Pick<Session, "complete">[],
  write: (all: readonly Completed[]) => Promise<Written>,
): Promise<readonly Receipt[]> {
  const parts: Completed[] = [];
  const { promise: written, resolve, reject } = Promise.withResolvers<Written>();
  // Whoever fails before the others wait for it must not end the process.
  written.catch(() => undefined);
  return await Promise.all(
    sessions.map(async (session, at) => {
      try {
        return await session.complete(async (columns, cells, resume) => {
          parts[at] = { columns, cells, resume };
          // The last to come writes for all.
          if (Object.keys(parts).length === sessions.length) write(parts).then(resolve, reject);
          return await written;
        });
      } catch (error) {
        reject(error);
        throw error;
      }
    }),
  );
}
