/** Choosing rows to try: a few of those that would be asked, the same ones each time. */

import { contentHash } from "../core/hash.ts";
import { rowRanks, sharesOf, type RowSample } from "../core/sample.ts";
import type { Frame } from "../frame/frame.ts";
import type { Rendering } from "../stages/ports.ts";

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
  readonly rank: number;
  /** A hash of its prompt. */
  readonly prompt: string;
}

/** The rows with one value. */
interface Group {
  /** How many of them would be asked. */
  weight: number;
  /** Those of the lowest ranks, in that order, no two with one prompt. */
  readonly chosen: Chosen[];
}

/**
 * The positions of the chosen rows, in row order; fewer where there are fewer prompts.
 *
 * They are drawn in the order that samples of this seed are, and shared out among values in the same way,
 * but rows that would not be asked are left out, and so is all but the first row of each prompt. One
 * pass; what is kept is at most twice the square of `rows`.
 */
export async function sampledRows(
  { frame, rendering, limit }: SampleFrom,
  { rows, by, seed }: RowSample,
): Promise<readonly number[]> {
  let groups = new Map<string | null, Group>();
  const rankOf = rowRanks(seed);
  const columns = [...new Set([...rendering.columns, ...(by === null ? [] : [by])])];
  const past = limit ?? Number.POSITIVE_INFINITY;
  for await (const block of frame.blocks(columns, ROWS_PER_BLOCK)) {
    if (block.firstRow >= past) break;
    const promptOf = rendering.prompts(block);
    const values = by === null ? null : block.text(by);
    for (let at = 0; at < block.rowCount && block.firstRow + at < past; at++) {
      if ((block.withheld?.(at) ?? null) !== null) continue;
      const prompt = promptOf(at);
      if (prompt === null || typeof prompt === "string") continue;
      const row = block.firstRow + at;
      const value = values?.[at] ?? null;
      const group = groups.get(value) ?? { weight: 0, chosen: [] };
      groups.set(value, group);
      group.weight += 1;
      const rank = rankOf(row);
      const last = group.chosen.at(-1);
      if (group.chosen.length < rows || last === undefined || rank < last.rank)
        offer(group.chosen, { rank, row, prompt: contentHash(JSON.stringify(prompt.messages)) });
      if (group.chosen.length > rows) group.chosen.pop();
    }
    if (groups.size > 2 * rows) groups = firstGroups(groups, rows);
  }
  return shared([...firstGroups(groups, rows).values()], rows).toSorted((a, b) => a - b);
}

/** Puts a row in its place, unless one before it has the same prompt. */
function offer(chosen: Chosen[], one: Chosen): void {
  const same = chosen.findIndex(({ prompt }) => prompt === one.prompt);
  if (same >= 0) {
    if ((chosen[same]?.rank ?? 0) < one.rank) return;
    chosen.splice(same, 1);
  }
  const at = chosen.findIndex(({ rank }) => rank > one.rank);
  chosen.splice(at < 0 ? chosen.length : at, 0, one);
}

/** The groups whose first row comes first, in that order, no more than rows are wished. */
function firstGroups(
  groups: ReadonlyMap<string | null, Group>,
  most: number,
): Map<string | null, Group> {
  const first = ([, { chosen }]: [unknown, Group]): number => chosen[0]?.rank ?? 0;
  return new Map([...groups].sort((a, b) => first(a) - first(b)).slice(0, most));
}

/** The rows that each group gives, no two with one prompt. */
function shared(groups: readonly Group[], rows: number): number[] {
  const inOrder = groups.flatMap(({ chosen }) => chosen).sort((a, b) => a.rank - b.rank);
  const firstOf = new Map<string, number>();
  for (const { prompt, row } of inOrder) if (!firstOf.has(prompt)) firstOf.set(prompt, row);
  const left = groups.map(({ weight, chosen }) => ({
    weight,
    own: chosen.filter(({ prompt, row }) => firstOf.get(prompt) === row),
  }));
  const shares = sharesOf(
    left.map(({ weight, own }) => ({ weight, most: own.length })),
    rows,
  );
  return left.flatMap(({ own }, at) => own.slice(0, shares[at]).map(({ row }) => row));
}
