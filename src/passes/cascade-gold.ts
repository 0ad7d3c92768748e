/** Gold labels of a cascade: the column of the frame that the cheap model's answers are compared with. */

import { labelOf } from "../core/agreement.ts";
import { InputError } from "../core/errors.ts";
import { rollingHash } from "../core/hash.ts";
import { didYouMean } from "../core/suggest.ts";
import type { Frame } from "../frame/frame.ts";

/** A column of gold labels. */
export interface Gold {
  readonly column: string;
  /** A hash of all its cells: a threshold that was set by other labels is not this run's. */
  readonly hash: string;
  /** By row up to `rows`, 1 where there is a label. */
  labelled(rows: number): Promise<Uint8Array>;
  /** The labels of the given rows, which are in order. */
  labels(rows: Uint32Array): Promise<readonly (string | null)[]>;
}

/** The most rows that answers are compared on when nobody says another number; more tell hardly more. */
export const MOST_COMPARED = 100_000;

const ROWS_PER_BLOCK = 1000;

/**
 * The gold labels in a column; reads it once, to know it again.
 *
 * @throws {InputError} `unknown_column`, and `nothing_to_evaluate` where all its cells are blank; nothing
 * was sent.
 */
export async function goldOf(frame: Frame, column: string): Promise<Gold> {
  if (!frame.columns.includes(column))
    throw new InputError(
      "unknown_column",
      `${frame.name} has no column named ${JSON.stringify(column)} to compare a cascade's answers with. Nothing was sent.`,
      { hint: didYouMean(column, frame.columns) },
    );
  const hash = rollingHash();
  let isBlank = true;
  for await (const { labels } of blocks(frame, column)) {
    hash.add(JSON.stringify(labels));
    isBlank &&= labels.every((label) => label === null);
  }
  if (isBlank)
    throw new InputError(
      "nothing_to_evaluate",
      `No row of ${frame.name} has a gold label in the column ${JSON.stringify(column)}, so no threshold can be set by it. Nothing was sent.`,
      { hint: "Fill that column for some rows, drawn at random; or leave it to the strong model." },
    );
  return {
    column,
    hash: hash.digest(),
    labelled: async (rows) => {
      const labelled = new Uint8Array(rows);
      for await (const { firstRow, labels } of blocks(frame, column))
        labels.forEach((label, at) => {
          if (label !== null) labelled[firstRow + at] = 1;
        });
      return labelled;
    },
    labels: async (rows) => {
      const taken: (string | null)[] = [];
      for await (const { firstRow, labels } of blocks(frame, column))
        for (;;) {
          const row = rows[taken.length];
          if (row === undefined || row >= firstRow + labels.length) break;
          taken.push(labels[row - firstRow] ?? null);
        }
      return taken;
    },
  };
}

async function* blocks(
  frame: Frame,
  column: string,
): AsyncGenerator<{ readonly firstRow: number; readonly labels: readonly (string | null)[] }> {
  for await (const block of frame.blocks([column], ROWS_PER_BLOCK))
    yield { firstRow: block.firstRow, labels: block.text(column).map(labelOf) };
}
