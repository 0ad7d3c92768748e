/**
 * What a run costs the shared state: `node bench/many-machines.ts [parts] [chunks per part] [cap]`.
 *
 * Starts PostgreSQL and the emulator on this machine, works a run off with one worker in this process, and
 * prints the overhead of a chunk (with a third word under a budget, which is enough), and statements, transactions and bytes in the database for 1,000 chunks.
 */

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmulator } from "../src/emulator/emulator.ts";
import { enqueueDataset } from "../src/machines/enqueue.ts";
import { openState } from "../src/machines/shared-state.ts";
import { runWorker } from "../src/machines/worker.ts";
import type { Database, Queryable } from "../src/store/postgres-client.ts";
import { startPostgres } from "../test/setup/postgres.ts";

const PARTS = Number(process.argv[2] ?? 10);
const CHUNKS = Number(process.argv[3] ?? 10);
const ROWS_PER_CHUNK = 10;
const PRICED = { prices: { "openai/gpt-test": { inputPerM: 1, outputPerM: 1 } }, maxCostUsd: 1e6 };

process.env["OPENAI_API_KEY"] = "bench";
const server = await startPostgres();
const emulator = await startEmulator({ seed: 1 });
const state = await openState(await server.database());
const folder = mkdtempSync(join(tmpdir(), "bench-machines-"));
mkdirSync(join(folder, "in"));
for (let part = 0; part < PARTS; part += 1) {
  const rows = Array.from(
    { length: CHUNKS * ROWS_PER_CHUNK },
    (_, row) => `subject ${String(part)}-${String(row)}\n`,
  );
  writeFileSync(join(folder, "in", `${String(part + 1000)}.csv`), `text\n${rows.join("")}`);
}
await enqueueDataset(
  {
    input: join(folder, "in"),
    data: join(folder, "data"),
    template: "Judge this: {{text}}",
    model: { provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "bench" },
    options: {
      column: "answer",
      chunkRows: ROWS_PER_CHUNK,
      pollEveryMs: 20,
      ...(process.argv[4] === undefined ? {} : PRICED),
    },
  },
  state,
);

let statements = 0;
let databaseMs = 0;
const timed = async <T>(work: () => Promise<T>): Promise<T> => {
  const began = performance.now();
  statements += 1;
  try {
    return await work();
  } finally {
    databaseMs += performance.now() - began;
  }
};
const counted = (connection: Queryable): Queryable => ({
  rows: (statement, values) => timed(() => connection.rows(statement, values)),
  change: (statement, values) => timed(() => connection.change(statement, values)),
});
const database: Database = {
  ...state.database,
  ...counted(state.database),
  transaction: (work) => state.database.transaction((connection) => work(counted(connection))),
};
const commits = async (): Promise<number> => {
  const [row] = await state.database.rows(
    "select xact_commit from pg_stat_database where datname = current_database()",
  );
  return Number(row?.["xact_commit"]);
};
const before = await commits();
const began = performance.now();
const stop = new AbortController();
await runWorker(
  { ...state, database },
  {
    signal: stop.signal,
    onEvent: ({ endsRun }) => {
      if (endsRun === true) stop.abort();
    },
  },
);
const tookMs = performance.now() - began;
await new Promise((resolve) => setTimeout(resolve, 1500));
const chunks = PARTS * CHUNKS;
const [size] = await state.database.rows(
  "select sum(pg_total_relation_size(c.oid))::bigint as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'batchframe' and c.relkind = 'r'",
);
const per = (figure: number): string => ((figure / chunks) * 1000).toFixed(0);
console.log(`${String(chunks)} chunks in ${String(PARTS)} parts: ${(tookMs / 1000).toFixed(1)} s`);
console.log(
  `a chunk: ${(tookMs / chunks).toFixed(1)} ms in all, ${(databaseMs / chunks).toFixed(1)} ms of them waiting for the database (two parts at a time)`,
);
console.log(
  `1,000 chunks: ${per(statements)} statements, ${per((await commits()) - before)} commits, ${(Number(size?.["bytes"]) / chunks / 1024).toFixed(1)} KiB of tables per chunk`,
);
await state[Symbol.asyncDispose]();
await emulator.close();
await server.stop();
process.exit(0);
