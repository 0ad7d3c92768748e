import { mkdtemp, readFile, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished, vi } from "vitest";
import { s3Address, s3Objects, type S3Options } from "../../src/store/objects-s3.ts";
import type { Objects } from "../../src/store/objects.ts";
import { sharedReceipts } from "../../src/machines/shared-runs.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { woken } from "../crash/stand.ts";
import { newCluster } from "./cluster.ts";
import { startFlakyS3, type FlakyS3 } from "./flaky-s3.ts";

let server: PostgresServer;
let s3: FlakyS3;

beforeAll(async () => {
  server = await startPostgres();
  s3 = await startFlakyS3(3);
});
afterAll(async () => {
  await s3.close();
  await server.stop();
});
/** Objects that are closed with the test. */
function opened(url: string, options: S3Options = {}): Objects {
  const objects = s3Objects(url, options);
  onTestFinished(() => Promise.resolve(objects[Symbol.asyncDispose]()));
  return objects;
}

beforeEach(() => {
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
});

it("objects come back as they were, though a third of the calls fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "s3-"));
  const objects = opened("s3://shared/objects");
  const from = join(folder, "from");
  const bytes = Buffer.alloc(300_000, "0123456789 é\n");
  await writeFile(from, bytes);
  for (const key of ["b/2", "b/1", "a"]) await objects.put(key, from);
  await objects.fetch("b/1", join(folder, "deep", "to"));
  expect(await readFile(join(folder, "deep", "to"))).toEqual(bytes);
  expect(await objects.bytes("a")).toBe(bytes.length);
  expect(await objects.bytes("none")).toBeNull();
  expect((await objects.list("b/")).map(({ key }) => key)).toEqual(["b/1", "b/2"]);
  await objects.remove(["b/1", "none"]);
  expect((await objects.list("")).map(({ key }) => key)).toEqual(["a", "b/2"]);
  await expect(objects.fetch("none", join(folder, "none"))).rejects.toMatchObject({
    code: "object_missing",
  });
  expect(s3.counts().failed).toBeGreaterThan(3);
});

// The least that storage takes of a part that is not the last.
const PART_BYTES = 5 * 1024 * 1024;

it("large objects go in parts, though a third of the calls fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "s3-"));
  const objects = opened("s3://shared/large", { partBytes: PART_BYTES });
  const from = join(folder, "from");
  const bytes = Buffer.alloc(2 * PART_BYTES + 7, "0123456789 é\n");
  await writeFile(from, bytes);
  await objects.put("whole", from);
  const numbers = s3.calls().map((call) => /large\/whole.*partNumber=(\d+)/.exec(call)?.[1]);
  expect(new Set(numbers.filter((number) => number !== undefined))).toEqual(
    new Set(["1", "2", "3"]),
  );
  expect(await objects.bytes("whole")).toBe(bytes.length);
  await objects.fetch("whole", join(folder, "to"));
  expect((await readFile(join(folder, "to"))).equals(bytes)).toBe(true);
});

it("an upload in parts that is interrupted is taken back, and leaves no object", async () => {
  const folder = await mkdtemp(join(tmpdir(), "s3-"));
  const objects = opened("s3://shared/ended", { partBytes: PART_BYTES });
  const from = join(folder, "from");
  await writeFile(from, "");
  await truncate(from, 20 * PART_BYTES);
  const calls = (part: RegExp): number => s3.calls().filter((call) => part.test(call)).length;
  const stop = new AbortController();
  const putting = objects.put("half", from, stop.signal).then(
    () => "sent",
    (error: unknown) => (error as Error).message,
  );
  while (calls(/ended\/half.*partNumber=2/) === 0)
    await new Promise((resolve) => setTimeout(resolve, 2));
  stop.abort(new Error("enough"));
  expect(await putting).toBe("enough");
  expect(calls(/ended\/half.*partNumber=20/)).toBe(0);
  expect(calls(/^DELETE .*ended\/half.*uploadId=/)).toBeGreaterThan(0);
  expect(await objects.bytes("half")).toBeNull();
});

it("a bucket that is not there, and an address that is none, are told so", async () => {
  const objects = opened("s3://elsewhere/x");
  const missing = {
    code: "object_missing",
    message: expect.stringMatching(/^There is no bucket elsewhere/) as unknown,
  };
  await expect(objects.list("")).rejects.toMatchObject(missing);
  await expect(objects.put("a", import.meta.filename)).rejects.toMatchObject(missing);
  expect(() => s3Address("s3://x")).toThrow("no address in object storage");
  expect(s3Address("s3://bucket")).toEqual({ bucket: "bucket", prefix: "" });
});

it("a run over object storage that fails a third of all calls, with workers killed and frozen, loses nothing and pays nothing twice", async () => {
  const one = await newCluster(server, {
    parts: 3,
    rows: 20,
    data: "s3://shared/runs",
    env: s3.env,
  });
  try {
    const run = await one.enqueue();
    const strike = { at: "insert file:before", nth: 3, action: "kill" } as const;
    const victim = one.worker({ strike });
    await victim.printed("struck at");
    const still = [
      one.worker({ strike: { at: "chunk collected:before", nth: 1, action: "stop" } }),
      one.worker({ strike: { at: "part done:before", nth: 1, action: "stop" } }),
    ];
    for (const worker of still) await worker.printed("struck at");
    one.worker();
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    const ends = still.map((worker) => woken(worker));
    // It is either told that another has its part, or finds that its open transaction was ended for it.
    for (const worker of still)
      await Promise.any([
        worker.printed('"code":"lock_lost"'),
        worker.printed('"code":"state_unreachable"'),
      ]);
    for (const { child } of still) child.kill("SIGTERM");
    await Promise.all(ends);
    const output = opened(run.output);
    const folder = await mkdtemp(join(tmpdir(), "s3-output-"));
    // What nothing refers to is removed when a worker finds it, which may be now.
    for await (const { output: key } of sharedReceipts(run.id, one.state.database))
      await output.fetch(key, join(folder, key));
    expect(one.damage({ ...run, output: folder })).toEqual({
      partsLost: 0,
      linesWrong: 0,
      requestsBilledTwice: 0,
      requestsBilledTooFew: 0,
    });
  } finally {
    await one.close();
  }
}, 120_000);
