import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { Enqueued } from "../../src/machines/enqueue.ts";
import { sharedReceipts } from "../../src/machines/shared-runs.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster, UNHARMED, type Cluster } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const SHAPE = { parts: 1, rows: 2400, chunkRows: 300, paddedTo: 600 };
const MARK = "name writing.json:after";

async function cluster(): Promise<Cluster> {
  const one = await newCluster(server, SHAPE);
  onTestFinished(() => one.close());
  return one;
}

const rootOf = ({ folder }: Cluster, tmp = "tmp"): string =>
  join(folder, tmp, `batchframe-parts-${String(process.getuid?.() ?? "own")}`);

const isWorkers = (name: string): boolean => name.startsWith("worker-");

/** What is left of half-written parts, each with the leases it is of. */
const leftIn = (root: string): readonly (readonly string[])[] =>
  readdirSync(root)
    .filter((name) => !isWorkers(name))
    .map((name) => readdirSync(join(root, name)));

/** What the receipt of the only part says of its rows. */
async function countedOf(one: Cluster, { id }: Enqueued) {
  const [only] = await Array.fromAsync(sharedReceipts(id, one.state.database));
  const { rows, skippedBy, failedBy, usage } = only?.receipt as unknown as Receipt;
  return { rows, skippedBy, failedBy, usage };
}

/** Lets the replies of the first chunk be others, as long as they were: whoever reads them again writes them. */
function spoilFirstReplies({ folder }: Cluster, { id }: Enqueued): void {
  const chunks = join(folder, "data", id, "chunks");
  const found = readdirSync(chunks, { recursive: true }).map(String).sort();
  const first = found.filter((name) => /-0*1\.(replies\.jsonl|answers)$/.test(name));
  expect(first).toHaveLength(2);
  for (const name of first) {
    const path = join(chunks, name);
    writeFileSync(path, Buffer.alloc(readFileSync(path).length, "x"));
  }
}

/** A part whose worker was killed after so many marks. */
async function killedAt(nth: number): Promise<{ readonly one: Cluster; readonly run: Enqueued }> {
  const one = await cluster();
  const run = await one.enqueue();
  const strike = { at: MARK, nth, action: "kill" } as const;
  expect((await one.worker({ strike, marksAlways: true }).ended).signal).toBe("SIGKILL");
  return { one, run };
}

it("a part whose worker was killed goes on from its last mark, on the same machine", async () => {
  const whole = await cluster();
  const undisturbed = await whole.enqueue();
  whole.worker();
  await whole.settled(undisturbed.id);
  const { one, run } = await killedAt(5);
  expect(leftIn(rootOf(one))).toEqual([[expect.stringMatching(/^\d+$/)]]);
  spoilFirstReplies(one, run);
  const next = one.worker();
  expect((await one.settled(run.id)).sums).toMatchObject({ rows: 2400, answered: 2400 });
  expect(one.damage(run)).toEqual(UNHARMED);
  expect(await countedOf(one, run)).toEqual(await countedOf(whole, undisturbed));
  await next.printed("part_done");
  expect(leftIn(rootOf(one))).toEqual([]);
}, 45_000);

it("on another machine it begins again, and what was left is removed where it lies", async () => {
  const { one, run } = await killedAt(5);
  mkdirSync(join(one.folder, "elsewhere"));
  one.worker({}, { TMPDIR: join(one.folder, "elsewhere") });
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();
  expect(one.damage(run)).toEqual(UNHARMED);
  expect(leftIn(rootOf(one))).toHaveLength(1);
  const back = async (): Promise<readonly string[]> => {
    const worker = one.worker();
    await worker.printed("worker_started");
    worker.child.kill("SIGTERM");
    await worker.ended;
    return readdirSync(rootOf(one));
  };
  // The killed worker's own folder is kept for a day: it may only stand still.
  const [killed = "", ...others] = await back();
  expect([isWorkers(killed), others]).toEqual([true, []]);
  const twoDaysAgo = new Date(Date.now() - 2 * 24 * 60 * 60 * 1000);
  utimesSync(join(rootOf(one), killed), twoDaysAgo, twoDaysAgo);
  expect(await back()).toEqual([]);
}, 45_000);

it("a half-written part that was touched is not gone on with", async () => {
  const { one, run } = await killedAt(5);
  const [name = ""] = readdirSync(rootOf(one)).filter((found) => !isWorkers(found));
  const [lease = ""] = readdirSync(join(rootOf(one), name));
  const folder = join(rootOf(one), name, lease);
  const [file = ""] = readdirSync(folder).filter((found) => found.endsWith(".tmp"));
  const bytes = readFileSync(join(folder, file));
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  writeFileSync(join(folder, file), bytes);
  one.worker();
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();
  expect(one.damage(run)).toEqual(UNHARMED);
}, 45_000);

it("a frozen worker never writes into the file that another goes on with", async () => {
  // The frozen one goes on with a file itself, so that whatever it adds comes at the end of it.
  const { one, run } = await killedAt(2);
  const strike = { at: MARK, nth: 2, action: "stop" } as const;
  const frozen = one.worker({ strike, marksAlways: true });
  await frozen.printed("struck at");
  const next = one.worker({ strike, marksAlways: true, leaseMs: 8000 });
  await next.printed("struck at");
  // Both are in the middle of one part, and the first writes on before the second does.
  frozen.child.kill("SIGCONT");
  await frozen.printed('"code":"lock_lost"');
  next.child.kill("SIGCONT");
  expect((await one.settled(run.id)).sums).toMatchObject({ errors: [], parts: { done: 1 } });
  expect(one.damage(run)).toEqual(UNHARMED);
  await next.printed("part_done");
  expect(leftIn(rootOf(one))).toEqual([]);
}, 45_000);
