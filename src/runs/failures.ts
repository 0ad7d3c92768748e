/** The rows of a run on disk that have no answer, and why. */

import { dirname } from "node:path";
import type { FailedRequest } from "../core/chunk.ts";
import { rowWithoutRequest } from "../core/plan.ts";
import type { RowErrorCode } from "../core/result.ts";
import { locatedCorrections } from "../session/corrected-answers.ts";
import { readingOfSpec, readSpec } from "../session/run-spec.ts";
import { readCorrections } from "../store/corrections.ts";
import { openSqliteReader } from "../store/sqlite-reader.ts";
import type { Store } from "../store/store.ts";
import type { RunStatus } from "./run-status.ts";
import { readerOf } from "./trace.ts";

/** A row that has no answer, and why. */
export interface RowFailure {
  /** The row's position, counted from 0. */
  readonly row: number;
  readonly code: RowErrorCode;
  readonly message: string;
}

/** What else listing failures tells. */
export interface FailuresHow {
  /** Told of each row that had failed and was given its answer by a review. */
  readonly onCorrected?: (row: number) => void;
}

/**
 * The rows of a run that have failed so far, in row order; readable while the run is being driven. Of a
 * run with a second model, those that no model has answered. Rows that a review has given their answer
 * have not failed.
 */
export async function* failuresOf(
  run: RunStatus,
  { onCorrected }: FailuresHow = {},
): AsyncGenerator<RowFailure> {
  if (run.passes.length > 0) {
    yield* failuresOfPasses(run.passes);
    return;
  }
  for (const step of run.steps)
    for await (const failure of failuresOf(step))
      yield { ...failure, message: `${step.column}: ${failure.message}` };
  if (run.steps.length > 0) return;
  const corrected = await correctedRequests(run);
  for await (const block of fatesOf(run))
    for (const { row, request, failure } of block)
      if (failure === null) continue;
      else if (corrected.has(request)) onCorrected?.(row);
      else yield { row, ...failure };
}

/** The requests of a run that a review has answered; none where its model cannot be loaded to read them. */
async function correctedRequests(run: RunStatus): Promise<ReadonlyMap<number, unknown>> {
  const corrections = await readCorrections(dirname(run.directory));
  if (corrections.size === 0) return new Map();
  const store = openSqliteReader(run.directory);
  try {
    const spec = readSpec(await store.run());
    const model = spec.vote === null ? await readerOf(spec) : null;
    if (model === null) return new Map();
    try {
      const reading = await readingOfSpec(spec, model);
      return (await locatedCorrections(corrections, store, reading)).values;
    } finally {
      await model.provider.close();
    }
  } finally {
    store[Symbol.dispose]();
  }
}

/** The rows that no pass has answered: each with how the last one that asked it failed, and the first before it. */
async function* failuresOfPasses(passes: readonly RunStatus[]): AsyncGenerator<RowFailure> {
  const readers = passes.map((pass) => eachOf(fatesOf(pass)));
  try {
    for (;;) {
      const taken = await Promise.all(readers.map((reader) => reader.next()));
      const [first = null, ...later] = taken.map(({ value }) => value ?? null);
      if (first === null) return;
      const asked = [first, ...later.filter((fate) => fate?.isAsked === true)];
      const last = asked.at(-1)?.failure ?? null;
      // A pass without a failure has an answer, or may have one yet.
      if (last === null || asked.some((fate) => fate?.failure === null)) continue;
      const told =
        asked.length > 1
          ? ` (${passes[0]?.model ?? ""} before: ${String(first.failure?.code)})`
          : "";
      yield { row: first.row, code: last.code, message: `${last.message}${told}` };
    }
  } finally {
    for (const reader of readers) await reader.return(undefined);
  }
}

interface Fate {
  readonly row: number;
  /** The request that answers it; negative where there is none. */
  readonly request: number;
  /** Whether the run was to ask the row. */
  readonly isAsked: boolean;
  readonly failure: Omit<RowFailure, "row"> | null;
}

/** Every planned row of one run in order, in blocks, with how it has failed. */
async function* fatesOf(run: RunStatus): AsyncGenerator<readonly Fate[], undefined> {
  const reader = openSqliteReader(run.directory);
  try {
    yield* fatesIn(reader);
  } finally {
    reader[Symbol.dispose]();
  }
}

type FateReader = Pick<Store, "failures" | "plannedRows">;

async function* fatesIn(reader: FateReader): AsyncGenerator<readonly Fate[], undefined> {
  const failed = new Map<number, FailedRequest>();
  for await (const failure of reader.failures()) failed.set(failure.ordinal, failure);
  for await (const { firstRow, requests } of reader.plannedRows())
    yield [...requests].map((request, at) => fateOf(firstRow + at, request, failed));
}

/** The failed rows of the one run that a reader reads, in row order. */
export async function* failuresIn(reader: FateReader): AsyncGenerator<RowFailure> {
  for await (const block of fatesIn(reader))
    for (const { row, failure } of block) if (failure !== null) yield { row, ...failure };
}

function fateOf(row: number, request: number, failed: ReadonlyMap<number, FailedRequest>): Fate {
  if (request >= 0) {
    const { code, message } = failed.get(request) ?? { code: null, message: "" };
    return { row, request, isAsked: true, failure: code === null ? null : { code, message } };
  }
  const fate = rowWithoutRequest(request);
  if (!("rejected" in fate)) return { row, request, isAsked: false, failure: null };
  return {
    row,
    request,
    isAsked: true,
    failure: { code: fate.rejected, message: "It was not sent." },
  };
}

async function* eachOf<T>(blocks: AsyncIterable<readonly T[]>): AsyncGenerator<T, undefined> {
  for await (const block of blocks) yield* block;
}
