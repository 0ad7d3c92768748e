/** Stopping a run that fails more than it may, before more is spent on it. */

import type { Chunk, FailedRequest } from "../core/chunk.ts";
import { BudgetError } from "../core/errors.ts";
import { mostFailures } from "../core/failure-limit.ts";
import type { Progress } from "../core/progress.ts";
import type { RunRecord } from "../store/store.ts";
import type { Driver } from "./driver.ts";

/** Whether more requests have failed than may, so that nothing more is sent. */
export function isPastFailures(
  { failed, requests }: Progress,
  { options }: Pick<Driver, "options">,
): boolean {
  const { maxFailures = null } = options;
  return maxFailures !== null && failed > mostFailures(maxFailures, requests);
}

/** The error of a run that has failed more than it may: the commonest cause, what was asked, what it cost, how to go on. */
export async function tooManyFailures(
  run: RunRecord,
  chunks: readonly Chunk[],
  { driver, progress }: { readonly driver: Driver; readonly progress: Progress },
): Promise<BudgetError> {
  const { failed, requests, spentUsd } = progress;
  const waiting = chunks.filter(({ state }) => state === "planned");
  const unsent = waiting.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const under = chunks.filter(({ state }) => state !== "planned" && state !== "collected").length;
  const money =
    spentUsd === null
      ? "What was spent is not known, for lack of a price."
      : `$${String(spentUsd)} was spent.`;
  const batches =
    under === 0 ? "" : ` ${String(under)} ${under === 1 ? "batch goes" : "batches go"} on there.`;
  const { times, cause } = await commonest(driver.ports.store.failures());
  return new BudgetError(
    "too_many_failures",
    `${String(failed)} of ${String(requests)} requests failed, more than the ${String(driver.options.maxFailures)} that may; ` +
      `${String(times)} of them alike: ${cause}. The other ${String(unsent)} were not asked.${batches} ${money}`,
    {
      hint:
        `See them with: batchframe failures ${run.id}. The same command with a larger --max-failures (maxFailures in code) ` +
        `goes on where this stopped${under === 0 ? "" : `; batchframe cancel ${run.id} stops the batches`}.`,
    },
  );
}

// Enough to find what most failures share; messages that quote their row are all different.
const MOST_CAUSES = 1000;
const MOST_OF_A_MESSAGE = 200;

async function commonest(
  failures: AsyncIterable<FailedRequest>,
): Promise<{ readonly times: number; readonly cause: string }> {
  const causes = new Map<string, number>();
  for await (const { code, message } of failures) {
    const cause = `${code}: ${message.slice(0, MOST_OF_A_MESSAGE).replace(/[.\s]+$/, "")}`;
    if (causes.has(cause) || causes.size < MOST_CAUSES)
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }
  const [most] = [...causes].sort(([, a], [, b]) => b - a);
  return { times: most?.[1] ?? 0, cause: most?.[0] ?? "no cause is known" };
}
