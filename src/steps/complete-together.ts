/** Several sessions over the same rows, completed at once: their cells go into one output. */

import type { NewCells, NewColumn } from "../core/column.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Session } from "../session/session.ts";
import type { WriteCells } from "../session/write-cells.ts";

/** What one session adds. */
export interface Completed {
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
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
        return await session.complete(async (columns, cells) => {
          parts[at] = { columns, cells };
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
