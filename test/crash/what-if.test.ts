/** What people ask before they trust a long run with their money: each answered by doing it. */

import {
  chmodSync,
  chownSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { replyFileName, requestFileName } from "../../src/core/chunk.ts";
import { systemClock, type Clock } from "../../src/emulator/emulator.ts";
import { STORE_FILE } from "../../src/store/sqlite.ts";
import type { CrashPoint } from "./child.ts";
import { damageOf, receiptOf, UNHARMED, woken, type Stand } from "./stand.ts";
import { stand } from "./stands.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const kill = (at: string, nth = 1): CrashPoint[] => [{ at, nth, action: "kill" }];

/** The machine's clock, which can be put forward. */
function jumpingClock(): Clock & { jump(byMs: number): void } {
  let aheadMs = 0;
  return {
    nowMs: () => Date.now() + aheadMs,
    sleep: (durationMs, signal) => systemClock.sleep(durationMs, signal),
    jump: (byMs) => {
      aheadMs += byMs;
    },
  };
}

/** Waits until the emulator shows what is wanted. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

async function expectUnharmed(of: Stand): Promise<void> {
  expect(damageOf(of, receiptOf(await of.finish()))).toEqual(UNHARMED);
}

/** The line a child that was refused said last. */
async function refusalOf(of: Stand, changes: Parameters<Stand["finish"]>[0] = {}): Promise<string> {
  const ended = await of.finish(changes);
  expect(ended.code, ended.stdout).toBe(1);
  return ended.stderr.trimEnd().split("\n").at(-1) ?? "";
}

describe("a laptop that sleeps for two days", () => {
  it("while it waits takes what came and sends the rest again", async () => {
    const clock = jumpingClock();
    const asleep = await stand({
      emulator: { clock, faults: { stuck: { count: 2 } } },
      job: { pollEveryMs: 50 },
    });
    const child = asleep.start([{ at: "provider.poll:after", nth: 9, action: "sleep" }]);
    await child.printed("struck at");
    clock.jump(2 * DAY_MS);
    // The two batches that were stuck find their window of 24 hours closed.
    await until(() => asleep.emulator.release() > 0);
    const letGo = setInterval(() => asleep.emulator.release(), 10);
    const receipt = receiptOf(await child.ended);
    clearInterval(letGo);
    expect(asleep.emulator.stats().batches["expired"]).toBeGreaterThan(0);
    expect(damageOf(asleep, receipt)).toEqual(UNHARMED);
  });

  it("just before it creates a batch creates it once", async () => {
    const asleep = await stand();
    const child = asleep.start([{ at: "store.staged:after", nth: 1, action: "sleep" }]);
    expect(damageOf(asleep, receiptOf(await child.ended))).toEqual(UNHARMED);
  });
});

describe("a key that is revoked half way", () => {
  it("stops the run while it waits, and the same command goes on with another key", async () => {
    const apiKeys = ["test-key"];
    const revoked = await stand({ emulator: { apiKeys, faults: { stuck: {} } } });
    const child = revoked.start();
    await until(() => revoked.emulator.stats().batches["in_progress"] === 4);
    apiKeys[0] = "another-key";
    const ended = await child.ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^provider_auth: /m);
    expect(ended.stderr).not.toContain("test-key");
    apiKeys[0] = "test-key";
    revoked.emulator.setFaults({});
    revoked.emulator.release();
    await expectUnharmed(revoked);
  });

  it("just before a batch is created buys nothing, and nothing twice afterwards", async () => {
    const apiKeys = ["test-key"];
    const revoked = await stand({ emulator: { apiKeys } });
    const child = revoked.start([{ at: "provider.create:before", nth: 1, action: "stop" }]);
    await child.printed("struck at");
    apiKeys[0] = "another-key";
    expect((await woken(child)).stderr).toMatch(/^provider_auth: /m);
    apiKeys[0] = "test-key";
    await expectUnharmed(revoked);
  });
});

describe("a disk that is full", () => {
  it("stops the run where it is, and with room it goes on", async () => {
    // A limit on the size of files stands in for the disk: a shell counts it in 512 or 1024 bytes.
    const full = await stand({ rows: { count: 2400 }, job: { chunkRows: 2400 } });
    const planning = await full.startWithin(100).ended;
    expect(planning.stderr).toMatch(/^disk_full: /m);
    expect(full.emulator.stats().uploads).toBe(0);
    const collecting = await full.startWithin(800).ended;
    expect(collecting.stderr).toMatch(/^disk_full: /m);
    expect(full.emulator.stats().batchesCreated).toBe(1);
    await expectUnharmed(full);
    rmSync(full.job.output);
    const writing = await full.startWithin(100).ended;
    expect(writing.stderr).toMatch(/^disk_full: /m);
    expect(readdirSync(full.folder).sort()).toEqual(["input.csv", "runs"]);
    await expectUnharmed(full);
  });
});

describe("results the provider no longer has", () => {
  it("end as rows that say so, and are bought again only when asked for", async () => {
    const clock = jumpingClock();
    const expired = await stand({ emulator: { clock }, job: { chunkRows: 100 } });
    await expired.start(kill("provider.replies:before")).ended;
    clock.jump(31 * DAY_MS);
    const receipt = receiptOf(await expired.finish());
    expect(receipt.rows).toEqual({ total: 40, ok: 0, cached: 0, skipped: 4, failed: 36 });
    expect(receipt.failedBy).toEqual({ missing: 36 });
    expect(expired.emulator.stats().bodiesBilledAgain).toBe(0);
    const again = receiptOf(await expired.finish({ retry: true }));
    expect(again.rows.failed).toBe(0);
    expect(expired.output()).toBe(expired.rows.expected);
  });
});

