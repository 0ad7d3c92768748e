/** A frame of which only the rows that meet a condition are to be asked. */

import type { Condition } from "../core/where.ts";
import type { Block, Frame } from "./frame.ts";

/** Which rows are to be asked. */
export interface AskedRows {
  readonly where: Condition;
  /** The most of those that meet it, from the top; null for all. */
  readonly limit: number | null;
}

/**
 * The same rows, of which those that do not meet the condition are withheld as `where`, and those past
 * the limit that do as `limit`. Reads the columns of the condition beside those that are asked for.
 */
export function askedRows(base: Frame, { where, limit }: AskedRows): Frame {
  const most = limit ?? Number.POSITIVE_INFINITY;
  return {
    name: base.name,
    columns: base.columns,
    fingerprint: () => base.fingerprint(),
    ...(base.types === undefined ? {} : { types: async () => (await base.types?.()) ?? [] }),
    blocks: async function* (columns, maxRows, firstRow) {
      let met = 0;
      const read = [...new Set([...columns, ...where.columns])];
      // What is past the limit is known only once those before it are counted.
      for await (const block of base.blocks(read, maxRows, limit === null ? firstRow : 0)) {
        const why = judgedRows(block, where);
        for (let row = 0; row < why.length; row++)
          if (why[row] === ASKED && ++met > most) why[row] = PAST_LIMIT;
        yield {
          ...block,
          withheld: (row) => block.withheld?.(row) ?? REASONS[why[row] ?? 0] ?? null,
        };
      }
    },
  };
}

const ASKED = 0;
const NOT_MET = 1;
const PAST_LIMIT = 2;
const REASONS = [null, "where", "limit"] as const;

function judgedRows(block: Block, where: Condition): Uint8Array {
  const texts = new Map(where.columns.map((name) => [name, block.text(name)]));
  const why = new Uint8Array(block.rowCount);
  for (let row = 0; row < why.length; row++)
    if (!where.holds((column) => texts.get(column)?.[row] ?? null)) why[row] = NOT_MET;
  return why;
}
