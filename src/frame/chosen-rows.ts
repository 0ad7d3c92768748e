/** A frame of which only some rows are to be asked. */

import type { Frame } from "./frame.ts";

/**
 * The same rows, of which those that are not chosen are withheld as another pass's.
 *
 * `chosen` gives a byte for each row, 1 where it is to be asked, or null for all of them; it is called when
 * the rows are read.
 */
export function chosenRows(base: Frame, chosen: () => Promise<Uint8Array | null>): Frame {
  return {
    name: base.name,
    columns: base.columns,
    fingerprint: () => base.fingerprint(),
    blocks: async function* (columns, maxRows) {
      const rows = await chosen();
      for await (const block of base.blocks(columns, maxRows))
        yield {
          ...block,
          withheld: (row) =>
            block.withheld?.(row) ??
            (rows === null || rows[block.firstRow + row] === 1 ? null : "pass"),
        };
    },
  };
}
