/** A plan's rows, by what an earlier run had of them: kept, bought again, or new. */

import { relevantParts, type AgainstTally, type EarlierRequests } from "../core/against.ts";
import { dedupeIndex } from "../core/dedupe.ts";
import { isKept } from "../core/kept-lines.ts";
import { tokensCost, type PlanCost } from "../core/plan-cost.ts";
import type { Scale } from "./estimating.ts";
import { openEstimates, threadFor, type Estimates } from "./plan-estimates.ts";
import { recalling } from "./planning.ts";
import { requestSpec, type Settings } from "./settings.ts";
import { planRows } from "../stages/plan.ts";
import type { Ports, Rendering } from "../stages/ports.ts";
import { recall } from "../stages/recall.ts";
import type { SessionCache } from "../store/reply-cache.ts";

/** Tells, for each column that can be planned now, what an earlier run had of its rows. */
export type Compare = (earlier: readonly EarlierRequests[]) => Promise<readonly AgainstTally[]>;

/** What a column's plan is made of. */
export interface ComparedPlan {
  readonly settings: Settings;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly cache: SessionCache | null;
}

/** Goes through the rows as planning does, and tells what an earlier run had of them; writes nothing down. */
export async function tallyAgainst(
  plan: ComparedPlan,
  earlier: readonly EarlierRequests[],
): Promise<AgainstTally> {
  const thread = threadFor(plan.settings);
  try {
    return await tallied(plan, earlier, openEstimates(plan.settings, thread));
  } finally {
    await thread.close();
  }
}

async function tallied(
  { settings, rendering, ports, cache }: ComparedPlan,
  earlier: readonly EarlierRequests[],
  estimates: Estimates,
): Promise<AgainstTally> {
  const { frame, onNull, limit, column, price } = settings;
  const { provider } = ports;
  const parts = relevantParts(earlier, [column]);
  const index = dedupeIndex();
  const spec = requestSpec(settings);
  const rows = planRows({
    ...{ frame, rendering, spec, onNull, limit, provider, index },
    firstRow: 0,
  });
  const finding = await recalling({ settings, ports, cache }, estimates);
  const blocks = finding === null ? rows : recall(rows, finding);
  const fates = fatesByOrdinal();
  const counts = { kept: 0, same: 0, fresh: 0 };
  const scales = { same: estimates.scale(), fresh: estimates.scale() };
  for await (const block of blocks) {
    for (const [at, fresh] of block.requests.entries()) {
      estimates.see(fresh);
      // Every part is told, so that none takes for gone what is asked still.
      const isKnown = parts.map((part) => part.meet(fresh.id)).includes(true);
      const fate =
        block.kept !== undefined && isKept(block.kept, at) ? "kept" : isKnown ? "same" : "fresh";
      fates.add(fate);
      if (fate !== "kept") scales[fate].add(fresh);
    }
    for (const ordinal of block.rows.requests) if (ordinal >= 0) counts[fates.of(ordinal)] += 1;
    ports.signal.throwIfAborted();
  }
  const costOf = async (scale: Scale): Promise<PlanCost> =>
    tokensCost(await estimates.estimate(scale.take()), provider.free, price);
  const [sameCost, freshCost] = [await costOf(scales.same), await costOf(scales.fresh)];
  return { column, ...counts, sameCost, freshCost };
}

const FATES = ["kept", "same", "fresh"] as const;
type Fate = (typeof FATES)[number];

/** What became of each request, a byte each, in the order of their ordinals. */
function fatesByOrdinal(): { add(fate: Fate): void; of(ordinal: number): Fate } {
  let bytes = new Uint8Array(1024);
  let size = 0;
  return {
    add: (fate) => {
      if (size === bytes.length) {
        const grown = new Uint8Array(bytes.length * 2);
        grown.set(bytes);
        bytes = grown;
      }
      bytes[size++] = FATES.indexOf(fate);
    },
    of: (ordinal) => FATES[bytes[ordinal] ?? 0] ?? "fresh",
  };
}
