/** What a provider promises of result files: whole or not at all, whatever their bytes look like. */

import assert from "node:assert/strict";
import { ProviderError } from "../core/errors.ts";
import { failureOf, idsOf } from "./bench.ts";
import type { Promised } from "./runner.ts";
import type { ContractFaults } from "./service.ts";

/** The promises of downloads. */
export function downloadPromises(): readonly Promised[] {
  return [
    cutOff("a download that was cut off (destroy), and gets it whole the next time", {
      cutDownload: { count: 1, how: "destroy" },
    }),
    cutOff("a download that was cut off (shortLength), and gets it whole the next time", {
      cutDownload: { count: 1, how: "shortLength" },
    }),
    cutOff("a download that announces more than it sends", { wrongContentLength: { count: 1 } }),
    ODD_BYTES,
    STOPS,
  ];
}

function cutOff(what: string, faults: ContractFaults): Promised {
  return {
    name: `notices ${what}`,
    needs: ["faults"],
    holds: async (bench) => {
      await bench.start();
      const batch = await bench.created(50);
      const ending = await bench.ended(batch);
      bench.setFaults(faults);
      const error = await failureOf(() => bench.resultsOf(batch, ending));
      assert.equal(error.retryable, true);
      assert.equal((await bench.resultsOf(batch, ending)).length, 50);
    },
  };
}

const ODD_BYTES: Promised = {
  name: "reads result files with a byte order mark, CR LF and blank lines, both of them",
  needs: ["faults"],
  holds: async (bench) => {
    const odd = { bom: 1, crlf: 1, blankLines: 1 };
    await bench.start({ faults: { ...odd, failRows: { customIds: ["rabcdefg-1-0"] } } });
    const batch = await bench.created();
    const results = await bench.resultsOf(batch, await bench.ended(batch));
    assert.deepEqual(idsOf(results), ["rabcdefg-1-0", "rabcdefg-1-1", "rabcdefg-1-2"]);
  },
};

const STOPS: Promised = {
  name: "stops a call when told to, in the middle of a download too",
  needs: ["faults"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const batch = await bench.created(50);
    const ending = await bench.ended(batch);
    bench.setFaults({ slowDownload: { ms: 50 } });
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      for await (const piece of provider.replies(batch, ending, stop.signal))
        if (piece.byteLength > 0) stop.abort();
    };
    const error = await read().catch((thrown: unknown) => thrown);
    assert(error instanceof Error, "The download went on to its end.");
    assert(!(error instanceof ProviderError), `Told as the provider's fault: ${String(error)}`);
    const late = await provider.poll(batch, stop.signal).catch((thrown: unknown) => thrown);
    assert(late instanceof Error, "A call was made after the end was told.");
    assert(!(late instanceof ProviderError), `Told as the provider's fault: ${String(late)}`);
  },
};
