import { afterAll, beforeAll, expect, it } from "vitest";
import { openPostgres, type Database, type Queryable } from "../../src/store/postgres-client.ts";
import { addDataset, readDataset } from "../../src/store/postgres-datasets.ts";
import { finishPart } from "../../src/store/postgres-parts.ts";
import { migratePostgres } from "../../src/store/postgres-schema.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";

let server: PostgresServer;
let database: Database;

beforeAll(async () => {
  server = await startPostgres();
  database = await openPostgres(await server.database());
  await migratePostgres(database);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await server.stop();
});

const PARTS = ["one", "two"].map((run) => {
  return {
    run,
    place: "d",
    input: `${run}.csv`,
    inputVersion: "1",
    output: `${run}.csv`,
    rowLimit: null,
  };
});

const DONE = { written: "part", receipt: { rows: 1 } };

it("finishes a dataset once, though its last two parts end at the same time", async () => {
  const shared = { id: "twins", identity: "i", spec: {}, data: "d", output: "o" };
  await database.transaction((connection) => addDataset(connection, shared, PARTS));
  const first = Promise.withResolvers<Queryable>();
  const mayEnd = Promise.withResolvers<undefined>();
  const one = database.transaction(async (connection) => {
    const ended = await finishPart(connection, { dataset: "twins", run: "one" }, DONE);
    first.resolve(connection);
    await mayEnd.promise;
    return ended;
  });
  await first.promise;
  const two = database.transaction((connection) =>
    finishPart(connection, { dataset: "twins", run: "two" }, DONE),
  );
  // The second has either ended by now, seeing the first one open, or waits for it.
  await Promise.race([two, waiting()]);
  mayEnd.resolve(undefined);
  expect(await Promise.all([one, two])).toEqual([false, true]);
  expect((await readDataset(database, "twins")).finishedAtMs).not.toBeNull();
});

async function waiting(): Promise<void> {
  for (;;) {
    const locked = await database.rows(
      "select pid from pg_stat_activity where wait_event_type = 'Lock'",
    );
    if (locked.length > 0) return;
  }
}
