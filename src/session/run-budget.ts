/** A run's budget: what its options say, against what its model costs. */

import { booksOf, purseOf, type Purse } from "../core/budget.ts";
import { InputError } from "../core/errors.ts";
import type { Spending } from "../run/spending.ts";
import type { Settings } from "./settings.ts";
import type { Store } from "../store/store.ts";

/**
 * The purse of a run; null where it may spend anything.
 *
 * @throws {InputError} `option_invalid` for an amount that is none; nothing was sent.
 */
export function purseFor(maxCostUsd: number | undefined): Purse | null {
  if (maxCostUsd === undefined) return null;
  if (Number.isFinite(maxCostUsd) && maxCostUsd > 0) return purseOf(maxCostUsd);
  throw new InputError(
    "option_invalid",
    `maxCostUsd is ${String(maxCostUsd)}, which is no amount of money. Nothing was sent.`,
    { hint: "Give US dollars, such as --max-cost 5 (maxCostUsd: 5 in code)." },
  );
}

/**
 * How a run with these settings spends from a purse; null where nothing holds it, or nothing is charged.
 *
 * @throws {InputError} `price_unknown` where there is a cap and nobody knows what the model costs.
 */
export function spendingOf(
  purse: Purse | null,
  { model, price }: Pick<Settings, "model" | "price">,
  run: string,
): Spending | null {
  const { provider } = model;
  if (purse === null || provider.free) return null;
  if (price !== null) return { purse, price, run };
  const name = `${provider.id}/${model.model}`;
  throw new InputError(
    "price_unknown",
    `A cap on the cost needs a price, and that of ${name} is not known. Nothing was sent.`,
    {
      hint: `Say what it costs per million tokens: --price in=0.50,out=1.50 (prices: { ${JSON.stringify(name)}: { inputPerM: 0.5, outputPerM: 1.5 } } in code). See: batchframe models`,
    },
  );
}

/** Tells the purse what a run has spent before now, so that no other run of the same call spends it again. */
export async function noteSpent(spending: Spending | null, store: Store): Promise<void> {
  if (spending === null) return;
  spending.purse.note(spending.run, booksOf(await store.chunks(), spending.price));
}
