/** What a provider promises when a create call is cut off: no batch made twice, none lost. */

import assert from "node:assert/strict";
import { ProviderError } from "../core/errors.ts";
import { failureOf, NEVER, TAG, type Bench } from "./bench.ts";
import type { Promised } from "./runner.ts";
import type { Traits } from "./traits.ts";

/** The promises of creation. */
export function createPromises(traits: Traits): readonly Promised[] {
  return [
    found("createAcceptedThenCut"),
    found("createAcceptedThen500"),
    NOTHING,
    UNSEEN,
    laterPage(traits),
    ...(traits.uploads ? [REVOKES, REVOKES_UNNAMED] : []),
  ].map((promised) => ({ ...promised, name: `when a create call is cut off: ${promised.name}` }));
}

function found(fault: "createAcceptedThenCut" | "createAcceptedThen500"): Promised {
  return {
    name: `makes it once, leaves the question open and finds the batch by its tag (${fault})`,
    needs: ["faults", "books"],
    holds: async (bench) => {
      const { provider } = await bench.start({ faults: { [fault]: { count: 1 } } });
      const submission = await bench.staged();
      const error = await failureOf(() => provider.create(submission, NEVER));
      assert(
        (error.httpStatus ?? 500) >= 500,
        `HTTP ${String(error.httpStatus)} means none was made`,
      );
      assert.equal(bench.books().batchesCreated, 1);
      const sighting = await bench.sighted(submission);
      assert(sighting.found === "batch", "The batch was not found.");
      const { outcome } = await bench.ended({ ...submission, batchId: sighting.batchId });
      assert.equal(outcome, "completed");
    },
  };
}

const NOTHING: Promised = {
  name: "finds nothing where none was made, nor another intent's batch",
  needs: [],
  holds: async (bench) => {
    await bench.start();
    await bench.created(1, { ...TAG, intent: "00000000-0000-4000-8000-000000000000" });
    assert.deepEqual(await bench.sighted(await bench.staged()), { found: "nothing" });
  },
};

const UNSEEN: Promised = {
  name: "does not find a batch the list does not show yet; that is what settling is for",
  needs: ["faults"],
  holds: async (bench) => {
    const { provider } = await bench.start({ faults: { listLagMs: 60_000 } });
    const batch = await bench.created();
    assert.notEqual((await provider.find(batch, NEVER)).found, "batch");
    assert(provider.settleMs > 0, "A provider that settles at once would be asked too early.");
  },
};

const MORE_THAN_A_PAGE = 101;

function laterPage({ mostOpen }: Traits): Promised {
  return {
    name: "finds it on a later page of a long list",
    needs: [],
    holds: async (bench) => {
      await bench.start();
      const first = await bench.created(1);
      await bench.ended(first);
      const atOnce = Math.min(8, mostOpen);
      for (let made = 0; made < MORE_THAN_A_PAGE; made += atOnce)
        await createdTogether(bench, made, { count: atOnce, waits: mostOpen < Infinity });
      assert.deepEqual(await bench.sighted(first), { found: "batch", batchId: first.batchId });
    },
  };
}

async function createdTogether(
  bench: Bench,
  from: number,
  { count, waits }: { readonly count: number; readonly waits: boolean },
): Promise<void> {
  const making = Array.from({ length: count }, async (_, at) => {
    const tag = { ...TAG, chunk: from + at + 2, intent: `intent-${String(from + at)}` };
    const batch = await bench.created(1, tag);
    if (waits) await bench.ended(batch);
  });
  await Promise.all(making);
}

const REVOKES: Promised = {
  name: "revokes the upload, so that a late create call makes no batch that runs",
  needs: ["books"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const submission = await bench.staged();
    await provider.revoke(submission, NEVER);
    await provider.revoke(submission, NEVER);
    const late = await provider.create(submission, NEVER).catch((error: unknown) => error);
    if (typeof late === "string")
      assert.equal((await bench.ended({ ...submission, batchId: late })).outcome, "failed");
    else assert(late instanceof ProviderError && late.code === "provider_refused", String(late));
    assert.equal(bench.books().rowsExecuted, 0);
  },
};

const REVOKES_UNNAMED: Promised = {
  name: "revokes an upload whose name was never learnt",
  needs: ["faults", "books"],
  holds: async (bench) => {
    const { provider } = await bench.start({ faults: { uploadAcceptedThenCut: { count: 1 } } });
    await failureOf(() => bench.staged());
    assert.equal(bench.books().uploads, 1);
    const file = await bench.written(["{}"]);
    await provider.revoke({ tag: TAG, file, staged: {}, sentAtMs: Date.now() }, NEVER);
    assert.equal(bench.books().fileDeletions, 1);
  },
};
