/** Choosing rows to try: a few of those that would be asked, the same ones each time. */

import { contentHash } from "../core/hash.ts";
import type { Frame } from "../frame/frame.ts";
import type { Rendering } from "../stages/ports.ts";

/** How rows are chosen. */
export interface SampleHow {
  /** How many rows, each with a prompt of its own. */
  readonly rows: number;
  /** The column whose values share the rows among them as evenly as may be; null for no such column. */
  readonly by: string | null;
  readonly seed: number;
}

/** What is chosen from. */
export interface SampleFrom {
  readonly frame: Frame;
  readonly rendering: Rendering;
  /** Rows past this many are not chosen; null for all. */
  readonly limit: number | null;
}

const ROWS_PER_BLOCK = 1000;

interface Chosen {
  readonly row: number;
  readonly rank: string;
}

/**
 * The positions of the chosen rows, in row order; fewer where there are fewer prompts.
 *
 * Rows that would not be asked are never chosen, nor two with one prompt. Which are chosen follows from
 * the seed and the prompts alone, so that rows that are added or moved change little. One pass; what is
 * kept is at most the square of `rows`.
 */
export async function sampledRows(
  { frame, rendering, limit }: SampleFrom,
  { rows, by, seed }: SampleHow,
): Promise<readonly number[]> {
  const groups = new Map<string, Chosen[]>();
  const columns = [...new Set([...rendering.columns, ...(by === null ? [] : [by])])];
  const most = limit ?? Number.POSITIVE_INFINITY;
  for await (const block of frame.blocks(columns, ROWS_PER_BLOCK)) {
    if (block.firstRow >= most) break;
    const promptOf = rendering.prompts(block);
    const names = by === null ? null : block.text(by);
    for (let at = 0; at < block.rowCount && block.firstRow + at < most; at++) {
      if ((block.withheld?.(at) ?? null) !== null) continue;
      const prompt = promptOf(at);
      if (prompt === null || typeof prompt === "string") continue;
      const rank = contentHash(`${String(seed)} ${JSON.stringify(prompt.messages)}`);
      const name = names === null ? "" : contentHash(`${String(seed)} ${names[at] ?? ""}`);
      offer(groups, name, { rank, row: block.firstRow + at }, rows);
    }
  }
  return evenly([...groups.values()], rows).toSorted((a, b) => a - b);
}

/** Keeps a row if it is among the first of its group, and its group among the first there are. */
function offer(groups: Map<string, Chosen[]>, name: string, one: Chosen, most: number): void {
  let group = groups.get(name);
  if (group === undefined) {
    if (groups.size >= most) {
      const last = [...groups.keys()].reduce((a, b) => (a > b ? a : b));
      if (name > last) return;
      groups.delete(last);
    }
    group = [];
    groups.set(name, group);
  }
  if (group.length >= most && one.rank >= (group.at(-1)?.rank ?? "")) return;
  const at = group.findIndex(({ rank }) => rank >= one.rank);
  // The first row with a prompt stands for all that have it.
  if (at >= 0 && group[at]?.rank === one.rank) return;
  group.splice(at < 0 ? group.length : at, 0, one);
  if (group.length > most) group.pop();
}

/** One row of each group in turn, until there are enough. */
function evenly(groups: readonly (readonly Chosen[])[], most: number): number[] {
  const rows = new Map<string, number>();
  for (let turn = 0; rows.size < most && groups.some(({ length }) => length > turn); turn++)
    for (const group of groups) {
      const one = group[turn];
      if (one !== undefined && rows.size < most && !rows.has(one.rank)) rows.set(one.rank, one.row);
    }
  return [...rows.values()];
}
