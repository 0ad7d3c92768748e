import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NOTHING_COLLECTED } from "../../src/core/chunk.ts";
import type { Price } from "../../src/core/price.ts";
import { NO_TOKENS } from "../../src/core/token-estimate.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { directoryObjects } from "../../src/store/objects-directory.ts";
import { openPostgres, type Database } from "../../src/store/postgres-client.ts";
import { addDataset } from "../../src/store/postgres-datasets.ts";
import { capDataset, readBooks } from "../../src/store/postgres-purse.ts";
import { migratePostgres } from "../../src/store/postgres-schema.ts";
import { openPostgresStore, type SharedStore } from "../../src/store/postgres.ts";
import type { CollectedChunk } from "../../src/store/store.ts";
import { NEW_RUN } from "../contract/store.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { planStep } from "./steps.ts";

let server: PostgresServer;
let database: Database;
let folder: string;

beforeAll(async () => {
  server = await startPostgres();
  database = await openPostgres(await server.database());
  await migratePostgres(database);
  folder = await mkdtemp(join(tmpdir(), "purse-"));
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await server.stop();
});

/** A dollar for a million tokens, so that each chunk below may cost one. */
const PRICE: Price = { inputPerM: 1, outputPerM: 1, batchShare: 1, source: "test" };
const A_DOLLAR = { ...NO_TOKENS, inputTokens: 1_000_000 };

/** Two parts of one dataset with so much to spend, each with three chunks of a dollar. */
async function twoParts(dataset: string, capUsd: number | null): Promise<readonly SharedStore[]> {
  const runs = [`${dataset}-1`, `${dataset}-2`];
  await addDataset(
    database,
    { id: dataset, identity: "i", spec: {}, data: "d", output: "o" },
    runs.map((run) => ({
      run,
      place: "d",
      input: run,
      inputVersion: "1",
      output: run,
      rowLimit: null,
    })),
  );
  if (capUsd !== null) await capDataset(database, dataset, capUsd);
  return await Promise.all(
    runs.map(async (id) => {
      const store = await openPostgresStore(
        {
          ...{ database, objects: directoryObjects(join(folder, "data")), prefix: `${id}/` },
          ...{ spool: join(folder, "spool"), leaseMs: 60_000, purse: { dataset, price: PRICE } },
          account: { id: dataset, maxBatches: null, isSole: false },
        },
        { ...NEW_RUN, id, token: id },
      );
      for (const number of [1, 2, 3])
        await store.addToPlan(
          planStep({
            chunk: {
              ...{ number, bytes: 10, lane: "batch", ordinals: Uint32Array.of(number) },
              estimate: A_DOLLAR,
            },
          }),
        );
      return store;
    }),
  );
}

async function endWith(store: SharedStore, chunk: number, inputTokens: number): Promise<void> {
  const none = Uint32Array.of();
  const collected: CollectedChunk = {
    collection: { ...NOTHING_COLLECTED, succeeded: 1, usage: { ...NO_USAGE, inputTokens } },
    index: { ordinals: none, offsets: Float64Array.of(), lengths: none },
    ...{ failures: [], resend: none, again: none },
  };
  const [{ token }, name] = [await store.run(), `batch-${String(chunk)}`];
  await store.submitted(chunk, `${token}-${name}`, "accepted");
  await store.ended(chunk, { outcome: "completed", results: {}, reason: null });
  await store.collected(chunk, collected);
}

it("never gives the last dollar to two workers", async () => {
  const [one, two] = (await twoParts("last", 3)) as [SharedStore, SharedStore];
  const answers = await Promise.all(
    [one, two].flatMap((store, at) =>
      [1, 2, 3].map((chunk) => store.intend(chunk, `last-${String(at)}-${String(chunk)}`)),
    ),
  );
  expect(answers.filter(Boolean)).toHaveLength(3);
  expect(await readBooks(database, "last", "last-1")).toMatchObject({
    capUsd: 3,
    spentUsd: null,
    overrun: 1,
  });
  for (const store of [one, two]) await store[Symbol.asyncDispose]();
});

it.each([1, 2, 3, 4])("never gives the only dollar to two workers (%i)", async (round) => {
  const name = `only-${String(round)}`;
  const stores = await twoParts(name, 1);
  const answers = await Promise.all(
    stores.map((store, at) => store.intend(1, `${name}-${String(at)}`)),
  );
  expect(answers.toSorted()).toEqual([false, true]);
  for (const store of stores) await store[Symbol.asyncDispose]();
});

it("gives back what was set aside and not spent, and counts what was dearer than thought", async () => {
  const [one, two] = (await twoParts("back", 3)) as [SharedStore, SharedStore];
  expect(await one.intend(1, "back-1")).toBe(true);
  expect(await one.intend(2, "back-2")).toBe(true);
  expect(await two.intend(1, "back-3")).toBe(true);
  expect(await two.intend(2, "back-4")).toBe(false);
  await one.withdraw(2, "refused");
  expect(await two.intend(2, "back-5")).toBe(true);
  await endWith(one, 1, 1_500_000);
  // 1.50 spent, and two chunks under way that may each cost half as much again: the cap is passed by what is known.
  expect(await readBooks(database, "back", "back-2")).toEqual({
    ...{ capUsd: 3, spentUsd: 1.5, reservedUsd: 0, ownReservedUsd: 3, overrun: 1.5 },
  });
  expect(await one.intend(2, "back-6")).toBe(false);
  expect(await capDataset(database, "back", 6)).toBe(true);
  expect(await one.intend(2, "back-7")).toBe(true);
  await endWith(two, 1, 200_000);
  expect((await readBooks(database, "back", "back-2")).spentUsd).toBeCloseTo(1.7, 9);
  for (const store of [one, two]) await store[Symbol.asyncDispose]();
});

it("keeps the books of a dataset without a cap, so that one may be set later", async () => {
  const [one, two] = (await twoParts("later", null)) as [SharedStore, SharedStore];
  expect(await one.intend(1, "later-1")).toBe(true);
  expect(await two.intend(1, "later-2")).toBe(true);
  await capDataset(database, "later", 2.5);
  expect(await one.intend(2, "later-3")).toBe(false);
  await endWith(one, 1, 500_000);
  expect(await one.intend(2, "later-4")).toBe(true);
  for (const store of [one, two]) await store[Symbol.asyncDispose]();
});
