import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../src/core/errors.ts";
import { directoryObjects } from "../../src/store/objects-directory.ts";
import {
  limitAccount,
  type Account,
  type AccountLimits,
} from "../../src/store/postgres-admission.ts";
import { openPostgres, type Database } from "../../src/store/postgres-client.ts";
import type { PartPurse } from "../../src/store/postgres-purse.ts";
import { migratePostgres, STATE_VERSION } from "../../src/store/postgres-schema.ts";
import { openPostgresStore } from "../../src/store/postgres.ts";
import type { NewRun } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { NEW_RUN, storeContract } from "../contract/store.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { planStep } from "./steps.ts";

let server: PostgresServer;
let database: Database;
let url: string;
let folder: string;
const opened: Store[] = [];

beforeAll(async () => {
  server = await startPostgres();
  url = await server.database();
  database = await openPostgres(url);
  await migratePostgres(database);
  folder = await mkdtemp(join(tmpdir(), "postgres-store-"));
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await server.stop();
});

const UNLIMITED: AccountLimits = {
  ...{ maxBatches: null, maxTokens: null, requestsAMinute: null, tokensAMinute: null },
};
const ACCOUNT: Account = { id: "test", maxBatches: null, isSole: false };

interface How {
  readonly leaseMs?: number;
  readonly account?: Account;
  readonly purse?: PartPurse;
  readonly through?: Database;
}

function openRun(fresh: NewRun, how: How = {}): Promise<Store> {
  return openPostgresStore(
    {
      database: how.through ?? database,
      objects: directoryObjects(join(folder, "data")),
      prefix: `${fresh.id}/`,
      spool: join(folder, "spool"),
      leaseMs: how.leaseMs ?? 60_000,
      account: how.account ?? ACCOUNT,
      purse: how.purse ?? null,
    },
    fresh,
  );
}

async function open(fresh: NewRun, how: How = {}): Promise<Store> {
  const store = await openRun(fresh, how);
  opened.push(store);
  return store;
}

let runs = 0;

function newRun(): NewRun {
  runs += 1;
  return { ...NEW_RUN, id: `run-${String(runs)}`, token: `r${String(runs).padStart(7, "a")}` };
}

async function codeOf(act: Promise<unknown>): Promise<string> {
  const error = await act.then(
    () => "nothing was thrown",
    (thrown: unknown) => thrown,
  );
  return error instanceof StoreError ? error.code : String(error);
}

storeContract("PostgreSQL", async () => {
  // Every test begins with none of the runs before; their intents would be taken for used.
  await database.change("delete from batchframe.run");
  // The place knows its run: whatever a test calls it when it opens it again, it is this one.
  return { open: () => openRun(NEW_RUN) };
});

async function planned(store: Store, chunks: number, bytes = 30): Promise<void> {
  for (let number = 1; number <= chunks; number += 1)
    await store.addToPlan(
      planStep({ chunk: { number, bytes, lane: "batch", ordinals: Uint32Array.of(number) } }),
    );
}

describe("migrations", () => {
  it("may be started by many workers at once, and once more at any time", async () => {
    const fresh = await server.database();
    const workers = await Promise.all(Array.from({ length: 6 }, () => openPostgres(fresh)));
    const before = await Promise.all(workers.map(migratePostgres));
    expect(before.toSorted()).toEqual([0, ...Array<number>(5).fill(STATE_VERSION)]);
    for (const worker of workers) await worker[Symbol.asyncDispose]();
  });

  it("of a newer version are left as they are", async () => {
    const newer = await openPostgres(await server.database());
    await migratePostgres(newer);
    await newer.change("insert into batchframe.migration (version) values (999)");
    expect(await codeOf(migratePostgres(newer))).toBe("store_version");
    await newer[Symbol.asyncDispose]();
  });

  it("that never ran are told from a run that is missing", async () => {
    const bare = await openPostgres(await server.database());
    expect(await codeOf(openRun(newRun(), { through: bare }))).toBe("state_not_migrated");
    await bare[Symbol.asyncDispose]();
  });
});

