/** How much of a shared run may fail, over all its parts. */

import { BudgetError } from "../core/errors.ts";
import { mostFailures } from "../core/failure-limit.ts";
import type { FailureWatch } from "../run/driver.ts";
import type { Database } from "../store/postgres-client.ts";
import type { Dataset } from "../store/postgres-datasets.ts";
import { failedSoFar } from "../store/postgres-progress.ts";

/** The limit of a run, as the worker that drives one of its parts sees it. */
export interface SharedFailureLimit {
  /** Null where nobody has set a limit: then each part stops by itself once its first requests fail alike. */
  readonly watch: FailureWatch | null;
  /** What stops a part, in words of the whole run. */
  error(ofPart: BudgetError): Promise<BudgetError>;
}

/**
 * The limit that holds over all parts. A share is of the requests that are
 * planned so far, so that a run which fails from the start is stopped before all its parts are read.
 */
export function sharedFailureLimit(
  database: Database,
  { id, maxFailures }: Pick<Dataset, "id" | "maxFailures">,
): SharedFailureLimit {
  if (maxFailures === null)
    return { watch: null, error: (cause) => Promise.resolve(alike(id, cause)) };
  return {
    watch: {
      isPast: async () => {
        const { failed, requests } = await failedSoFar(database, id);
        return failed > mostFailures(maxFailures, requests);
      },
    },
    error: async (cause) => {
      const { failed, requests } = await failedSoFar(database, id);
      return new BudgetError(
        "too_many_failures",
        `${String(failed)} of the ${String(requests)} requests planned in all parts failed, more than the ${String(maxFailures)} that may. What was sent is collected; the rest of this part was not asked.`,
        {
          hint: `See them with: batchframe failures ${id} --state. The same command with a larger --max-failures goes on where this stopped.`,
          cause,
        },
      );
    },
  };
}

function alike(id: string, { message }: BudgetError): BudgetError {
  return new BudgetError("too_many_failures", message, {
    hint: `See them with: batchframe failures ${id} --state. Once the cause is mended, the same command goes on with the rest, and retry --state asks these again; --max-failures 100% lets any number fail.`,
  });
}
