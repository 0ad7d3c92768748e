/** Every model the package knows the price of. */

import { priceOf, type Price } from "./core/price.ts";
import { PRICE_SOURCES, PRICE_TABLE } from "./core/price-table.ts";

/** A model and its price. */
export interface ModelPrice {
  /** Its name as a model is asked for: `provider/model`. */
  readonly name: string;
  readonly provider: string;
  readonly model: string;
  readonly price: Price;
  /** The page its maker tells the price on. */
  readonly source: string;
}

/** The models of the package's price table, in its order. */
export function pricedModels(): readonly ModelPrice[] {
  return Object.entries(PRICE_TABLE).flatMap(([provider, models]) =>
    Object.keys(models).flatMap((model) => {
      const price = priceOf(provider, model);
      const source = PRICE_SOURCES[provider] ?? "";
      return price === null
        ? []
        : [{ name: `${provider}/${model}`, provider, model, price, source }];
    }),
  );
}
