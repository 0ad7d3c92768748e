/** The rows of a shared run, over all its parts: those that failed, and the whole as one file. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { InputError } from "../core/errors.ts";
import type { RowErrorCode } from "../core/result.ts";
import { joinFiles } from "../files/join-files.ts";
import type { Database } from "../store/postgres-client.ts";
import { readDataset } from "../store/postgres-datasets.ts";
import { partReceipts, partRuns, type PartRun } from "../store/postgres-progress.ts";
import { readFailures, readPlannedRows } from "../store/postgres-read.ts";
import { datasetSpec } from "./dataset-spec.ts";
import { isRemote, openPlace } from "./places.ts";

/** A row without an answer. */
export interface SharedFailure {
  /** Counted from 0 over all parts in their order. */
  readonly row: number;
  readonly part: number;
  readonly code: RowErrorCode;
  readonly message: string;
}

/** The failed rows of a shared run's planned parts, in order. Memory holds one part's failures. */
export async function* sharedFailures(
  id: string,
  database: Database,
): AsyncGenerator<SharedFailure> {
  let first = 0;
  for await (const part of partRuns(database, id)) {
    yield* failuresOfPart(part, first, database);
    first += part.rows;
  }
}

async function* failuresOfPart(
  { run, number }: PartRun,
  first: number,
  database: Database,
): AsyncGenerator<SharedFailure> {
  const failures = new Map<number, { readonly code: RowErrorCode; readonly message: string }>();
  for await (const { ordinal, code, message } of readFailures(database, run))
    failures.set(ordinal, { code, message });
  if (failures.size === 0) return;
  for await (const { firstRow, requests } of readPlannedRows(database, run))
    for (const [at, request] of requests.entries()) {
      const failure = failures.get(request);
      if (failure !== undefined) yield { row: first + firstRow + at, part: number, ...failure };
    }
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
  database: Database,
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
      const path = join(folder, part.output);
      await place.fetch(part.output, path);
      paths.push(path);
    }
    const { reading } = datasetSpec(dataset.spec).run;
    const target = isRemote(output) ? join(folder, "whole", basename(output)) : output;
    const rows = await joinFiles(paths, { output: target, reading });
    if (isRemote(output)) await putWhole(target, output);
    return { parts: paths.length, rows };
  } finally {
    await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

async function putWhole(path: string, output: string): Promise<void> {
  const place = openPlace(dirname(output).replace(/^s3:\/(?!\/)/, "s3://"));
  try {
    await place.put(basename(output), path);
  } finally {
    await place[Symbol.asyncDispose]();
  }
}
