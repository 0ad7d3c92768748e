/** A run is killed at every step it takes, and the same command again finishes it as if nothing had been. */

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { replyFileName, requestFileName } from "../../src/core/chunk.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { STORE_FILE } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import type { CrashPoint } from "./child.ts";
import { damageOf, receiptOf, UNHARMED, type StandShape } from "./stand.ts";
import { stand } from "./stands.ts";

/** Circumstances under which a run takes its steps. */
const SCENES = {
  plain: {},
  /** Three rows end with a 500, which is not billed, and are handed on to a later chunk. */
  "rows fail once": { emulator: { faults: { failRows: { count: 3 } } } },
  "an upload is refused": {
    emulator: { faults: { error429: { routes: ["POST /files"], count: 1, retryAfterMs: 5 } } },
  },
  "a create is lost on its way": {
    emulator: { faults: { dropConnection: { routes: ["POST /batches"], count: 1 } } },
  },
  "a create's answer is lost": { emulator: { faults: { createAcceptedThenCut: { count: 1 } } } },
  "there is no room": { emulator: { limits: { enqueuedTokens: 100 } } },
  "a batch is stuck": { emulator: { faults: { stuck: { count: 1 } } }, job: { stallMs: 150 } },
  "requests are large": { rows: { count: 12, paddedTo: 30_000 } },
  "rows are many": { rows: { count: 2400 }, job: { chunkRows: 600 } },
} satisfies Record<string, StandShape>;

type Scene = keyof typeof SCENES;

/** What only reads, what is called without waiting, and what other tests below are about. */
type NotAMove =
  | ("files" | "run" | "chunks" | "ordinals" | "holdsLock" | "clockMs" | "claimedBatches")
  | ("planSoFar" | "requestIds" | "idsOf" | "replyIndex")
  | (
      | "abandoned"
      | "retry"
      | "adopted"
      | "released"
      | "answered"
      | "rejudged"
      | "switchLane"
      | "setDeadline"
      | "setCap"
    );
type Move = Exclude<keyof Store, NotAMove | symbol>;

// A new move of the store does not compile until it is named here with where it happens.
const STORE_MOVES: Readonly<Record<Move, Scene>> = {
  addToPlan: "plain",
  finishPlan: "plain",
  plannedRows: "plain",
  written: "rows fail once",
  intend: "plain",
  staged: "plain",
  withdraw: "an upload is refused",
  submitted: "plain",
  looked: "a batch is stuck",
  ended: "plain",
  collected: "plain",
  divided: "there is no room",
  learn: "there is no room",
  finished: "plain",
  replyIndexes: "plain",
  failures: "plain",
};

type Remote = "stage" | "create" | "find" | "revoke" | "poll" | "replies" | "cancel" | "discard";

const PROVIDER_CALLS: Readonly<Record<Remote & keyof BatchProvider, Scene>> = {
  stage: "plain",
  create: "plain",
  find: "a create's answer is lost",
  revoke: "a create is lost on its way",
  poll: "plain",
  replies: "plain",
  cancel: "a batch is stuck",
  discard: "plain",
};

/** Steps that are no move of the store and no call. */
const BETWEEN: readonly (readonly [Scene, string, number?])[] = [
  ["plain", "store.open:before"],
  ["plain", "store.open:after"],
  ["plain", "files.create:after"],
  ["plain", "requests.write:before", 2],
  ["plain", "requests.write:after", 2],
  ["plain", "requests.commit:before"],
  ["plain", "requests.commit:after"],
  ["rows fail once", "requests.write:after", 6],
  ["rows fail once", "requests.commit:after", 5],
  ["requests are large", "upload:mid"],
  ["plain", "provider.replies:mid"],
  ["plain", "replies.write:before"],
  ["plain", "replies.write:after"],
  ["plain", "replies.commit:before"],
  ["plain", "replies.commit:after"],
  ["plain", "answers.write:after"],
  ["plain", "answers.commit:before"],
  ["plain", "answers.commit:after"],
  ["a create's answer is lost", "store.submitted:before", 4],
  ["a create is lost on its way", "store.withdraw:before"],
  ["a create is lost on its way", "store.withdraw:after"],
  ["a create is lost on its way", "provider.find:after", 2],
  ["plain", "provider.list:mid"],
  ["plain", "store.replyIndexes:mid"],
  ["plain", "store.plannedRows:mid"],
  ["rows are many", "store.plannedRows:mid", 2],
  ["rows are many", "output.write:mid", 2],
  ["requests are large", "output.mark:before", 1],
  ["requests are large", "output.mark:before", 3],
  ["plain", "output.write:after"],
  ["plain", "output:after"],
  ["plain", "provider.close:after"],
];

const around = (of: string, calls: Readonly<Record<string, Scene>>): [Scene, string, number][] =>
  Object.entries(calls).flatMap(([name, scene]) => [
    [scene, `${of}.${name}:before`, 1],
    [scene, `${of}.${name}:after`, 1],
  ]);

const STEPS: readonly (readonly [Scene, string, number])[] = [
  ...around("store", STORE_MOVES),
  ...around("provider", PROVIDER_CALLS),
  ...BETWEEN.map(([scene, at, nth]) => [scene, at, nth ?? 1] as const),
];

const kill = (at: string, nth = 1): CrashPoint[] => [{ at, nth, action: "kill" }];

describe("a run that is left alone", () => {
  it.each(Object.keys(SCENES) as Scene[])("answers every row once: %s", async (scene) => {
    const undisturbed = await stand(SCENES[scene]);
    const receipt = receiptOf(await undisturbed.finish());
    expect(damageOf(undisturbed, receipt)).toEqual(UNHARMED);
  });
});

