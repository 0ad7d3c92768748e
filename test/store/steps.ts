/** Pieces of a plan for tests of what remembers it. */

import { createHash } from "node:crypto";
import type { PlanStep } from "../../src/store/store.ts";

/** A piece of a plan with nothing in it but what is given. */
export function planStep(part: Partial<PlanStep>): PlanStep {
  return { rows: [], ids: new Uint8Array(), cutRows: 0, chunk: null, recalled: null, ...part };
}

/** So many identities, different from one another, from the one numbered `first` on. */
export function idsOf(count: number, first = 0): Uint8Array {
  const ids = Array.from({ length: count }, (_, at) =>
    createHash("sha256")
      .update(String(first + at))
      .digest()
      .subarray(0, 16),
  );
  return Uint8Array.from(Buffer.concat(ids));
}
