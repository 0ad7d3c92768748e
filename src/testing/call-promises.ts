/** What a provider promises of its calls: keys, retries, waiting times and services that are gone. */

import assert from "node:assert/strict";
import { failureOf, NEVER } from "./bench.ts";
import type { Promised } from "./runner.ts";
import { CONTRACT_KEY } from "./service.ts";
import type { Traits } from "./traits.ts";

/** The promises of calls. */
export function callPromises(traits: Traits): readonly Promised[] {
  return [KEEPS_KEYS, asksOnce(traits), WAITING_TIMES, UNREACHABLE];
}

const KEEPS_KEYS: Promised = {
  name: "says a key is wrong, and never which one it was",
  needs: ["keys"],
  holds: async (bench) => {
    await bench.start({ apiKeys: ["another-key"] });
    const error = await failureOf(() => bench.created());
    assert.deepEqual([error.code, error.retryable], ["provider_auth", false]);
    assert(!`${error.message} ${String(error.stack)}`.includes(CONTRACT_KEY), "The key was told.");
  },
};

function asksOnce({ createRoute }: Traits): Promised {
  return {
    name: "asks once for what is paid, and again for what is only read",
    needs: ["faults", "books"],
    holds: async (bench) => {
      const { provider } = await bench.start();
      const submission = await bench.staged();
      bench.setFaults({ error500: 1 });
      const error = await failureOf(() => provider.create(submission, NEVER));
      assert.deepEqual([error.code, error.httpStatus], ["provider_failed", 500]);
      assert.equal(bench.books().calls[createRoute], 1);
      bench.setFaults({});
      const batch = { ...submission, batchId: await provider.create(submission, NEVER) };
      bench.setFaults({ error500: { count: 1 } });
      assert("phase" in (await provider.poll(batch, NEVER)));
    },
  };
}

const WAITING_TIMES: Promised = {
  name: "passes on how long it was asked to wait",
  needs: ["faults"],
  holds: async (bench) => {
    await bench.start({ faults: { error429: { retryAfterSeconds: 7 } } });
    const { code, retryable, retryAfterMs } = await failureOf(() => bench.created());
    assert.deepEqual([code, retryable, retryAfterMs], ["provider_busy", true, 7000]);
  },
};

const UNREACHABLE: Promised = {
  name: "tells a service that is gone from one that refuses",
  needs: [],
  holds: async (bench) => {
    const { provider, service } = await bench.start();
    const batch = await bench.created();
    await service.close();
    const { code, retryable } = await failureOf(() => provider.poll(batch, NEVER));
    assert.deepEqual([code, retryable], ["provider_unreachable", true]);
  },
};
