/** The account that the batches of a model are made under. */

import type { BatchProvider } from "../provider/provider.ts";
import type { Account } from "../store/postgres-admission.ts";

/** The account of a provider: one for each service and address. Holds no key, so keys may be changed. */
export function accountOf(provider: BatchProvider): Account {
  return {
    id: `${provider.id} ${provider.host}`,
    maxBatches: provider.limits.maxBatchesInFlight,
    isSole: provider.isTagless ?? false,
  };
}
