/** What every store promises, whatever it is kept in: run against each implementation. */

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  NOTHING_COLLECTED,
  type Chunk,
  type Collection,
  type Ending,
  type FailedRequest,
} from "../../src/core/chunk.ts";
import { InvariantError, StoreError } from "../../src/core/errors.ts";
import type { PlanCounts } from "../../src/core/plan.ts";
import type { TokenEstimate } from "../../src/core/token-estimate.ts";
import type { NewRun } from "../../src/store/sqlite.ts";
import type { CollectedChunk, Store } from "../../src/store/store.ts";
import { idsOf, planStep } from "../store/steps.ts";

/** A place for one run's memory. */
export interface StorePlace {
  /** Opens the run for driving; makes it when there is none. */
  open(fresh?: NewRun): Promise<Store>;
}

/** What a new run is recorded with in these tests. */
export const NEW_RUN: NewRun = {
  id: "run-1",
  token: "rabcdefg",
  spec: { model: "m", b: [1, null] },
  identity: "0".repeat(32),
  createdAtMs: 1_790_000_000_000,
};

const COUNTS: PlanCounts = {
  rows: 5,
  requests: 3,
  cached: 0,
  duplicates: 1,
  skipped: { blank: 1, limit: 0, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
  rejected: { too_long: 0 },
  chunks: 1,
  bytes: 10,
};

const COMPLETED: Ending = { outcome: "completed", results: { output: "file-1" }, reason: null };

type Answered = Readonly<Record<number, readonly [offset: number, length: number]>>;

/** What a collected chunk leaves behind: some answered, some failed, some handed on. */
function collectedOf(
  answered: Answered,
  part: {
    readonly failures?: readonly FailedRequest[];
    readonly resend?: readonly number[];
    readonly again?: readonly number[];
    readonly collection?: Partial<Collection>;
  } = {},
): CollectedChunk {
  const ordinals = Object.keys(answered).map(Number);
  const places = Object.values(answered);
  return {
    collection: { ...NOTHING_COLLECTED, succeeded: ordinals.length, ...part.collection },
    index: {
      ordinals: Uint32Array.from(ordinals),
      offsets: Float64Array.from(places, ([offset]) => offset),
      lengths: Uint32Array.from(places, ([, length]) => length),
    },
    failures: part.failures ?? [],
    resend: Uint32Array.from(part.resend ?? []),
    again: Uint32Array.from(part.again ?? []),
  };
}

const failure = (ordinal: number, code: FailedRequest["code"] = "missing"): FailedRequest => ({
  ordinal,
  code,
  message: `Request ${String(ordinal)} failed.`,
  retryable: code === "missing",
});

async function planned(store: Store, ...sizes: readonly number[]): Promise<void> {
  let next = 0;
  for (const [at, size] of sizes.entries()) {
    const ordinals = Uint32Array.from({ length: size }, (_, index) => next + index);
    const chunk = { number: at + 1, bytes: 10 * size, lane: "batch", ordinals } as const;
    await store.addToPlan(planStep({ chunk, ids: idsOf(size, next) }));
    next += size;
  }
  await store.finishPlan(COUNTS);
}

async function chunkOf(store: Store, number: number): Promise<Chunk> {
  const found = (await store.chunks()).find((chunk) => chunk.number === number);
  if (found === undefined) throw new Error(`There is no chunk ${String(number)}.`);
  return found;
}

async function driveTo(store: Store, number: number, state: Chunk["state"]): Promise<void> {
  if (state === "planned") return;
  await store.intend(number, `intent-${String(number)}`);
  if (state === "submitting") return;
  await store.staged(number, { input: `file-${String(number)}` });
  await store.submitted(number, `batch-${String(number)}`, "accepted");
  if (state === "submitted") return;
  await store.ended(number, COMPLETED);
  if (state === "ended") return;
  await store.collected(number, collectedOf({}));
}

const ordinalsOf = async (store: Store, chunk: number): Promise<readonly number[]> => [
  ...(await store.ordinals(chunk)),
];

/** Tests one kind of store; `place` gives a fresh place for every test. */
export function storeContract(kind: string, place: () => Promise<StorePlace>): void {
  describe(`${kind}, as a store`, () => {
    let here: StorePlace;
    let store: Store;

    beforeEach(async () => {
      here = await place();
      store = await here.open(NEW_RUN);
    });
    afterEach(async () => {
      await store[Symbol.asyncDispose]();
    });

    it("keeps what a chunk is expected to use, and gives its share to what it hands on", async () => {
      const estimate = (tokens: number): TokenEstimate => ({
        inputTokens: 10 * tokens,
        inputError: 0.1,
        outputTokens: { low: 0, expected: tokens, high: 2 * tokens },
      });
      const ordinals = Uint32Array.of(0, 1, 2, 3, 4, 5);
      const told = { lane: "batch", estimate: estimate(30) } as const;
      await store.addToPlan(planStep({ chunk: { number: 1, bytes: 60, ordinals, ...told } }));
      expect((await chunkOf(store, 1)).estimate).toEqual(estimate(30));
      await store.finishPlan(COUNTS, new Map([[1, estimate(60)]]));
      await store.divided(1, 4);
      expect((await chunkOf(store, 2)).estimate).toEqual(estimate(40));
      expect((await chunkOf(store, 3)).estimate).toEqual(estimate(20));
      await driveTo(store, 2, "ended");
      await store.collected(2, collectedOf({}, { resend: [0], again: [1] }));
      const resent = (await store.chunks()).filter(({ number }) => number > 3);
      expect(resent.map(({ estimate }) => estimate)).toEqual([
        estimate(10),
        // Asked again with twice the room.
        { ...estimate(10), outputTokens: estimate(20).outputTokens },
      ]);
      await store.retry(Uint32Array.of(2, 3), { maxRequests: 6, lane: "batch" });
      const retried = (await store.chunks()).find(({ origin }) => origin === "retry");
      expect(retried?.estimate).toEqual(estimate(20));
    });

    /** Closes the store and opens it again, as the next process would. */
    async function reopen(): Promise<void> {
      await store[Symbol.asyncDispose]();
      store = await here.open({ ...NEW_RUN, id: "other", token: "rother00" });
    }

    it("keeps the run it was made with, whoever opens it next", async () => {
      await reopen();
      expect(await store.run()).toEqual({
        ...NEW_RUN,
        plan: null,
        finishedAtMs: null,
        cancelRequestedAtMs: null,
        learnt: { maxBatchesInFlight: null, maxRequestsPerBatch: null },
        deadline: null,
        capUsd: null,
      });
    });

    it("gives planned rows back in order, whole, across pages and openings", async () => {
      const rows = Array.from({ length: 150 }, (_, block) => ({
        firstRow: block * 3,
        requests: Int32Array.of(block, -1, -(2 ** 31)),
      }));
      await store.addToPlan(planStep({ rows: rows.slice(0, 70) }));
      const ordinals = Uint32Array.of(0, 2 ** 32 - 1);
      const chunk = { number: 1, bytes: 7, lane: "realtime", ordinals } as const;
      await store.addToPlan(planStep({ rows: rows.slice(70), chunk }));
      await store.finishPlan(COUNTS);
      await reopen();
      expect(await Array.fromAsync(store.plannedRows())).toEqual(rows);
      expect(await ordinalsOf(store, 1)).toEqual([0, 2 ** 32 - 1]);
      expect((await store.run()).plan).toEqual(COUNTS);
      expect(await chunkOf(store, 1)).toEqual({
        number: 1,
        state: "planned",
        requestCount: 2,
        origin: "plan",
        lane: "realtime",
        attempt: 1,
        resends: 0,
        bytes: 7,
        estimate: null,
        intent: null,
        batchId: null,
        submittedAtMs: null,
        look: null,
        ending: null,
        collection: null,
      });
    });

    it("tells how far an unfinished plan has come, and every request's identity", async () => {
      expect(await store.planSoFar()).toEqual({ rows: 0, requests: 0, cutRows: 0 });
      const sizes = [5000, 1, 12_000];
      let first = 0;
      for (const [at, size] of sizes.entries()) {
        const rows = [{ firstRow: at * 3, requests: Int32Array.of(first, -1, first) }];
        await store.addToPlan(planStep({ rows, ids: idsOf(size, first), cutRows: at }));
        first += size;
      }
      await reopen();
      expect(await store.planSoFar()).toEqual({ rows: 9, requests: first, cutRows: 3 });
      const pages = await Array.fromAsync(store.requestIds());
      expect(Buffer.concat(pages).equals(idsOf(first))).toBe(true);
      for (const ordinal of [0, 4095, 4096, 4999, 5000, 5001, 17_000, first - 1, 7]) {
        const [id] = [idsOf(1, ordinal)];
        expect(await store.idsOf([ordinal]), String(ordinal)).toEqual(new Uint8Array(id));
      }
      const some = [first - 1, 3, 4, 5000, 4999];
      const each = some.map((ordinal) => idsOf(1, ordinal));
      expect(Buffer.concat(each).equals(await store.idsOf(some))).toBe(true);
      await expect(store.idsOf([0, first])).rejects.toThrow(InvariantError);
    });

    it("keeps what was answered before as chunks of their own, collected from the start", async () => {
      const index = {
        ordinals: Uint32Array.of(1, 4),
        offsets: Float64Array.of(0, 2 ** 40),
        lengths: Uint32Array.of(3, 7),
      };
      await store.addToPlan(planStep({ recalled: { number: 0, index, bytes: 11 } }));
      await store.addToPlan(planStep({ recalled: { number: -1, index, bytes: 12 } }));
      const found = await store.chunks();
      expect(found.map(({ number, bytes }) => [number, bytes])).toEqual([
        [-1, 12],
        [0, 11],
      ]);
      expect(found).toMatchObject([
        { state: "collected", origin: "cache", collection: { succeeded: 2 } },
        { state: "collected", origin: "cache", collection: { succeeded: 2 } },
      ]);
      const indexes = await Array.fromAsync(store.replyIndexes());
      expect(indexes).toEqual([
        { chunk: -1, index },
        { chunk: 0, index },
      ]);
    });

    describe("the life of a chunk", () => {
      beforeEach(async () => {
        await planned(store, 3);
      });

      it("remembers the last look at a submitted batch, and at no other", async () => {
        const look = { phase: "running", done: 1, atMs: 5, marks: [{ done: 1, atMs: 5 }] } as const;
        await store.looked(1, look);
        expect((await chunkOf(store, 1)).look).toBeNull();
        await driveTo(store, 1, "submitted");
        await store.looked(1, look);
        await reopen();
        expect((await chunkOf(store, 1)).look).toEqual(look);
      });

      it("leads from planned to collected, each step remembered", async () => {
        const before = Date.now();
        await store.intend(1, "intent-a");
        const intended = await chunkOf(store, 1);
        expect(intended).toMatchObject({
          state: "submitting",
          intent: { id: "intent-a", staged: null },
        });
        expect(intended.intent?.atMs).toBeGreaterThanOrEqual(before);
        await store.staged(1, { input: "file-9" });
        await reopen();
        expect((await chunkOf(store, 1)).intent?.staged).toEqual({ input: "file-9" });
        await store.submitted(1, "batch-9", "accepted");
        const sent = await chunkOf(store, 1);
        expect(sent).toMatchObject({
          state: "submitted",
          batchId: "batch-9",
          intent: { id: "intent-a" },
        });
        expect(sent.submittedAtMs).toBeGreaterThanOrEqual(before);
        const ending: Ending = {
          outcome: "expired",
          results: { output: "file-o", error: "file-e" },
          reason: { code: "x", message: "y", again: "later" },
        };
        await store.ended(1, ending);
        expect(await chunkOf(store, 1)).toMatchObject({ state: "ended", ending });
        const collected = collectedOf(
          { 0: [0, 5], 2: [2 ** 40, 7] },
          { failures: [failure(1)], collection: { failed: 1, resent: 0 } },
        );
        await store.collected(1, collected);
        await reopen();
        expect(await chunkOf(store, 1)).toMatchObject({
          state: "collected",
          collection: collected.collection,
        });
        expect(await Array.fromAsync(store.replyIndexes())).toEqual([
          { chunk: 1, index: collected.index },
        ]);
        expect(await Array.fromAsync(store.failures())).toEqual([failure(1)]);
      });

      it("goes back to planned when no batch was made, and may be tried again", async () => {
        await store.intend(1, "intent-a");
        await store.staged(1, { input: "file-9" });
        await store.withdraw(1, "Refused.");
        expect(await chunkOf(store, 1)).toMatchObject({
          state: "planned",
          intent: null,
          bytes: 30,
        });
        await store.intend(1, "intent-b");
        expect((await chunkOf(store, 1)).intent).toMatchObject({ id: "intent-b", staged: null });
      });

      it("never uses an intent twice", async () => {
        await store.intend(1, "intent-a");
        await store.withdraw(1, "Refused.");
        await expect(store.intend(1, "intent-a")).rejects.toThrow();
        expect((await chunkOf(store, 1)).state).toBe("planned");
      });

      it("never gives one batch to two chunks", async () => {
        const ordinals = Uint32Array.of(9);
        const chunk = { number: 2, bytes: 1, lane: "batch", ordinals } as const;
        await store.addToPlan(planStep({ chunk }));
        await driveTo(store, 1, "submitted");
        await store.intend(2, "intent-2");
        await expect(store.submitted(2, "batch-1", "adopted")).rejects.toThrow();
        expect((await chunkOf(store, 2)).state).toBe("submitting");
      });

      it("takes a batch that was made elsewhere, and gives it back when it is another's", async () => {
        const ordinals = Uint32Array.of(9);
        const chunk = { number: 2, bytes: 1, lane: "batch", ordinals } as const;
        await store.addToPlan(planStep({ chunk }));
        const before = Date.now();
        await store.adopted(1, "given-a", "batch-9");
        await reopen();
        const adopted = await chunkOf(store, 1);
        expect(adopted).toMatchObject({
          state: "submitted",
          batchId: "batch-9",
          intent: { id: "given-a", staged: {} },
        });
        expect(adopted.submittedAtMs).toBeGreaterThanOrEqual(before);
        await expect(store.adopted(2, "given-b", "batch-9")).rejects.toThrow();
        await store.ended(1, COMPLETED);
        await store.released(1, "Another's.");
        await reopen();
        expect(await chunkOf(store, 1)).toMatchObject({
          state: "planned",
          bytes: 30,
          intent: null,
          batchId: null,
          submittedAtMs: null,
          ending: null,
        });
        await store.adopted(2, "given-c", "batch-9");
        expect((await chunkOf(store, 2)).batchId).toBe("batch-9");
      });

      it("takes answers that were made elsewhere, and hands on the rest", async () => {
        const collected = collectedOf(
          { 0: [0, 5] },
          { failures: [failure(1)], resend: [2], collection: { failed: 1, resent: 1 } },
        );
        await store.answered(1, "given-a", collected);
        await reopen();
        expect(await chunkOf(store, 1)).toMatchObject({
          state: "collected",
          batchId: null,
          collection: collected.collection,
        });
        expect(await Array.fromAsync(store.replyIndexes())).toEqual([
          { chunk: 1, index: collected.index },
        ]);
        expect(await Array.fromAsync(store.failures())).toEqual([failure(1)]);
        expect(await chunkOf(store, 2)).toMatchObject({ state: "planned", origin: "resend" });
        expect(await ordinalsOf(store, 2)).toEqual([2]);
      });

      const MOVES: readonly [string, Chunk["state"], (to: Store) => Promise<unknown>][] = [
        ["written", "planned", (to) => to.written(1, { bytes: 5, requestCount: 3 })],
        ["intend", "planned", (to) => to.intend(1, "intent-z")],
        ["staged", "submitting", (to) => to.staged(1, {})],
        ["withdraw", "submitting", (to) => to.withdraw(1, "No.")],
        ["submitted", "submitting", (to) => to.submitted(1, "batch-z", "adopted")],
        ["ended", "submitted", (to) => to.ended(1, COMPLETED)],
        [
          "collected",
          "ended",
          (to) =>
            to.collected(1, collectedOf({ 0: [0, 1] }, { failures: [failure(1)], resend: [2] })),
        ],
        ["adopted", "planned", (to) => to.adopted(1, "given-z", "batch-z")],
        ["released", "ended", (to) => to.released(1, "Another's.")],
        [
          "answered",
          "planned",
          (to) =>
            to.answered(
              1,
              "given-z",
              collectedOf({ 0: [0, 1] }, { failures: [failure(1)], resend: [2] }),
            ),
        ],
        ["abandoned", "planned", (to) => to.abandoned(1)],
        ["divided", "planned", (to) => to.divided(1, 2)],
      ];
      const STATES = ["planned", "submitting", "submitted", "ended", "collected"] as const;
      const WRONG = MOVES.flatMap(([name, from, move]) =>
        STATES.filter((state) => state !== from).map((state) => [name, state, move] as const),
      );

      it.each(WRONG)(
        "takes no step %s from %s, and changes nothing",
        async (_name, state, move) => {
          await driveTo(store, 1, state);
          const before = await store.chunks();
          await expect(move(store)).rejects.toThrow(InvariantError);
          expect(await store.chunks()).toEqual(before);
          expect(await Array.fromAsync(store.failures())).toEqual([]);
        },
      );

      it.each(MOVES)("takes the step %s from %s", async (_name, state, move) => {
        await driveTo(store, 1, state);
        await move(store);
        expect((await store.chunks()).length).toBeGreaterThan(0);
      });

      it("takes no step for a chunk that does not exist", async () => {
        await expect(store.intend(7, "intent-7")).rejects.toThrow(InvariantError);
      });
    });

    describe("a later reading", () => {
      it("records and takes back failures, and touches nothing else", async () => {
        await planned(store, 3);
        await driveTo(store, 1, "ended");
        const answered = { 0: [0, 4], 1: [5, 4], 2: [10, 4] } as const;
        const failures = [failure(0, "invalid_output"), failure(1, "invalid_output")];
        await store.collected(1, collectedOf(answered, { failures }));
        const before = await store.chunks();
        const { ordinal: _, ...said } = failure(2, "invalid_output");
        await store.rejudged([
          { ordinal: 0, failure: null },
          { ordinal: 1, failure: { ...said, message: "Now for another reason." } },
          { ordinal: 2, failure: said },
        ]);
        expect(await Array.fromAsync(store.failures())).toEqual([
          { ordinal: 1, ...said, message: "Now for another reason." },
          { ordinal: 2, ...said },
        ]);
        expect(await store.chunks()).toEqual(before);
        const [stored] = await Array.fromAsync(store.replyIndexes());
        expect([...(stored?.index.ordinals ?? [])]).toEqual([0, 1, 2]);
      });
    });

    describe("handing requests on", () => {
      it("puts what was not answered into a new chunk, counted once more as sent", async () => {
        await planned(store, 4);
        await driveTo(store, 1, "ended");
        await store.collected(1, collectedOf({ 0: [0, 1], 2: [1, 1] }, { resend: [1, 3] }));
        expect(await chunkOf(store, 2)).toMatchObject({
          state: "planned",
          origin: "resend",
          attempt: 1,
          resends: 1,
          requestCount: 2,
          bytes: null,
        });
        expect(await ordinalsOf(store, 2)).toEqual([1, 3]);
      });

      it("fills up the waiting chunk of the same kind, in order, up to the plan's largest", async () => {
        await planned(store, 3, 3, 3);
        await driveTo(store, 2, "ended");
        await store.collected(2, collectedOf({ 4: [0, 1] }, { resend: [3, 5] }));
        await driveTo(store, 1, "ended");
        await store.collected(1, collectedOf({}, { resend: [0, 1, 2] }));
        expect(await ordinalsOf(store, 4)).toEqual([0, 3, 5]);
        expect(await ordinalsOf(store, 5)).toEqual([1, 2]);
        expect((await store.chunks()).map(({ requestCount }) => requestCount)).toEqual([
          3, 3, 3, 3, 2,
        ]);
      });

      it("keeps kinds apart: other attempts, other counts of sending, chunks already written", async () => {
        await planned(store, 2, 2, 2);
        await driveTo(store, 1, "ended");
        await store.collected(
          1,
          collectedOf({}, { resend: [0], again: [1], failures: [failure(1, "invalid_output")] }),
        );
        expect(await chunkOf(store, 3 + 1)).toMatchObject({
          origin: "resend",
          attempt: 1,
          resends: 1,
        });
        expect(await chunkOf(store, 3 + 2)).toMatchObject({
          origin: "again",
          attempt: 2,
          resends: 0,
        });
        await store.written(4, { bytes: 9, requestCount: 1 });
        await driveTo(store, 2, "ended");
        await store.collected(2, collectedOf({}, { resend: [2, 3] }));
        expect(await ordinalsOf(store, 4)).toEqual([0]);
        expect(await ordinalsOf(store, 6)).toEqual([2, 3]);
        await driveTo(store, 4, "ended");
        await store.collected(4, collectedOf({}, { resend: [0] }));
        expect(await chunkOf(store, 7)).toMatchObject({ resends: 2, requestCount: 1 });
      });

      it("does not count a sending the provider had no room for", async () => {
        await planned(store, 1);
        await driveTo(store, 1, "submitted");
        const reason = { code: "token_limit_exceeded", message: "Full.", again: "room" } as const;
        await store.ended(1, { outcome: "failed", results: {}, reason });
        await store.collected(1, collectedOf({}, { resend: [0] }));
        expect((await chunkOf(store, 2)).resends).toBe(0);
      });

      it("takes a failure away once its request is answered", async () => {
        await planned(store, 2);
        await driveTo(store, 1, "ended");
        const failures = [failure(0, "invalid_output"), failure(1, "refused")];
        await store.collected(1, collectedOf({}, { failures, again: [0] }));
        await driveTo(store, 2, "ended");
        await store.collected(2, collectedOf({ 0: [0, 1] }));
        expect(await Array.fromAsync(store.failures())).toEqual([failure(1, "refused")]);
      });

      it("does not record a file that lacks requests which joined the chunk meanwhile", async () => {
        await planned(store, 2, 2);
        await driveTo(store, 1, "ended");
        await store.collected(1, collectedOf({}, { resend: [0] }));
        await driveTo(store, 2, "ended");
        await store.collected(2, collectedOf({}, { resend: [2] }));
        expect(await ordinalsOf(store, 3)).toEqual([0, 2]);
        expect(await store.written(3, { bytes: 5, requestCount: 1 })).toBe(false);
        expect((await chunkOf(store, 3)).bytes).toBeNull();
        expect(await store.written(3, { bytes: 9, requestCount: 2 })).toBe(true);
        expect((await chunkOf(store, 3)).bytes).toBe(9);
      });

      it("divides a chunk that was never sent, and answers for every request of it", async () => {
        await planned(store, 5);
        await store.divided(1, 2);
        const [whole, ...parts] = await store.chunks();
        expect(whole).toMatchObject({ state: "collected", collection: NOTHING_COLLECTED });
        expect(parts.map(({ requestCount, resends }) => [requestCount, resends])).toEqual([
          [2, 0],
          [2, 0],
          [1, 0],
        ]);
        const held = await Promise.all(parts.map(({ number }) => ordinalsOf(store, number)));
        expect(held.flat()).toEqual([0, 1, 2, 3, 4]);
      });

      it("fails every request of an abandoned chunk as cancelled", async () => {
        await planned(store, 2);
        await store.abandoned(1);
        expect(await chunkOf(store, 1)).toMatchObject({
          state: "collected",
          collection: { failed: 2 },
        });
        expect(await Array.fromAsync(store.failures())).toMatchObject([
          { ordinal: 0, code: "cancelled", retryable: true },
          { ordinal: 1, code: "cancelled", retryable: true },
        ]);
      });

      it("changes the lane of chunks that wait to be sent, and of no others", async () => {
        await planned(store, 1, 1);
        await driveTo(store, 1, "submitted");
        await store.switchLane("realtime");
        await reopen();
        expect((await store.chunks()).map(({ lane }) => lane)).toEqual(["batch", "realtime"]);
      });

      it("hands requests on by their chunk's lane unless told another", async () => {
        await planned(store, 2, 2, 2);
        await store.switchLane("realtime");
        await driveTo(store, 1, "ended");
        await store.collected(1, collectedOf({ 0: [0, 5] }, { resend: [1] }));
        await driveTo(store, 2, "ended");
        await store.collected(2, {
          ...collectedOf({ 2: [0, 5] }, { resend: [3] }),
          lane: "batch",
        });
        await driveTo(store, 3, "ended");
        await store.collected(3, collectedOf({ 4: [0, 5] }, { resend: [5] }));
        const handedOn = (await store.chunks()).slice(3);
        expect(handedOn.map(({ lane, requestCount }) => [lane, requestCount])).toEqual([
          ["realtime", 2],
          ["batch", 1],
        ]);
      });

      it("tries failed requests again in chunks of their own, and opens the run again", async () => {
        await planned(store, 3);
        await driveTo(store, 1, "ended");
        const failures = [failure(0), failure(1), failure(2)];
        await store.collected(1, collectedOf({}, { failures }));
        await store.finished();
        expect((await store.run()).finishedAtMs).not.toBeNull();
        await store.retry(Uint32Array.of(0, 1, 2), { maxRequests: 2, lane: "realtime" });
        expect((await store.run()).finishedAtMs).toBeNull();
        expect((await store.chunks()).slice(1)).toMatchObject([
          { origin: "retry", lane: "realtime", requestCount: 2, attempt: 1, resends: 0 },
          { origin: "retry", requestCount: 1 },
        ]);
        expect(await Array.fromAsync(store.failures())).toHaveLength(3);
      });
    });

    it("keeps failures in the order of their requests, however many there are", async () => {
      await planned(store, 2500);
      await driveTo(store, 1, "ended");
      const failures = Array.from({ length: 2500 }, (_, ordinal) => failure(2499 - ordinal));
      await store.collected(1, collectedOf({}, { failures }));
      const kept = await Array.fromAsync(store.failures());
      expect(kept.map(({ ordinal }) => ordinal)).toEqual([...failures.keys()]);
    });

    it("remembers what was learnt, what it may cost, and when the run was finished first", async () => {
      const learnt = { maxBatchesInFlight: 2, maxRequestsPerBatch: 100 };
      await store.learn(learnt);
      await store.setCap(5);
      await store.setCap(2.5);
      await store.finished();
      const first = (await store.run()).finishedAtMs;
      await reopen();
      await store.finished();
      expect(await store.run()).toMatchObject({ learnt, finishedAtMs: first, capUsd: 2.5 });
      await store.setCap(null);
      expect((await store.run()).capUsd).toBeNull();
    });

    it("is driven by one at a time, and by the next one once it is closed", async () => {
      const refused = await here.open(NEW_RUN).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(StoreError);
      expect(refused).toMatchObject({ code: "run_locked" });
      expect(String(refused)).toContain(String(process.pid));
      expect(await store.holdsLock()).toBe(true);
      await reopen();
      expect(await store.holdsLock()).toBe(true);
    });

    it("may be closed twice", async () => {
      await store[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await reopen();
      expect((await store.run()).id).toBe("run-1");
    });
  });
}