describe("a lease", () => {
  it("keeps others out while it is renewed, and is taken over when its holder falls silent", async () => {
    const run = newRun();
    const first = await open(run, { leaseMs: 60_000 });
    expect(await codeOf(open(run))).toBe("run_locked");
    // As if the holder had been frozen for longer than its lease.
    await database.change("update batchframe.run set lease_until_ms = 0 where id = $1", [run.id]);
    const second = await open(run);
    expect(await first.holdsLock()).toBe(false);
    expect(await second.holdsLock()).toBe(true);
    expect(await codeOf(first.finishPlan({} as never))).toBe("lock_lost");
    const writer = await first.files.create("000001.replies.jsonl");
    await writer.write("late\n");
    expect(await codeOf(writer.commit())).toBe("lock_lost");
    expect(await second.files.exists("000001.replies.jsonl")).toBe(false);
  });

  it("that was lost is not released by the one who lost it", async () => {
    const run = newRun();
    const first = await openRun(run);
    await database.change("update batchframe.run set lease_until_ms = 0 where id = $1", [run.id]);
    const second = await open(run);
    await first[Symbol.asyncDispose]();
    expect(await second.holdsLock()).toBe(true);
    expect(await codeOf(open(run))).toBe("run_locked");
  });

  it("goes to exactly one of many who want it at once", async () => {
    const run = newRun();
    const wants = Array.from({ length: 6 }, () => open(run));
    const ends = await Promise.allSettled(wants);
    expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describe("admission", () => {
  it("counts the batches of every run of the account", async () => {
    const account = { ...ACCOUNT, id: "two at once", maxBatches: 2 };
    const [one, two] = [await open(newRun(), { account }), await open(newRun(), { account })];
    for (const store of [one, two]) await planned(store, 2);
    const answers = await Promise.all([
      one.intend(1, "two-1"),
      one.intend(2, "two-2"),
      two.intend(1, "two-3"),
      two.intend(2, "two-4"),
    ]);
    expect(answers.filter(Boolean)).toHaveLength(2);
    const states = [...(await one.chunks()), ...(await two.chunks())].map(({ state }) => state);
    expect(states.filter((state) => state === "submitting")).toHaveLength(2);
  });

  it("judges one chunk after another, whoever asks", async () => {
    const account = { ...ACCOUNT, id: "one by one", maxBatches: 1 };
    const [one, two] = [await open(newRun(), { account }), await open(newRun(), { account })];
    for (const store of [one, two]) await planned(store, 1);
    const answers: Promise<boolean>[] = [];
    let isAnswered = false;
    await database.transaction(async (connection) => {
      const held = "select id from batchframe.account where id = $1 for no key update";
      await connection.rows(held, [account.id]);
      answers.push(one.intend(1, "by-one"), two.intend(1, "by-two"));
      for (const answer of answers) void answer.finally(() => (isAnswered = true));
      const waiting = "select from pg_stat_activity where wait_event_type = 'Lock'";
      while (!isAnswered && (await database.rows(waiting)).length < answers.length)
        await new Promise((resolve) => setTimeout(resolve, 2));
      expect(isAnswered).toBe(false);
    });
    expect((await Promise.all(answers)).toSorted()).toEqual([false, true]);
  });

  it("counts the tokens that are enqueued, and lets one that is too large by itself go alone", async () => {
    const account = { ...ACCOUNT, id: "few tokens" };
    await limitAccount(database, account.id, { ...UNLIMITED, maxTokens: 100 });
    const store = await open(newRun(), { account });
    await planned(store, 2, 150);
    const chunk = { number: 3, bytes: 900, lane: "batch", ordinals: Uint32Array.of(9) } as const;
    await store.addToPlan(planStep({ chunk }));
    expect(await store.intend(1, "few-1")).toBe(true);
    expect(await store.intend(3, "few-3")).toBe(false);
    expect(await store.intend(2, "few-2")).toBe(true);
    expect(await store.intend(3, "few-4")).toBe(false);
    for (const [chunk, batch] of [
      [1, "b1"],
      [2, "b2"],
    ] as const) {
      await store.submitted(chunk, `few-${batch}`, "accepted");
      await store.ended(chunk, { outcome: "completed", results: {}, reason: null });
    }
    expect(await store.intend(3, "few-5")).toBe(true);
  });

  it("sends no more in a minute than the account may, over all its runs", async () => {
    const account = { ...ACCOUNT, id: "slow" };
    await limitAccount(database, account.id, { ...UNLIMITED, requestsAMinute: 1 });
    const [one, two] = [await open(newRun(), { account }), await open(newRun(), { account })];
    for (const store of [one, two]) await planned(store, 1);
    const both = await Promise.all([one.intend(1, "slow-1"), two.intend(1, "slow-2")]);
    expect(both.toSorted()).toEqual([false, true]);
    const [, second] = both[0] ? [one, two] : [two, one];
    expect(await second.intend(1, "slow-3")).toBe(false);
    await database.change(
      "update batchframe.account set free_at_ms = free_at_ms - 61000 where id = $1",
      [account.id],
    );
    expect(await second.intend(1, "slow-4")).toBe(true);
    await limitAccount(database, account.id, { ...UNLIMITED, tokensAMinute: 10 });
    await database.change("update batchframe.account set free_at_ms = 0 where id = $1", [
      account.id,
    ]);
    const third = await open(newRun(), { account });
    await planned(third, 2, 300);
    expect(await third.intend(1, "slow-5")).toBe(true);
    await database.change(
      "update batchframe.account set free_at_ms = free_at_ms - 9 * 60000 where id = $1",
      [account.id],
    );
    // A hundred tokens at ten a minute take ten minutes.
    expect(await third.intend(2, "slow-6")).toBe(false);
  });

  it("leaves at most one intent unresolved where batches carry no tag", async () => {
    const account = { ...ACCOUNT, id: "workspace", isSole: true };
    const [one, two] = [await open(newRun(), { account }), await open(newRun(), { account })];
    for (const store of [one, two]) await planned(store, 1);
    const both = await Promise.all([one.intend(1, "sole-1"), two.intend(1, "sole-2")]);
    expect(both.toSorted()).toEqual([false, true]);
    const [first, second] = both[0] ? [one, two] : [two, one];
    await first.submitted(1, "sole-batch", "accepted");
    expect(await second.intend(1, "sole-3")).toBe(true);
    expect(await second.claimedBatches()).toEqual(new Set(["sole-batch"]));
  });
});

describe("chunk files", () => {
  it("are read by whoever holds the run next, on another machine", async () => {
    const run = newRun();
    const first = await openRun(run);
    const writer = await first.files.create("000001.requests.jsonl");
    await writer.write("one\ntwo\n");
    expect(await first.files.exists("000001.requests.jsonl")).toBe(false);
    expect(await writer.commit()).toEqual({ bytes: 8 });
    await first[Symbol.asyncDispose]();
    const second = await open(run);
    expect(await second.files.bytes("000001.requests.jsonl")).toBe(8);
    const pieces = await Array.fromAsync(second.files.read("000001.requests.jsonl"));
    expect(Buffer.concat(pieces).toString()).toBe("one\ntwo\n");
    const reader = await second.files.open("000001.requests.jsonl");
    expect(reader.text(4, 3)).toBe("two");
    await reader.close();
    expect(await codeOf(second.files.onDisk("000002.requests.jsonl"))).toBe("chunk_file_missing");
  });
});

describe("words of a provider", () => {
  it("come back as they were, a NUL and half a surrogate among them", async () => {
    const store = await open(newRun());
    await planned(store, 1);
    const message = "a \u0000 and \ud800.";
    await store.rejudged([
      { ordinal: 1, failure: { code: "provider_error", message, retryable: true } },
    ]);
    expect(await Array.fromAsync(store.failures())).toEqual([
      { ordinal: 1, code: "provider_error", message, retryable: true },
    ]);
    await store.intend(1, "nul-1");
    await store.withdraw(1, message);
    expect((await store.chunks())[0]?.state).toBe("planned");
  });
});

describe("a server that is not there", () => {
  it("is told from one that refuses, and neither message holds a password", async () => {
    const nowhere = await openPostgres("postgres://test:hunter2@127.0.0.1:9/none");
    const error: unknown = await nowhere.rows("select 1").catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "state_unreachable" });
    expect(String(error)).not.toContain("hunter2");
    const other = await openPostgres(url.replace(/[^/]*$/, "no_such_database"));
    expect(await codeOf(other.rows("select 1"))).toBe("state_refused");
    for (const one of [nowhere, other]) await one[Symbol.asyncDispose]();
  });

  it("comes back after a restart, without the process that uses it having to", async () => {
    const store = await open(newRun());
    await planned(store, 1);
    await server.restart();
    const codes = new Set<string>();
    for (;;) {
      const code = await codeOf(store.intend(1, "restart-1"));
      if (code === "nothing was thrown") break;
      codes.add(code);
    }
    expect([...codes].filter((code) => code !== "state_unreachable")).toEqual([]);
    expect((await store.chunks())[0]?.state).toBe("submitting");
  });
});

it("a connection that stands still keeps others waiting once, and not once for each of its transactions", async () => {
  const held = "update batchframe.sweep set at_ms = at_ms";
  const frozen = await openPostgres(url, { idleMs: 1200 });
  const other = await openPostgres(url);
  const lockIsHeld = Promise.withResolvers<undefined>();
  const holder = frozen.transaction(async (connection) => {
    await connection.change(held);
    lockIsHeld.resolve(undefined);
    await new Promise(() => undefined);
  });
  holder.catch(() => undefined);
  await lockIsHeld.promise;
  const waiter = frozen.transaction((connection) => connection.change(held));
  await expect(waiter).rejects.toMatchObject({
    code: "state_busy",
    message: expect.stringContaining("What was recorded is kept.") as string,
  });
  expect(await other.change(held)).toBe(1);
  await other[Symbol.asyncDispose]();
});
