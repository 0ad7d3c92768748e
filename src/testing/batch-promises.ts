/** What a provider promises of batches that were made: answers, failures and every way to end. */

import assert from "node:assert/strict";
import { plainRequest } from "./asked.ts";
import { failureOf, idsOf, NEVER, succeeded } from "./bench.ts";
import type { Promised } from "./runner.ts";
import type { Traits } from "./traits.ts";

const THREE = ["rabcdefg-1-0", "rabcdefg-1-1", "rabcdefg-1-2"];

/** The promises of batches. */
export function batchPromises(traits: Traits): readonly Promised[] {
  return [
    LINES,
    ANSWERS,
    progress(traits),
    FAILURES,
    endings(traits),
    ...(traits.failsWhole ? [wholeFailures(traits)] : []),
    ...(traits.tagged ? [LISTS] : []),
    discards(traits),
  ];
}

const LINES: Promised = {
  name: "says what it takes at once, and writes each request as one line that begins with its id",
  needs: [],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const { maxBatchesInFlight, ...limits } = provider.limits;
    for (const [name, value] of Object.entries({ ...limits, open: maxBatchesInFlight ?? 1 }))
      assert(Number.isSafeInteger(value) && value > 0, `The limit ${name} is ${String(value)}.`);
    const line = provider.encode(plainRequest("two\nlines\r\n\u2028"), "rabcdefg-1-0");
    const readdressed = provider.readdress(line, "rabcdefg-2-0");
    assert.match(line, /^\{"(?:custom_id|key)":"rabcdefg-1-0"[^\n\r]*$/);
    assert.match(readdressed, /^\{"(?:custom_id|key)":"rabcdefg-2-0"[^\n\r]*$/);
    const same = JSON.parse(provider.readdress(readdressed, "rabcdefg-1-0")) as object;
    assert.deepEqual(same, JSON.parse(line));
  },
};

const ANSWERS: Promised = {
  name: "answers a batch: every request under its own id, with its answer and usage",
  needs: [],
  holds: async (bench) => {
    await bench.start();
    const batch = await bench.created();
    const ending = await bench.ended(batch);
    assert.equal(ending.outcome, "completed");
    assert.equal(ending.reason, null);
    const results = await bench.resultsOf(batch, ending);
    assert.deepEqual(idsOf(results), THREE);
    for (const result of results) {
      const { text, usage } = succeeded(result);
      if (bench.can("answers")) assert.equal(text, `text ${result.customId?.at(-1) ?? ""}`);
      else assert.notEqual(text, "");
      assert((usage?.inputTokens ?? 0) > 0, `Usage without input: ${JSON.stringify(usage)}`);
    }
    assert.deepEqual(await bench.resultsOf(batch, ending), results);
  },
};

function progress({ firstPhase }: Traits): Promised {
  return {
    name: "tells how far a batch is, and that it has not ended yet",
    needs: ["faults"],
    holds: async (bench) => {
      const { provider } = await bench.start({ faults: { stuckValidating: 1 } });
      const batch = await bench.created();
      assert.equal((await provider.poll(batch, NEVER)).phase, firstPhase);
      await bench.released();
      assert.equal((await bench.ended(batch)).outcome, "completed");
    },
  };
}

const FAILURES: Promised = {
  name: "gives failed requests beside answered ones, from whatever file they are in",
  needs: ["faults"],
  holds: async (bench) => {
    await bench.start({ faults: { failRows: { customIds: ["rabcdefg-1-1"], status: 400 } } });
    const batch = await bench.created();
    const results = await bench.resultsOf(batch, await bench.ended(batch));
    assert.deepEqual(idsOf(results), THREE);
    const failures = results.flatMap((result) =>
      result.status === "failed" ? [[result.customId, result.failure.code]] : [],
    );
    assert.deepEqual(failures, [["rabcdefg-1-1", "invalid_input"]]);
  },
};

function endings({ keepsPartial }: Traits): Promised {
  return {
    name: "gives what there is of a batch that expired, was cancelled or has no output",
    needs: ["faults"],
    holds: async (bench) => {
      const { provider } = await bench.start({ faults: { expireAfterRows: 0.5 } });
      const expired = await bench.created(10);
      const ending = await bench.ended(expired);
      assert.equal(ending.outcome, "expired");
      const results = await bench.resultsOf(expired, ending);
      const answered = results.filter(({ status }) => status === "succeeded");
      assert.equal(answered.length > 0, keepsPartial);
      assert(answered.length < 10, "Every row of a batch that expired half way was answered.");
      bench.setFaults({ stuck: 1 });
      const cancelled = await bench.created();
      await provider.cancel(cancelled, NEVER);
      const stop = await bench.ended(cancelled);
      assert.equal(stop.outcome, "cancelled");
      const left = await bench.resultsOf(cancelled, stop);
      assert(
        left.every(({ status }) => status === "failed"),
        JSON.stringify(left),
      );
      bench.setFaults({ emptyOutput: 1 });
      const empty = await bench.created();
      assert.deepEqual(await bench.resultsOf(empty, await bench.ended(empty)), []);
    },
  };
}

function wholeFailures({ failureCodes }: Traits): Promised {
  return {
    name: "says why a batch failed, and whether sending it again may help",
    needs: ["faults"],
    holds: async (bench) => {
      await bench.start();
      for (const [code, again] of failureCodes) {
        bench.setFaults({ failValidation: { code, message: "Because." } });
        const batch = await bench.created();
        const ending = await bench.ended(batch);
        assert.equal(ending.outcome, "failed");
        assert.deepEqual([ending.reason?.code, ending.reason?.again], [code, again]);
        assert.match(ending.reason?.message ?? "", /Because\./);
        assert.deepEqual(await bench.resultsOf(batch, ending), []);
      }
    },
  };
}

const LISTS: Promised = {
  name: "lists the batches that carry a tag, the newest first, with whether they are open",
  needs: ["faults"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const first = await bench.created(1);
    await bench.ended(first);
    bench.setFaults({ stuck: 1 });
    const tag = { run: "rzzzzzzz", chunk: 7, intent: "intent-2" };
    const second = await bench.created(1, tag);
    const seen = await Array.fromAsync(provider.list(NEVER));
    assert.deepEqual(
      seen.map(({ batchId }) => batchId),
      [second.batchId, first.batchId],
    );
    const known = new Map(seen.map((batch) => [batch.batchId, batch]));
    const [open, over] = [known.get(second.batchId), known.get(first.batchId)];
    assert.deepEqual([open?.tag, open?.isOpen], [tag, true]);
    assert.deepEqual([over?.tag, over?.isOpen], [first.tag, false]);
  },
};

function discards({ files }: Traits): Promised {
  return {
    name: "deletes the remote files of a collected batch, as often as asked",
    needs: ["faults", "books"],
    holds: async (bench) => {
      const faults = { failRows: { customIds: ["rabcdefg-1-0"] } };
      const { provider } = await bench.start({ faults });
      const batch = await bench.created();
      const ending = await bench.ended(batch);
      await provider.discard(batch, ending, NEVER);
      await provider.discard(batch, ending, NEVER);
      assert.equal(bench.books().fileDeletions, files);
      const gone = await failureOf(() => bench.resultsOf(batch, ending));
      assert.deepEqual([gone.retryable, gone.httpStatus], [false, 404]);
    },
  };
}