describe("a run that is killed", () => {
  it.concurrent.each(STEPS)("%s: at %s (%i) loses and buys nothing twice", async (...step) => {
    const [scene, at, nth] = step;
    const killed = await stand(SCENES[scene]);
    const first = await killed.start(kill(at, nth)).ended;
    expect(first).toMatchObject({ signal: "SIGKILL", stdout: `struck at ${at}\n` });
    const receipt = receiptOf(await killed.finish());
    expect(damageOf(killed, receipt)).toEqual(UNHARMED);
  });

  it.concurrent("at one step after the other still loses and buys nothing twice", async () => {
    const killed = await stand({ emulator: { faults: { failRows: { count: 3 } } } });
    const steps = [
      ["store.addToPlan:after", 2],
      ["store.staged:after", 1],
      ["provider.create:after", 1],
      ["store.submitted:before", 1],
      ["store.ended:before", 1],
      ["replies.write:after", 1],
      ["replies.commit:after", 1],
      // At the second one, what failed in the first may have been handed on already.
      ["store.collected:after", 1],
      ["requests.commit:after", 1],
      ["provider.create:after", 1],
      ["output.write:mid", 1],
    ] as const;
    for (const [at, nth] of steps)
      expect((await killed.start(kill(at, nth)).ended).signal, at).toBe("SIGKILL");
    expect(damageOf(killed, receiptOf(await killed.finish()))).toEqual(UNHARMED);
  });
});

describe("a plan that is cut off", () => {
  it("goes on after its last chunk: what is recorded is not written again", async () => {
    const killed = await stand({ rows: { count: 60 }, job: { chunkRows: 10 } });
    expect((await killed.start(kill("store.addToPlan:after", 3)).ended).signal).toBe("SIGKILL");
    const files = [1, 2, 3].map((chunk) =>
      join(killed.directory, "chunks", requestFileName(chunk)),
    );
    const written = files.map((file) => statSync(file).ino);
    const receipt = receiptOf(await killed.finish());
    expect(files.map((file) => statSync(file).ino)).toEqual(written);
    expect(damageOf(killed, receipt)).toEqual(UNHARMED);
  });
});

describe("a sample whose plan is cut off", () => {
  it("asks the rows that it would have asked", async () => {
    const sample = { rows: 30, by: null, seed: 5 };
    const shape = { rows: { count: 90 }, job: { chunkRows: 10, sample } } as const;
    const whole = await stand(shape);
    expect(receiptOf(await whole.finish()).skippedBy).toMatchObject({ sample: 60 });
    const killed = await stand(shape);
    expect((await killed.start(kill("store.addToPlan:after", 2)).ended).signal).toBe("SIGKILL");
    const receipt = receiptOf(await killed.finish());
    expect(receipt.skippedBy).toMatchObject({ sample: 60 });
    expect(killed.output()).toBe(whole.output());
    const stats = killed.emulator.stats();
    expect(stats.rowsExecuted).toBe(receipt.requests);
    expect(stats.bodiesBilledAgain + stats.customIdsBilledAgain).toBe(0);
  });
});

describe("a chunk that counts as collected", () => {
  it("has its replies on disk whole, though the process is killed at once", async () => {
    // The provider's copies are not deleted yet, so a loss would be made good and not be noticed.
    const killed = await stand();
    expect((await killed.start(kill("store.collected:after")).ended).signal).toBe("SIGKILL");
    const database = new DatabaseSync(join(killed.directory, STORE_FILE));
    const collected = database
      .prepare("select number, collection from chunk where state = 'collected'")
      .all()
      .map(({ number, collection }) => [Number(number), JSON.parse(String(collection))] as const);
    database.close();
    expect(collected.length).toBeGreaterThan(0);
    for (const [chunk, { succeeded }] of collected as [number, { succeeded: number }][]) {
      const path = join(killed.directory, "chunks", replyFileName(chunk));
      expect(readFileSync(path, "utf8").trimEnd().split("\n")).toHaveLength(succeeded);
    }
  });
});

describe("a killed retry", () => {
  it.concurrent.each(["before", "after"])(
    "asks the failed rows again once: %s it is recorded",
    async (when) => {
      // A 400 is final and not billed.
      const retried = await stand({
        emulator: { faults: { failRows: { count: 2, status: 400 } } },
      });
      expect(receiptOf(await retried.finish()).rows.failed).toBe(2);
      const struck = await retried.start(kill(`store.retry:${when}`), { retry: true }).ended;
      expect(struck.signal).toBe("SIGKILL");
      const receipt = receiptOf(await retried.finish({ retry: true }));
      expect(damageOf(retried, receipt)).toEqual(UNHARMED);
    },
  );
});

describe("a killed cancel", () => {
  it.concurrent.each(["before", "after"])(
    "fails every row that was not sent: killed %s it is recorded",
    async (when) => {
      const cancelled = await stand();
      const struck = await cancelled.start(kill(`store.abandoned:${when}`), { cancel: true }).ended;
      expect(struck.signal).toBe("SIGKILL");
      const receipt = receiptOf(await cancelled.finish());
      expect(receipt.failedBy).toEqual({ cancelled: 36 });
      expect(receipt.rows).toEqual({ total: 40, ok: 0, cached: 0, skipped: 4, failed: 36 });
      expect(cancelled.emulator.stats().batchesCreated).toBe(0);
      expect(cancelled.output()).toBe(
        cancelled.rows.expected.replaceAll(/,answer-\d+,ok,/g, ",,failed,cancelled"),
      );
    },
  );
});
