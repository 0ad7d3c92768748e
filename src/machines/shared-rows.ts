/** The rows of a shared run, over all its parts: those that failed, and the whole as one file. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import type { RowErrorCode } from "../core/result.ts";
import { joinFiles } from "../files/join-files.ts";
import { writeFailedRows } from "../runs/failure-file.ts";
import { failuresIn } from "../runs/failures.ts";
import { traceIn, type RowTrace } from "../runs/trace.ts";
import type { Database } from "../store/postgres-client.ts";
import { readDataset } from "../store/postgres-datasets.ts";
import { partReceipts, partRuns } from "../store/postgres-progress.ts";
import { readFailures, readPlannedRows } from "../store/postgres-read.ts";
import { postgresReader } from "../store/postgres-reader.ts";
import { datasetSpec } from "./dataset-spec.ts";
import { isRemote, openPlace } from "./places.ts";
import type { SharedRun } from "./shared-runs.ts";

/** A row without an answer. */
export interface SharedFailure {
  /** Counted from 0 over all parts in their order. */
  readonly row: number;
  readonly part: number;
  readonly code: RowErrorCode;
  readonly message: string;
}

/**
 * The failed rows of a shared run's planned parts, in order. Memory holds one part's failures. Rows are
 * counted over the parts that are planned.
 */
export async function* sharedFailures(
  id: string,
  database: Database,
): AsyncGenerator<SharedFailure> {
  let first = 0;
  for await (const { run, number, rows } of partRuns(database, id)) {
    const reader = {
      failures: () => readFailures(database, run),
      plannedRows: () => readPlannedRows(database, run),
    };
    for await (const failure of failuresIn(reader))
      yield { ...failure, row: first + failure.row, part: number };
    first += rows;
  }
}

/**
 * Writes the failed rows of a shared run, over all its parts: `row` (counted from 1), `code` and `message`,
 * in the format of the name's ending; on this machine, or an object on `s3://`. Gives how many there are.
 *
 * @throws {InputError} `output_format`, `output_unwritable`, `disk_full`.
 */
export async function writeSharedFailures(
  id: string,
  output: string,
  database: Database,
): Promise<number> {
  return await written(output, (path) =>
    writeFailedRows(sharedFailures(id, database), path, { input: null }),
  );
}

/**
 * A row of a shared run, counted from 0 over its planned parts, and every request that was made for it.
 * Needs no key and sends nothing.
 *
 * @throws {InputError} `row_unknown` for a row that no planned part has. @throws {StoreError} `data_unreachable`.
 */
export async function traceSharedRow(
  { id, column, model }: Pick<SharedRun, "id" | "column" | "model">,
  row: number,
  database: Database,
): Promise<RowTrace> {
  let first = 0;
  for await (const { run, number, rows } of partRuns(database, id)) {
    if (row >= first + rows) {
      first += rows;
      continue;
    }
    const dataset = await readDataset(database, id);
    const spool = await mkdtemp(join(tmpdir(), "batchframe-show-"));
    const objects = openPlace(dataset.data);
    try {
      const reader = postgresReader(database, { run, objects, spool });
      const { run: spec } = datasetSpec(dataset.spec);
      const trace = await traceIn(reader, { id, column, model, spec }, row - first);
      return { ...trace, row, part: number };
    } finally {
      await objects[Symbol.asyncDispose]();
      await rm(spool, { recursive: true, force: true });
    }
  }
  throw new InputError(
    "row_unknown",
    `Run ${id} has no row ${String(row + 1)} in its planned parts, which have ${String(first)} rows.`,
    { hint: `See how far it is: batchframe status ${id} --state` },
  );
}

/** One file made of a shared run's parts. */
export interface ExportedRun {
  readonly parts: number;
  readonly rows: number;
}

/**
 * Puts the outputs of a shared run's parts into one file, in their order and in the format of its ending;
 * on this machine, or an object on `s3://`. Sends nothing. The file appears whole or not at all; the parts
 * are copied to this machine meanwhile.
 *
 * @throws {InputError} `run_unfinished` while a part is not done, and what reading and writing files throws.
 * @throws {StoreError} `object_missing`, `data_unreachable`.
 */
export async function exportSharedRun(
  id: string,
  output: string,
  { database, signal }: { readonly database: Database; readonly signal?: AbortSignal },
): Promise<ExportedRun> {
  const dataset = await readDataset(database, id);
  if (dataset.finishedAtMs === null)
    throw new InputError(
      "run_unfinished",
      `Run ${id} is not finished, so its parts are not all there yet. Nothing was written.`,
      { hint: `Follow it with: batchframe attach ${id} --state` },
    );
  const folder = await mkdtemp(join(tmpdir(), "batchframe-export-"));
  const place = openPlace(dataset.output);
  try {
    const paths: string[] = [];
    for await (const part of partReceipts(database, id)) {
      signal?.throwIfAborted();
      const path = join(folder, part.output);
      await place.fetch(part.output, path);
      paths.push(path);
    }
    const { reading } = datasetSpec(dataset.spec).run;
    const rows = await written(
      output,
      (target) => joinFiles(paths, { output: target, reading }),
      signal,
    );
    return { parts: paths.length, rows };
  } finally {
    await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has a file written where it belongs: here, or as one object on `s3://` once it is whole. */
async function written<T>(
  output: string,
  write: (path: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  if (!isRemote(output)) return await write(output);
  const folder = await mkdtemp(join(tmpdir(), "batchframe-output-"));
  const at = output.lastIndexOf("/");
  const place = openPlace(output.slice(0, at));
  try {
    const path = join(folder, output.slice(at + 1));
    const result = await write(path);
    await place.put(output.slice(at + 1), path, signal);
    return result;
  } finally {
    await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}
