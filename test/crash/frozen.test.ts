/** A process that stands still, and another that takes its run over: what was frozen does no harm. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { STORE_FILE } from "../../src/store/sqlite.ts";
import type { Ended, Spawned } from "../setup/spawned.ts";
import type { CrashPoint } from "./child.ts";
import { damageOf, receiptOf, UNHARMED, woken, type Damage, type Stand } from "./stand.ts";
import { stand } from "./stands.ts";

const stop = (at: string, nth = 1): CrashPoint => ({ at, nth, action: "stop" });
const kill = (at: string, nth = 1): CrashPoint => ({ at, nth, action: "kill" });

/** A child that has stopped itself at this point. */
async function frozenAt(frozen: Stand, point: CrashPoint, later?: CrashPoint): Promise<Spawned> {
  const child = frozen.start(later === undefined ? [point] : [point, later]);
  await child.printed(`struck at ${point.at}`);
  return child;
}

/** Lets the run's lock look as it does when its owner has been silent for a minute. */
function ageLock(frozen: Stand): void {
  const database = new DatabaseSync(join(frozen.directory, STORE_FILE), { timeout: 5000 });
  database.exec("update lock set beat_at_ms = beat_at_ms - 60000");
  database.close();
}

/** A second process takes over and finishes, then the first one wakes. */
async function takenOver(frozen: Stand, point: CrashPoint): Promise<[second: Ended, first: Ended]> {
  const first = await frozenAt(frozen, point);
  ageLock(frozen);
  const second = await frozen.start().ended;
  return [second, await woken(first)];
}

/**
 * The damage, without the batches a frozen process created late: their requests were deleted before,
 * so they failed and cost nothing.
 */
function lastingDamage(frozen: Stand, receipt: Receipt): Damage {
  const damage = damageOf(frozen, receipt);
  const { failed = 0 } = frozen.emulator.stats().batches;
  return { ...damage, batchesNobodyOwns: damage.batchesNobodyOwns - failed };
}

describe("a process frozen just before it creates a batch", () => {
  it.concurrent.each(["store.staged:after", "store.holdsLock:before", "store.holdsLock:after"])(
    "does not create it once another has taken the run over (%s)",
    async (at) => {
      const frozen = await stand({ emulator: { faults: { delayMs: 5 } } });
      const [second, first] = await takenOver(frozen, stop(at));
      expect(first.code).toBe(1);
      expect(first.stderr).toContain("lock_lost");
      expect(lastingDamage(frozen, receiptOf(second))).toEqual(UNHARMED);
      // Asked, told yes and frozen only then, it has nothing left that would hold it back.
      if (at !== "store.holdsLock:after")
        expect(damageOf(frozen, receiptOf(second))).toEqual(UNHARMED);
    },
  );

  it.concurrent(
    "inside the call creates a batch that has no requests and costs nothing",
    async () => {
      const frozen = await stand();
      const [second, first] = await takenOver(frozen, stop("provider.create:before"));
      expect(first.stderr).toContain("lock_lost");
      expect(frozen.emulator.stats().batches["failed"]).toBeGreaterThan(0);
      expect(lastingDamage(frozen, receiptOf(second))).toEqual(UNHARMED);
    },
  );

  it.concurrent("for longer than a call may take writes down once more that it will", async () => {
    const frozen = await stand({ job: { chunkRows: 100 } });
    const again = kill("store.staged:after", 2);
    const first = await frozenAt(frozen, stop("store.staged:after"), again);
    await sleep(2100);
    expect((await woken(first)).signal).toBe("SIGKILL");
    expect(frozen.emulator.stats().batchesCreated).toBe(0);
    expect(damageOf(frozen, receiptOf(await frozen.finish()))).toEqual(UNHARMED);
  });
});

describe("a process frozen anywhere else", () => {
  it.concurrent.each([
    ["store.addToPlan:after", 2],
    ["requests.write:after", 2],
    ["store.intend:after", 1],
    ["provider.create:after", 1],
    ["store.ended:before", 1],
    ["provider.replies:mid", 1],
    ["replies.write:after", 1],
    ["replies.commit:before", 1],
    ["store.collected:before", 1],
    ["output.write:mid", 1],
  ] as const)("changes nothing when it wakes after a take-over (%s, %i)", async (at, nth) => {
    const frozen = await stand({ job: { keepRemote: true } });
    const [second] = await takenOver(frozen, stop(at, nth));
    const receipt = receiptOf(second);
    expect(lastingDamage(frozen, receipt)).toEqual(UNHARMED);
    // The run's files are still what its memory says they are.
    expect(receiptOf(await frozen.finish())).toEqual(receipt);
    expect(lastingDamage(frozen, receipt)).toEqual(UNHARMED);
  });
});

describe("a process frozen while it plans", () => {
  it.concurrent.each([
    ["requests.write:before", 2],
    ["requests.write:after", 2],
    ["requests.commit:after", 1],
    ["store.addToPlan:before", 2],
  ] as const)("spoils no file of a run planned otherwise meanwhile (%s, %i)", async (at, nth) => {
    // Rows that fail once are sent again from the request files of the plan.
    const frozen = await stand({ emulator: { faults: { failRows: { count: 6 } } } });
    const first = await frozenAt(frozen, stop(at, nth));
    ageLock(frozen);
    const second = frozen.start([stop("store.finishPlan:after")], { chunkRows: 7 });
    await second.printed("struck at store.finishPlan:after");
    expect((await woken(first)).stderr).toMatch(/^lock_lost: /);
    expect(damageOf(frozen, receiptOf(await woken(second)))).toEqual(UNHARMED);
  });
});

describe("a process that waits for a batch", () => {
  it.concurrent("is not disturbed by being frozen", async () => {
    const frozen = await stand({ emulator: { faults: { stuck: {} } } });
    const first = await frozenAt(frozen, stop("provider.poll:after", 6));
    frozen.emulator.setFaults({});
    const letGo = setInterval(() => frozen.emulator.release(), 10);
    const ended = await woken(first);
    clearInterval(letGo);
    expect(damageOf(frozen, receiptOf(ended))).toEqual(UNHARMED);
  });
});

describe("two processes started at once on the same command", () => {
  it.each([1, 2, 3, 4, 5])(
    "share nothing: one drives, the other is told so (time %i)",
    async () => {
      const shared = await stand({ emulator: { faults: { stuck: {} } } });
      const both = [shared.start(), shared.start()];
      const refused = await Promise.race(both.map((child) => child.ended));
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/^run_locked: .*process \d+/);
      shared.emulator.setFaults({});
      const ends = Promise.all(both.map((child) => child.ended));
      const letGo = setInterval(() => shared.emulator.release(), 10);
      const driver = (await ends).find(({ code }) => code === 0);
      clearInterval(letGo);
      if (driver === undefined) throw new Error("none of the two finished");
      expect(damageOf(shared, receiptOf(driver))).toEqual(UNHARMED);
    },
  );
});
