/** The fallback: another model is asked the rows that the first one failed. */

import type { JsonObject } from "../core/hash.ts";
import type { RowErrorCode } from "../core/result.ts";
import type { ChosenPass, PassList, PassPlan } from "./pass-session.ts";
import { passedRows, wasAsked } from "./pass-rows.ts";
import type { Settings } from "../session/settings.ts";
import type { RowOutcome } from "../stages/join.ts";

/**
 * What another model may cure: a refusal, an answer that is cut off or of no use, a request that is too
 * long for this one, and whatever kept an answer from coming. A request that the provider calls invalid
 * is invalid elsewhere too.
 */
export const CURABLE: ReadonlySet<RowErrorCode> = new Set([
  ...(["refused", "truncated", "invalid_output", "too_long", "provider_error"] as const),
  ...(["rate_limited", "missing", "expired", "cancelled"] as const),
]);

/** Whether a row failed in a way that another model may cure; never one that was not sent. */
export function isCurable(outcome: RowOutcome): boolean {
  return outcome.status === "failed" && outcome.isUnsent !== true && CURABLE.has(outcome.code);
}

/** The passes of a run with a fallback: the rows that its model failed go to the other one. */
export function fallbackPlan(main: Settings, other: Settings): PassPlan {
  const { provider, model } = other.model;
  return {
    first: "main",
    later: ["fallback"],
    other,
    followedBy: { fallback: modelIdentity(other) },
    form: main.form,
    warnings: [
      `Rows without an answer in the end are asked again of ${provider.id}/${model}; how many is known then, and neither they nor their cost is in the plan.`,
    ],
    next: failedRows,
    report: (receipt) => receipt,
    handedOn: CURABLE,
  };
}

/** What tells a model apart in the identity of a run that asks it second. */
export function modelIdentity({ model: { provider, model, params } }: Settings): JsonObject {
  return { provider: provider.id, host: provider.host, model, params };
}

/** The rows that failed in the first pass and that no later one was asked yet; null when there are none. */
async function failedRows(passes: PassList): Promise<ChosenPass | null> {
  const [first] = passes;
  const rows = new Uint8Array((await first.session.plan()).rows);
  let chosen = 0;
  for await (const { firstRow, passes: outcomes } of passedRows(passes.map((it) => it.session))) {
    const [own = [], ...later] = outcomes;
    for (const [at, outcome] of own.entries()) {
      if (!isCurable(outcome) || later.some((pass) => wasAsked(pass[at]))) continue;
      rows[firstRow + at] = 1;
      chosen += 1;
    }
  }
  return chosen === 0 ? null : { role: "fallback", rows };
}
