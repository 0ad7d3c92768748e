import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { enrichFile } from "../../src/enrich.ts";
import { openFile } from "../../src/files/files.ts";
import type { RawCell } from "../../src/frame/cell-type.ts";
import { exportSharedRun } from "../../src/machines/shared-rows.ts";
import { listSharedRuns, sharedReceipts } from "../../src/machines/shared-runs.ts";
import { s3Objects } from "../../src/store/objects-s3.ts";
import { duckdb } from "../frame/typed-support.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster, type Cluster, type ClusterShape } from "./cluster.ts";
import { startFlakyS3, type FlakyS3 } from "./flaky-s3.ts";

let server: PostgresServer;
let s3: FlakyS3;

beforeAll(async () => {
  server = await startPostgres();
  s3 = await startFlakyS3(1000);
});
afterAll(async () => {
  await s3.close();
  await server.stop();
});

async function cluster(shape: ClusterShape = {}): Promise<Cluster> {
  const one = await newCluster(server, shape);
  onTestFinished(() => one.close());
  return one;
}

/** Rows of which every part of five has other types than the whole. */
const ROWS = Array.from({ length: 23 }, (_, row) => {
  const members = [
    `"text":"subject ${String(row)}"`,
    `"id":${String(9007199254740993n + BigInt(row))}`,
    `"large":${row < 20 ? String(row) : "18446744073709551615"}`,
    `"price":${row < 7 ? String(row) : "0.25"}`,
    `"mixed":${row < 15 ? String(row) : '"none"'}`,
    `"rounded":${row === 22 ? "0.1000000000000000055" : "0.1"}`,
    ...(row < 10 ? [] : [`"isLate":${String(row % 2 === 0)}`]),
    ...(row === 12 ? ['"tags":["a"]'] : []),
    `"never":null`,
  ];
  return `{${members.join(",")}}\n`;
});
const NOTES = [
  'Column "mixed" holds numbers and text; it is written as exact text.',
  'Column "rounded" holds numbers that a 64-bit float would round; it is written as exact text.',
  'Column "tags" holds lists or objects; it is written as exact text.',
];

/** The same input asked by one process; what its plan said, and where its output is. */
async function alone(one: Cluster, input: string, name: string, about = "text") {
  const output = join(one.folder, name);
  const run = enrichFile(
    { input, output },
    `Judge this: {{${about}}}`,
    {
      ...{ provider: "openai", model: "gpt-test" },
      ...{ baseUrl: one.emulator.url, apiKey: "test-key" },
    },
    {
      ...{ column: "answer", cache: false, lane: "batch" },
      ...{ pollEveryMs: 20, runDir: join(one.folder, "runs") },
    },
  );
  const { warnings } = await run.plan();
  await run;
  return { warnings, output };
}

/** What `describe` says of a Parquet file, and all its rows, as DuckDB reads them. */
async function asDuckdbReads(path: string) {
  const db = await duckdb();
  const rows = async (sql: string) => (await db.runAndReadAll(sql)).getRowsJson();
  return {
    columns: await rows(`describe select * from '${path}'`),
    schema: await rows(
      `select name, type, converted_type, logical_type, repetition_type from parquet_schema('${path}')`,
    ),
    rows: await rows(`select * from '${path}'`),
  };
}

async function contentOf(path: string) {
  const file = await openFile(path);
  const types = ((await file.types?.()) ?? []).map(({ name, type }) => ({ name, type }));
  const cells = new Map<string, RawCell[]>(file.columns.map((name) => [name, []]));
  for await (const block of file.blocks(file.columns, 100))
    for (const name of file.columns) cells.get(name)?.push(...(block.raw?.(name) ?? []));
  return { columns: file.columns, types, cells };
}

