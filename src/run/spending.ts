/** Spending within a cap: which of the planned chunks may be sent now. */

import { affordablePart, booksOf, mostUsd, overrunOf, type Purse } from "../core/budget.ts";
import type { Chunk } from "../core/chunk.ts";
import { BudgetError } from "../core/errors.ts";
import type { Price } from "../core/price.ts";
import type { Ports } from "../stages/ports.ts";

/** What a run may spend, and what it costs. */
export interface Spending {
  readonly purse: Purse;
  readonly price: Price;
  /** What the purse knows the run by. */
  readonly run: string;
}

/** One look at the books, and what follows from it. */
export interface Allowance {
  /** Whether a planned chunk could be sent if it were the only one; true of any other chunk. */
  readonly fits: (chunk: Chunk) => boolean;
  /** Sets aside what a chunk that is about to be sent may cost; false when there is no room beside the others. */
  readonly takes: (chunk: Chunk) => boolean;
}

const UNLIMITED: Allowance = { fits: () => true, takes: () => true };

/** Tells the purse where a run's money stands; nothing where there is no cap. */
export function noteBooks(spending: Spending | null, chunks: readonly Chunk[]): void {
  if (spending !== null) spending.purse.note(spending.run, booksOf(chunks, spending.price));
}

/** What may be sent, by where the chunks stand now; everything where there is no cap. */
export function allowance(spending: Spending | null, chunks: readonly Chunk[]): Allowance {
  if (spending === null) return UNLIMITED;
  const { purse, price, run } = spending;
  noteBooks(spending, chunks);
  const overrun = overrunIn(spending, chunks);
  const room = purse.roomUsd();
  return {
    fits: (chunk) => chunk.state !== "planned" || mostUsd(chunk, price, overrun) <= room,
    takes: (chunk) => chunk.state !== "planned" || purse.take(run, mostUsd(chunk, price, overrun)),
  };
}

/**
 * Goes on where nothing is under way and no planned chunk fits: divides one so that a part does; gives
 * false where others may yet give back what they have set aside.
 *
 * @throws {BudgetError} `budget_reached` where there is no room for more.
 */
export async function makeDo(
  spending: Spending,
  chunks: readonly Chunk[],
  { store }: Ports,
): Promise<boolean> {
  const { purse, price, run } = spending;
  const overrun = overrunIn(spending, chunks);
  const planned = chunks.filter(({ state }) => state === "planned");
  for (const chunk of planned) {
    const part = affordablePart(chunk, mostUsd(chunk, price, overrun), purse.roomUsd());
    if (part === null) continue;
    await store.divided(chunk.number, part);
    return true;
  }
  if (purse.reservedByOthersUsd(run) > 0) return false;
  throw budgetReached(
    purse,
    planned,
    Math.min(...planned.map((chunk) => mostUsd(chunk, price, overrun))),
  );
}

/** By how much chunks turn out dearer than their own most, as far as anybody knows who spends from the purse. */
function overrunIn({ purse, price }: Spending, chunks: readonly Chunk[]): number {
  return Math.max(overrunOf(chunks, price), purse.overrun?.() ?? 1);
}

function budgetReached(purse: Purse, planned: readonly Chunk[], nextUsd: number): BudgetError {
  const waiting = planned.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const next = Number.isFinite(nextUsd) ? `up to $${dollars(nextUsd)}` : "nobody knows how much";
  return new BudgetError(
    "budget_reached",
    `$${dollars(purse.spentUsd())} of the $${dollars(purse.capUsd)} this run may cost is spent, and the next chunk may cost ${next}, so ` +
      `${String(waiting)} ${waiting === 1 ? "request was" : "requests were"} not sent. What is answered is kept.`,
    {
      hint: "To go on where it stopped, run the same command with a higher --max-cost (maxCostUsd in code).",
    },
  );
}

/** Dollars with cents, or as many digits as it takes to tell them from nothing; never as a power of ten. */
function dollars(usd: number): string {
  if (usd === 0 || usd >= 0.1) return usd.toFixed(2);
  return usd.toFixed(Math.min(20, 1 - Math.floor(Math.log10(usd))));
}
