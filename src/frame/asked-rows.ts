/** A frame of which only the rows that meet a condition, or some drawn among them, are to be asked. */

import type { RowSample } from "../core/sample.ts";
import type { Condition } from "../core/where.ts";
import { drawnRows, type Drawable, type IsDrawn } from "./drawn-rows.ts";
import type { Block, Frame } from "./frame.ts";

/** Which rows are to be asked. */
export interface AskedRows {
  /** Null where every row meets it. */
  readonly where: Condition | null;
  /** The most of those that meet it and have no answer to keep, from the top; null for all. */
  readonly limit: number | null;
  /** How many are drawn of those that meet it; null for all. */
  readonly sample: RowSample | null;
}

const ROWS_PER_BLOCK = 1000;

/**
 * The same rows, of which those that do not meet the condition are withheld as `where`, those that do and
 * are not drawn as `sample`, and those past the limit as `limit`. Reads the columns of the condition, and the one
 * that shares the sample out, beside those that are asked for. The sample is drawn when rows are first read.
 */
export function askedRows(base: Frame, asked: AskedRows): Frame {
  const { where, limit, sample } = asked;
  const by = sample?.by ?? null;
  const most = limit ?? Number.POSITIVE_INFINITY;
  const judging = [...(where?.columns ?? []), ...(by === null ? [] : [by])];
  let drawing: Promise<IsDrawn> | null = null;
  const draw = (of: RowSample): Promise<IsDrawn> =>
    (drawing ??= drawnRows(of, () => drawable(base, asked)));
  return {
    name: base.name,
    columns: base.columns,
    fingerprint: () => base.fingerprint(),
    ...(base.types === undefined ? {} : { types: async () => (await base.types?.()) ?? [] }),
    blocks: async function* (columns, maxRows, firstRow) {
      const isDrawn = sample === null ? null : await draw(sample);
      let met = 0;
      const read = [...new Set([...columns, ...judging])];
      // What is past the limit is known only once those before it are counted.
      for await (const block of base.blocks(read, maxRows, limit === null ? firstRow : 0)) {
        const why = judgedRows(block, where);
        if (isDrawn !== null) withoutUndrawn(why, block, { isDrawn, by });
        for (let row = 0; row < why.length; row++)
          if (why[row] === ASKED && block.withheld?.(row) !== "kept" && ++met > most)
            why[row] = PAST_LIMIT;
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
const NOT_DRAWN = 3;
const REASONS = [null, "where", "limit", "sample"] as const;

function judgedRows(block: Block, where: Condition | null): Uint8Array {
  const why = new Uint8Array(block.rowCount);
  if (where === null) return why;
  const texts = new Map(where.columns.map((name) => [name, block.text(name)]));
  for (let row = 0; row < why.length; row++)
    if (!where.holds((column) => texts.get(column)?.[row] ?? null)) why[row] = NOT_MET;
  return why;
}

function withoutUndrawn(
  why: Uint8Array,
  block: Block,
  { isDrawn, by }: { readonly isDrawn: IsDrawn; readonly by: string | null },
): void {
  const values = by === null ? null : block.text(by);
  for (let row = 0; row < why.length; row++)
    if (why[row] === ASKED && !isDrawn(block.firstRow + row, values?.[row] ?? null))
      why[row] = NOT_DRAWN;
}

/** The rows that a sample is drawn from: those that can be read and meet the condition. */
async function* drawable(base: Frame, { where, sample }: AskedRows): AsyncGenerator<Drawable> {
  const by = sample?.by ?? null;
  const judging = [...(where?.columns ?? []), ...(by === null ? [] : [by])];
  // Not every source can count its rows without reading a column.
  const read = judging.length === 0 ? base.columns.slice(0, 1) : [...new Set(judging)];
  for await (const block of base.blocks(read, ROWS_PER_BLOCK)) {
    const why = judgedRows(block, where);
    yield {
      firstRow: block.firstRow,
      rowCount: block.rowCount,
      // A row that an earlier step left unanswered stays drawn, or steps would ask different rows.
      mayBe: (row) => why[row] === ASKED && block.withheld?.(row) !== "bad_row",
      values: by === null ? null : block.text(by),
    };
  }
}
