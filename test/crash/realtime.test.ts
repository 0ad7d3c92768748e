/** A realtime run is killed at its steps and in the midst of its calls, and pays again only for what was under way. */

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { readSqliteRun } from "../../src/store/sqlite-reader.ts";
import type { ChildJob } from "./child.ts";
import { killAtRandom, randomOf } from "./kills.ts";
import { receiptOf, type Stand } from "./stand.ts";
import { stand } from "./stands.ts";

const CONCURRENCY = 3;
const CHUNKS_AT_ONCE = 2;
const PAID_AGAIN_PER_KILL = CONCURRENCY * CHUNKS_AT_ONCE;

const MODELS = ["openai", "anthropic", "google"] as const;

function realtime(model: ChildJob["model"] = "openai", delayMs = 0): Promise<Stand> {
  return stand({
    emulator: { faults: { delayMs } },
    job: { model, lane: "realtime", concurrency: CONCURRENCY },
  });
}

/** That every row has its answer, and how many calls were billed beyond one for each request. */
function paidAgain(killed: Stand): number {
  expect(killed.output()).toBe(killed.rows.expected);
  const { batchesCreated, distinctBodies, liveCalls, bodiesBilledAgain } = killed.emulator.stats();
  expect({ batchesCreated, distinctBodies }).toEqual({
    batchesCreated: 0,
    distinctBodies: killed.rows.requests,
  });
  expect(liveCalls).toBe(killed.rows.requests + bodiesBilledAgain);
  return bodiesBilledAgain;
}

// Before these nothing was asked, or nothing is under way: not one request may be paid for again.
const QUIET_STEPS: readonly (readonly [string, number])[] = [
  ["store.intend:after", 1],
  ["live.create:after", 1],
  ["store.submitted:before", 1],
];

// Another chunk may be under way at these.
const BUSY_STEPS: readonly (readonly [string, number])[] = [
  ["store.submitted:after", 2],
  ["live.poll:after", 3],
  ["store.ended:after", 1],
  ["live.replies:mid", 1],
  ["replies.commit:after", 1],
  ["store.collected:after", 1],
  ["live.discard:before", 1],
  ["store.finished:before", 1],
];

describe("a realtime run that is killed", { timeout: 90_000 }, () => {
  it.concurrent.each(QUIET_STEPS)("at %s (%i) pays for nothing again", async (at, nth) => {
    const killed = await realtime();
    const first = await killed.start([{ at, nth, action: "kill" }]).ended;
    expect(first).toMatchObject({ signal: "SIGKILL", stdout: `struck at ${at}\n` });
    receiptOf(await killed.finish());
    expect(paidAgain(killed)).toBe(0);
  });

  it.concurrent.each(BUSY_STEPS)("at %s (%i) pays again for calls only", async (at, nth) => {
    const killed = await realtime();
    const first = await killed.start([{ at, nth, action: "kill" }]).ended;
    expect(first).toMatchObject({ signal: "SIGKILL", stdout: `struck at ${at}\n` });
    receiptOf(await killed.finish());
    expect(paidAgain(killed)).toBeLessThanOrEqual(PAID_AGAIN_PER_KILL);
  });

  it.concurrent.each(MODELS)("in the midst of its calls to %s", async (model) => {
    const killed = await realtime(model, 15);
    for (const calls of [5, 18]) {
      const child = killed.start();
      const until = killed.emulator.stats().liveCalls + calls;
      while (killed.emulator.stats().liveCalls < until && child.child.exitCode === null)
        await sleep(1);
      child.child.kill("SIGKILL");
      expect((await child.ended).signal).toBe("SIGKILL");
    }
    receiptOf(await killed.finish());
    expect(paidAgain(killed)).toBeLessThanOrEqual(2 * PAID_AGAIN_PER_KILL);
  });

  it.concurrent("at random instants", async () => {
    const killed = await realtime("openai", 10);
    const how = { random: randomOf(1), most: 6, spanMs: 500 };
    const { kills } = await killAtRandom(killed, how);
    expect(paidAgain(killed)).toBeLessThanOrEqual(kills * PAID_AGAIN_PER_KILL);
  });
});

// The 16 requests are handed over two seconds before it, when the batches have worked on some of them.
const DEADLINE_MS = 6000;

const HAND_OVER_STEPS: readonly (readonly [string, number])[] = [
  ["store.setDeadline:after", 1],
  // The second time it is recorded that it was handed over.
  ["store.setDeadline:before", 2],
  ["store.setDeadline:after", 2],
  ["store.switchLane:after", 1],
  ["provider.cancel:before", 1],
  ["provider.cancel:after", 1],
  ["store.ended:after", 1],
  ["store.collected:before", 1],
  ["store.collected:after", 1],
  ["live.create:after", 1],
  ["store.submitted:after", 3],
];

/** The rows whose request was billed more than once. */
function rowsPaidTwice({ emulator, rows }: Stand): readonly number[] {
  return rows.csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .flatMap((row, at) => {
      const content = `Judge this: ${row.replace(/^\d+,/, "").replaceAll('"', "")}`;
      const body = { model: "gpt-test", messages: [{ role: "user", content }] };
      return emulator.executions({ body }) > 1 ? [at] : [];
    });
}

describe("a hand-over to the realtime lane that is killed", { timeout: 90_000 }, () => {
  it.concurrent.each(HAND_OVER_STEPS)(
    "at %s (%i) goes on to the same deadline, and names the rows paid for twice",
    async (at, nth) => {
      const killed = await stand({
        rows: { count: 20 },
        emulator: { runMs: 10_000, faults: { cancelKeeps: false } },
        job: { chunkRows: 8, deadlineMs: DEADLINE_MS },
      });
      const first = await killed.start([{ at, nth, action: "kill" }]).ended;
      expect(first).toMatchObject({ signal: "SIGKILL", stdout: `struck at ${at}\n` });
      const { run: before } = readSqliteRun(killed.directory);
      // Who goes on and names another deadline is held to the first.
      const receipt = receiptOf(await killed.finish({ deadlineMs: 3_600_000 }));
      expect(killed.output()).toBe(killed.rows.expected);
      const { run } = readSqliteRun(killed.directory);
      expect(run.deadline).toEqual({ ...before.deadline, handedOver: true });
      expect(run.deadline?.givenMs).toBe(DEADLINE_MS);
      const twice = rowsPaidTwice(killed);
      expect(receipt.paidTwice?.rows ?? []).toEqual(expect.arrayContaining([...twice]));
      // Asked at most once in a batch and once in realtime: no call was under way at these steps.
      const { bodiesBilledAgain, distinctBodies } = killed.emulator.stats();
      expect(bodiesBilledAgain).toBeLessThanOrEqual(distinctBodies);
    },
  );
});