describe("a run directory", () => {
  it("that was moved goes on where it stood", async () => {
    const moved = await stand();
    await moved.start(kill("provider.create:after", 2)).ended;
    const elsewhere = join(moved.folder, "elsewhere");
    renameSync(moved.job.runDir, elsewhere);
    const receipt = receiptOf(await moved.finish({ runDir: elsewhere }));
    expect(damageOf(moved, receipt)).toEqual(UNHARMED);
  });

  it("that was copied goes on as a copy", async () => {
    const copied = await stand();
    await copied.start(kill("store.collected:after", 2)).ended;
    const copy = join(copied.folder, "copy");
    cpSync(copied.job.runDir, copy, { recursive: true });
    const receipt = receiptOf(await copied.finish({ runDir: copy }));
    expect(damageOf(copied, receipt)).toEqual(UNHARMED);
  });

  it("that cannot be made is refused before anything is sent", async () => {
    const nowhere = await stand();
    const refusal = await refusalOf(nowhere, { runDir: join(nowhere.job.input, "runs") });
    expect(refusal).toMatch(/^run_directory_unwritable: /);
    expect(nowhere.emulator.requests()).toEqual([]);
  });

  it("that became read-only stops the run, and writable again it goes on", async () => {
    const locked = await stand();
    await locked.start(kill("store.submitted:after")).ended;
    const userId = asOrdinaryUser(locked);
    const shut = [locked.directory, join(locked.directory, "chunks")];
    for (const folder of shut) chmodSync(folder, 0o555);
    for (const file of readdirSync(locked.directory))
      chmodSync(join(locked.directory, file), file === "chunks" ? 0o555 : 0o444);
    const refusal = await refusalOf(locked, { userId });
    expect(refusal).toMatch(/^run_directory_unwritable: /);
    for (const folder of shut) chmodSync(folder, 0o755);
    for (const file of readdirSync(locked.directory))
      chmodSync(join(locked.directory, file), file === "chunks" ? 0o755 : 0o644);
    await expectUnharmed(locked);
  });
});

const NOBODY = 65_534;

/** Root may write anywhere, so as root the child gives that up for a user who owns the stand's files. */
function asOrdinaryUser(of: Stand): number | null {
  if (process.getuid?.() !== 0) return null;
  chmodSync(tmpdir(), 0o711);
  for (const path of [of.folder, ...readdirSync(of.folder, { recursive: true })]) {
    const whole = path === of.folder ? of.folder : join(of.folder, String(path));
    chownSync(whole, NOBODY, NOBODY);
  }
  return NOBODY;
}

describe("a chunk file that was deleted", () => {
  const replies = (of: Stand): string => join(of.directory, "chunks", replyFileName(2));

  it("is fetched again while the provider keeps the results", async () => {
    const kept = await stand({ job: { keepRemote: true } });
    await kept.finish();
    const before = readFileSync(replies(kept), "utf8");
    rmSync(replies(kept));
    await expectUnharmed(kept);
    expect(readFileSync(replies(kept), "utf8")).toBe(before);
  });

  it("is named when the provider has deleted them too", async () => {
    const lost = await stand();
    await lost.finish();
    rmSync(replies(lost));
    expect(await refusalOf(lost)).toMatch(/^replies_lost: .*000002\.replies\.jsonl/);
    expect(lost.emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it("before its requests were sent stops the run and sends nothing of it", async () => {
    const lost = await stand({ job: { chunkRows: 100 } });
    await lost.start(kill("store.finishPlan:after")).ended;
    rmSync(join(lost.directory, "chunks", requestFileName(1)));
    expect(await refusalOf(lost)).toMatch(/^chunk_file_missing: /);
    expect(lost.emulator.stats().batchesCreated).toBe(0);
  });

  it("and was cut short before its requests were sent stops the run as well", async () => {
    const lost = await stand({ job: { chunkRows: 100 } });
    await lost.start(kill("store.finishPlan:after")).ended;
    truncateSync(join(lost.directory, "chunks", requestFileName(1)), 700);
    expect(await refusalOf(lost)).toMatch(/^chunk_file_short: /);
    expect(lost.emulator.stats().batchesCreated).toBe(0);
  });
});

describe("a run's memory", () => {
  const store = (of: Stand): string => join(of.directory, STORE_FILE);

  it.each([
    [
      "cut in half",
      (path: string) => {
        truncateSync(path, readFileSync(path).length >> 1);
      },
    ],
    [
      "emptied",
      (path: string) => {
        truncateSync(path, 0);
      },
    ],
    [
      "overwritten",
      (path: string) => {
        writeFileSync(path, "not a store at all, but a text");
      },
    ],
    [
      "deleted",
      (path: string) => {
        rmSync(path);
      },
    ],
  ])("that was %s is refused, and nothing is bought again", async (_how, damage) => {
    const damaged = await stand();
    await damaged.finish();
    damage(store(damaged));
    expect(await refusalOf(damaged)).toMatch(/^store_damaged: /);
    expect(damaged.emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it("that a newer version wrote is refused", async () => {
    const newer = await stand();
    await newer.finish();
    const database = new DatabaseSync(store(newer));
    database.exec("pragma user_version = 99");
    database.close();
    expect(await refusalOf(newer)).toMatch(/^store_version: /);
    expect(dirname(store(newer))).toBe(newer.directory);
  });
});
