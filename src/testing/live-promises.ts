/** What a provider promises of its realtime lane: every row once, whatever the service does meanwhile. */

import assert from "node:assert/strict";
import { failureOf, idsOf, succeeded, type Bench } from "./bench.ts";
import type { Promised } from "./runner.ts";
import { CONTRACT_KEY } from "./service.ts";

/** The promises of the realtime lane. */
export function livePromises(): readonly Promised[] {
  return [LIVE_ANSWERS, LIVE_FAILURES, CROWDED, BROKEN, LOST, LIVE_KEYS, LIVE_UNREACHABLE];
}

const ROWS = 12;

const IDS: readonly string[] = Array.from(
  { length: ROWS },
  (_, at) => `rabcdefg-1-${String(at)}`,
).toSorted();

/** Asks so many rows and holds that every one has its own answer, once. */
async function answered(bench: Bench): Promise<void> {
  const batch = await bench.created(ROWS);
  const ending = await bench.ended(batch);
  assert.deepEqual([ending.outcome, ending.reason], ["completed", null]);
  const results = await bench.resultsOf(batch, ending);
  assert.deepEqual(idsOf(results), IDS);
  for (const result of results) {
    const { text, usage } = succeeded(result);
    if (bench.can("answers")) assert.equal(text, `text ${result.customId?.split("-")[2] ?? ""}`);
    assert((usage?.inputTokens ?? 0) > 0, `Usage without input: ${JSON.stringify(usage)}`);
  }
}

const LIVE_ANSWERS: Promised = {
  name: "answers every request once, under its own id, without a batch",
  needs: ["books"],
  holds: async (bench) => {
    await bench.start();
    await answered(bench);
    const { batchesCreated, uploads, liveCalls, bodiesBilledAgain } = bench.books();
    assert.deepEqual(
      { batchesCreated, uploads, liveCalls, bodiesBilledAgain },
      { batchesCreated: 0, uploads: 0, liveCalls: ROWS, bodiesBilledAgain: 0 },
    );
  },
};

const LIVE_FAILURES: Promised = {
  name: "gives refused requests and refusals beside answered ones, as a batch does",
  needs: ["faults"],
  holds: async (bench) => {
    const { provider } = await bench.start({
      faults: {
        failRows: { containing: "text 1", count: 1, status: 400 },
        refuseRows: { containing: "text 2", count: 1 },
      },
    });
    const batch = await bench.created(4);
    const results = await bench.resultsOf(batch, await bench.ended(batch));
    assert.equal(results.length, 4);
    const codes = results
      .flatMap((result) =>
        result.status === "failed" ? [`${String(result.customId)} ${result.failure.code}`] : [],
      )
      .toSorted();
    assert.deepEqual(codes, ["rabcdefg-1-1 invalid_input", "rabcdefg-1-2 refused"]);
    await provider.close();
  },
};

const CROWDED: Promised = {
  name: "waits out a storm of refusals for lack of room, and pays for nothing twice",
  needs: ["faults", "books"],
  holds: async (bench) => {
    await bench.start({ faults: { error429: { count: ROWS, retryAfterMs: 5 } } });
    await answered(bench);
    const { liveCalls, bodiesBilledAgain } = bench.books();
    assert.deepEqual([liveCalls, bodiesBilledAgain], [ROWS, 0]);
  },
};

const BROKEN: Promised = {
  name: "asks again after failures of the service, and pays for nothing twice",
  needs: ["faults", "books"],
  holds: async (bench) => {
    await bench.start({ faults: { error500: { count: 3 }, failRows: { count: 2, status: 503 } } });
    await answered(bench);
    const { liveCalls, bodiesBilledAgain } = bench.books();
    assert.deepEqual([liveCalls, bodiesBilledAgain], [ROWS, 0]);
  },
};

const LOST: Promised = {
  name: "asks again what was cut off; only an answer that was lost may be paid for again",
  needs: ["faults", "books"],
  holds: async (bench) => {
    await bench.start({ faults: { dropConnection: { count: 3 }, dropReply: { count: 2 } } });
    await answered(bench);
    const { liveCalls = 0 } = bench.books();
    assert(liveCalls <= ROWS + 2, `${String(liveCalls)} calls were billed for ${String(ROWS)}.`);
  },
};

const LIVE_KEYS: Promised = {
  name: "ends with a wrong key's error, tells nobody the key, and asks no row",
  needs: ["keys", "books"],
  holds: async (bench) => {
    await bench.start({ apiKeys: ["another-key"] });
    const batch = await bench.created();
    const error = await failureOf(() => bench.ended(batch));
    assert.deepEqual([error.code, error.retryable], ["provider_auth", false]);
    assert(!`${error.message} ${String(error.stack)}`.includes(CONTRACT_KEY), "The key was told.");
    assert.equal(bench.books().liveCalls, 0);
  },
};

const LIVE_UNREACHABLE: Promised = {
  name: "tells a service that is gone from one that refuses",
  needs: [],
  holds: async (bench) => {
    const { service } = await bench.start();
    const batch = await bench.created();
    await service.close();
    const { code, retryable } = await failureOf(() => bench.ended(batch));
    assert.deepEqual([code, retryable], ["provider_unreachable", true]);
  },
};
