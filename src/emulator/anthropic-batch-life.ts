/** The life of a message batch: its requests, executed a few at a time and delivered in any order. */
import { rm } from "node:fs/promises";
import type { MessageBatch, RowCounts } from "./anthropic-batch.ts";
import type { StoredRow } from "./anthropic-batch-intake.ts";
import { errorOnWire } from "./anthropic-errors.ts";
import { executeMessage } from "./anthropic-message.ts";
import type { Target } from "./fault-state.ts";
import { parseJson } from "./json.ts";
import { spoiledLines } from "./line-faults.ts";
import { holdIfStruck, pauseWhile } from "./batch-pause.ts";
import { hexId } from "./fingerprint.ts";
import { shuffledOrder } from "./random.ts";
import { startResultFile, type ResultFile } from "./result-file.ts";
import { runSlices } from "./row-slices.ts";
import { openRows, type RowSource } from "./row-source.ts";
import { after, allOf, type Soon } from "./soon.ts";
import type { World } from "./world.ts";

interface Run {
  readonly world: World;
  readonly batch: MessageBatch;
  readonly input: RowSource;
  readonly results: ResultFile;
  readonly order: Uint32Array;
}

/** Lives the whole life of `batch`; resolves when it has ended or the emulator closes. */
export async function liveMessageBatch(world: World, batch: MessageBatch): Promise<void> {
  const { settings } = world;
  await pauseWhile(world, batch, settings.validatingMs, () => !batch.cancelRequested);
  await holdIfStruck(world, batch, "stuckValidating");
  await holdIfStruck(world, batch, "stuck");
  if (world.closing.aborted) return;
  const results = await startResultFile(world, [batch.sequence, "results"]);
  const input = await openRows(batch.rows.path);
  const order = shuffledOrder(batch.count, settings.seed + batch.sequence);
  try {
    await runRows({ world, batch, input, results, order });
  } finally {
    await input.close();
    await rm(batch.rows.path, { force: true });
  }
}

async function runRows(run: Run): Promise<void> {
  const { world, batch, results } = run;
  const execute = (from: number, to: number): Promise<void> => executeRows(run, from, to);
  const ended = await runSlices({ world, batch, count: batch.count, execute });
  if (world.closing.aborted) {
    await results.writer.discard();
    return;
  }
  // A batch that was cancelled while it was held or expiring is still cancelled.
  const unexecuted = batch.cancelRequested ? "canceled" : "expired";
  for (const index of run.order.subarray(ended.done)) {
    batch.counts[unexecuted] += 1;
    const row = rowAt(run, index);
    await results.write(JSON.stringify(lineOf(row, { type: unexecuted })));
  }
  const waitMs = batch.cancelRequested ? world.settings.cancellingMs : world.settings.finalizingMs;
  await pauseWhile(world, batch, waitMs, () => true);
  await results.writer.finish();
  await publish(run);
}

async function publish({ world, batch, results }: Run): Promise<void> {
  if (world.closing.aborted) return;
  const { path } = results.writer;
  const isEmptied = world.faults.strike("emptyOutput", { key: [batch.sequence] }) !== null;
  if (isEmptied) {
    const empty = await world.files.startWriting();
    await empty.finish();
    await rm(path, { force: true });
    batch.results = { path: empty.path, bytes: 0 };
  } else batch.results = { path, bytes: results.writer.bytes() };
  batch.endedAtMs = world.nowMs();
  batch.status = "ended";
}

async function executeRows(run: Run, from: number, to: number): Promise<void> {
  const rows = Array.from(run.order.subarray(from, to), (index) =>
    executeRow(run, rowAt(run, index)),
  );
  const finishes = await allOf(rows);
  if (run.world.closing.aborted) return;
  for (const finish of finishes) {
    const { ended, lines } = finish();
    run.batch.counts[ended] += 1;
    for (const line of lines) {
      const full = run.results.write(line);
      if (full !== undefined) await full;
    }
  }
}

interface RowOutcome {
  readonly ended: keyof RowCounts;
  readonly lines: readonly string[];
}

/** Executes one row, faults included, and gives what makes its outcome; neither part throws. */
function executeRow({ world, batch }: Run, row: StoredRow): Soon<() => RowOutcome> {
  const { customId, params } = row;
  const attempt = world.ledger.appearances(customId);
  const key = [customId, attempt];
  const target: Target = { key, customId, text: () => JSON.stringify(params) };
  if (world.faults.strike("expireRows", target) !== null) {
    const lines = [JSON.stringify(lineOf(row, { type: "expired" }))];
    return () => ({ ended: "expired", lines });
  }
  const { version } = batch;
  const finishing = executeMessage(world, { params, version, customId, target });
  return after(finishing, (finish) => () => {
    const done = finish();
    if ("failure" in done) world.ledger.countFailedRow();
    const requestId = `req_${hexId(world.settings.seed, 24, "row request", ...key)}`;
    const result =
      "message" in done
        ? { type: "succeeded", message: done.message }
        : { type: "errored", error: errorOnWire(done.failure, requestId) };
    const text = JSON.stringify(lineOf(row, result));
    const lines = spoiledLines(world, { text, customId, target });
    return { ended: "message" in done ? "succeeded" : "errored", lines };
  });
}

function lineOf({ customId }: StoredRow, result: unknown): unknown {
  return { custom_id: customId, result };
}

function rowAt({ input, batch }: Run, index: number): StoredRow {
  const { offsets, lengths } = batch.rows;
  return parseJson(input.text(offsets[index] ?? 0, lengths[index] ?? 0)) as StoredRow;
}