it.each(["parquet", "arrow"] as const)(
  "JSON Lines that two workers write as %s have the types and cells that one machine gives them",
  async (ending) => {
    const one = await cluster();
    const input = join(one.folder, "rows.jsonl");
    await writeFile(input, ROWS.join(""));
    const single = await alone(one, input, `alone.${ending}`);
    const job = { input, partRows: 5, output: join(one.folder, `out/*.${ending}`) };
    const told: string[] = [];
    const run = await one.enqueue(job, {
      beforeRecording: (warnings) => Promise.resolve(void told.push(...warnings)),
    });
    expect(run.parts).toBe(5);
    expect(single.warnings).toEqual(NOTES);
    expect([told, run.warnings]).toEqual([NOTES, NOTES]);
    one.worker({ concurrency: 1 });
    one.worker({ concurrency: 1 });
    expect((await one.settled(run.id)).sums).toMatchObject({ rows: 23, answered: 23 });
    const { database } = one.state;
    const shared = join(one.folder, `shared.${ending}`);
    await exportSharedRun(run.id, shared, { database });
    const whole = await contentOf(shared);
    expect(whole).toEqual(await contentOf(single.output));
    expect(Object.fromEntries(whole.types.map(({ name, type }) => [name, type]))).toMatchObject({
      ...{ id: { kind: "integer", isSigned: true }, large: { kind: "integer", isSigned: false } },
      ...{ price: { kind: "float", bits: 64 }, isLate: { kind: "boolean" } },
      ...{ mixed: { kind: "text" }, rounded: { kind: "text" }, never: { kind: "text" } },
    });
    if (ending === "parquet")
      expect(await asDuckdbReads(shared)).toEqual(await asDuckdbReads(single.output));
    // Every part by itself has them too, and its receipt says what the single one's says.
    for (const { output, receipt } of await Array.fromAsync(sharedReceipts(run.id, database))) {
      expect((await contentOf(join(run.output, output))).types).toEqual(whole.types);
      expect(receipt).toMatchObject({ warnings: NOTES });
    }
  },
  120_000,
);

it("JSON of several files on object storage has the types of all, looked for once", async () => {
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  const one = await cluster({ env: s3.env });
  const folder = join(one.folder, "json");
  await mkdir(folder);
  await writeFile(join(folder, "a.json"), `[${ROWS.slice(0, 9).join(",")}]`);
  await writeFile(join(folder, "b.json"), `[${ROWS.slice(9).join(",")}]`);
  const place = s3Objects("s3://shared/json");
  onTestFinished(() => Promise.resolve(place[Symbol.asyncDispose]()));
  for (const name of ["a.json", "b.json"]) await place.put(name, join(folder, name));
  // Only the second file has any.
  const single = await alone(one, folder, "alone.parquet", "tags");
  const output = join(one.folder, "out/*.parquet");
  const job = { input: "s3://shared/json/", output, template: "Judge this: {{tags}}" };
  const refused = one.enqueue(job, { beforeRecording: () => Promise.reject(new Error("no")) });
  await expect(refused).rejects.toThrow("no");
  expect(await listSharedRuns(one.state.database)).toEqual([]);
  const run = await one.enqueue(job);
  expect([run.parts, run.resumed, run.warnings]).toEqual([2, false, NOTES]);
  const fetchesOfLast = (): number =>
    s3.calls().filter((call) => /GET .*b\.json/.test(call)).length;
  const before = fetchesOfLast();
  const other = await one.enqueue({ ...job, template: "And this? {{tags}}" });
  expect([other.resumed, other.warnings, fetchesOfLast()]).toEqual([false, NOTES, before]);
  one.worker();
  expect((await one.settled(run.id)).sums).toMatchObject({ rows: 23, answered: 1 });
  const shared = join(one.folder, "shared.parquet");
  await exportSharedRun(run.id, shared, { database: one.state.database });
  expect(await asDuckdbReads(shared)).toEqual(await asDuckdbReads(single.output));
}, 120_000);

it("a part whose JSON was changed since stops, and never writes other values under the types", async () => {
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  const one = await cluster({ env: s3.env });
  const path = join(one.folder, "rows.jsonl");
  const place = s3Objects("s3://shared/changed");
  onTestFinished(() => Promise.resolve(place[Symbol.asyncDispose]()));
  await writeFile(path, '{"text":"subject 1","n":1}\n');
  await place.put("rows.jsonl", path);
  const output = join(one.folder, "out/*.parquet");
  const run = await one.enqueue({ input: "s3://shared/changed/rows.jsonl", output });
  await writeFile(path, '{"text":"subject 1","n":"one"}\n');
  await place.put("rows.jsonl", path);
  one.worker();
  expect((await one.settled(run.id)).sums).toMatchObject({
    parts: { failed: 1, done: 0 },
    errors: [
      { error: { code: "input_changed", message: expect.stringContaining('"n"') as string } },
    ],
  });
}, 60_000);
