import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from "vitest";
import { sharedReceipts } from "../../src/machines/shared-runs.ts";
import { s3Objects } from "../../src/store/objects-s3.ts";
import { answerTo } from "../crash/stand.ts";
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

/** The outputs of a run's parts, in their order, from a folder on this machine. */
async function outputs(one: Cluster, id: string, folder: string): Promise<readonly string[]> {
  const receipts = await Array.fromAsync(sharedReceipts(id, one.state.database));
  return receipts.map(({ output }) => join(folder, output));
}

const COUNT = 23;
const TEXTS = Array.from({ length: COUNT }, (_, row) => `subject ${String(row)}, "as\nit was"`);

it("one large file is worked on by many, and its parts together are the whole", async () => {
  const one = await cluster();
  const input = join(one.folder, "large.csv");
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  await writeFile(input, `text;n\r\n${TEXTS.map((text) => `${quoted(text)};1\r\n`).join("")}`);
  const run = await one.enqueue({ input, partRows: 5 });
  expect(run.parts).toBe(5);
  expect(await readdir(join(one.folder, "data", run.id, "input"))).toHaveLength(5);
  const again = await one.enqueue({ input, partRows: 5 });
  expect([again.id, again.resumed, again.parts]).toEqual([run.id, true, 5]);
  for (let workers = 0; workers < 2; workers += 1) one.worker();
  expect((await one.settled(run.id)).sums).toMatchObject({ rows: COUNT, answered: COUNT });
  const rows = [];
  for (const path of await outputs(one, run.id, run.output)) {
    const [header, ...lines] = (await readFile(path, "utf8")).split("\r\n");
    expect(header).toBe("text;n;answer;answer_status;answer_error");
    rows.push(lines.slice(0, -1).join("\r\n"));
  }
  expect(rows.join("\r\n")).toBe(
    TEXTS.map((text) => `${quoted(text)};1;${answerTo(text)};ok;`).join("\r\n"),
  );
}, 120_000);

it("Parquet on object storage is cut between its row groups, read where it is, and written as Parquet", async () => {
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
  const one = await cluster({ env: s3.env, data: "s3://shared/parquet" });
  const path = join(one.folder, "rows.parquet");
  const frame = pl.DataFrame({ text: TEXTS, n: TEXTS.map((_, row) => row) });
  await frame.lazy().sinkParquet(path, { rowGroupSize: 4 }).collect();
  const place = s3Objects("s3://shared/in");
  onTestFinished(() => Promise.resolve(place[Symbol.asyncDispose]()));
  await place.put("a.parquet", path);
  await place.put("_SUCCESS", path);
  const whole = await one.enqueue({ input: "s3://shared/in/" });
  const parts = await one.enqueue({ input: "s3://shared/in/a.parquet", partRows: 8 });
  expect([whole.parts, parts.parts]).toEqual([1, 3]);
  one.worker();
  for (const run of [whole, parts]) {
    expect((await one.settled(run.id)).sums).toMatchObject({ rows: COUNT, answered: COUNT });
    const folder = await mkdtemp(join(tmpdir(), "parquet-output-"));
    const output = s3Objects(run.output);
    for (const { key } of await output.list("")) await output.fetch(key, join(folder, key));
    await output[Symbol.asyncDispose]();
    const read = (await outputs(one, run.id, folder)).map((file) => pl.readParquet(file));
    const back = pl.concat(read).select("text", "n", "answer");
    expect(back.toRecords()).toEqual(TEXTS.map((text, n) => ({ text, n, answer: answerTo(text) })));
  }
}, 120_000);

it("parts are written as they were asked for: new columns only, and cells made harmless", async () => {
  const one = await cluster({ parts: 1, rows: 2 });
  const run = await one.enqueue({ writing: { oldColumns: [] } });
  const plain = await one.enqueue();
  expect(plain.id).not.toBe(run.id);
  one.worker();
  expect((await one.settled(run.id)).sums.answered).toBe(2);
  const [path = ""] = await outputs(one, run.id, run.output);
  expect(await readFile(path, "utf8")).toBe(
    "answer,answer_status,answer_error\nanswer-0,ok,\nanswer-1,ok,\n",
  );
  const formula = join(one.folder, "formula.csv");
  await writeFile(formula, "text\n=1+1\n");
  const safe = await one.enqueue({ input: formula, writing: { formulaSafe: "all" } });
  await one.settled(safe.id);
  const [neutral = ""] = await outputs(one, safe.id, safe.output);
  expect(await readFile(neutral, "utf8")).toContain("\n'=1+1,");
}, 60_000);

it("what cannot be cut, and an output that names one file, are refused before anything is written", async () => {
  const one = await cluster();
  const input = join(one.folder, "a.json");
  await writeFile(input, '[{"text":"a"},{"text":"b"}]');
  await expect(one.enqueue({ input, partRows: 1 })).rejects.toMatchObject({
    code: "split_unsupported",
  });
  await expect(one.enqueue({ output: join(one.folder, "out.csv") })).rejects.toMatchObject({
    code: "option_unsupported",
  });
  await expect(one.enqueue({ partRows: 0 })).rejects.toMatchObject({ code: "option_invalid" });
});
