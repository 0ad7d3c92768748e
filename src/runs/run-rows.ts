/** The rows of a run on disk, with what became of each so far. */

import { dirname } from "node:path";
import { InputError } from "../core/errors.ts";
import type { RowErrorCode, RowStatus } from "../core/result.ts";
import { passedRows, settledOutcome } from "../passes/pass-rows.ts";
import { readingOfSpec, readSpec } from "../session/run-spec.ts";
import { locatedCorrections, withCorrections } from "../session/corrected-answers.ts";
import { storedAnswers } from "../session/stored-answers.ts";
import { joinRows, type JoinedRows, type RowOutcome } from "../stages/join.ts";
import { readCorrections } from "../store/corrections.ts";
import { openSqliteReader } from "../store/sqlite-reader.ts";
import type { RunStatus } from "./run-status.ts";
import { readerOf } from "./trace.ts";

/** A row of a run, and what became of it. */
export interface RunRow {
  /** The row's position, counted from 0. */
  readonly row: number;
  /** `pending` while its request has no answer. */
  readonly status: RowStatus | "pending";
  /** The answer; null where there is none. */
  readonly value: unknown;
  /** Why there is no answer; null unless `status` is `failed`. */
  readonly error: { readonly code: RowErrorCode; readonly message: string } | null;
  /** Why it was not asked; null unless `status` is `skipped`. */
  readonly reason: string | null;
}

/**
 * The rows of a run from `firstRow` on, in row order and in blocks of about a thousand; none before its
 * rows are planned. Of a run that asks more than one model, each row once, with what its models came to.
 * Of a run of several columns there are none: ask for those of one of its `steps`.
 *
 * Readable while the run is driven; needs no key, sends and writes nothing.
 *
 * @throws {InputError} `reader_missing` where the provider that reads the replies cannot be loaded.
 */
export async function* rowsOf(run: RunStatus, firstRow = 0): AsyncGenerator<readonly RunRow[]> {
  if (run.steps.length > 0) return;
  if (run.passes.length === 0) {
    for await (const block of joined(run, firstRow))
      yield block.outcomes.map((outcome, at) => runRow(block.firstRow + at, outcome));
    return;
  }
  const latestDecides = await isCascade(run);
  const sources = run.passes.map((pass) => ({ rows: (from = 0) => joined(pass, from) }));
  for await (const block of passedRows(sources, firstRow)) {
    const [first = []] = block.passes;
    yield first.map((_, at) => {
      const outcomes = block.passes.flatMap((outcomes) => outcomes[at] ?? []);
      return runRow(block.firstRow + at, settledOutcome(outcomes, latestDecides));
    });
  }
}

/** Whether a later answer counts more than an earlier one, however sure that was. */
async function isCascade({ passes: [first] }: RunStatus): Promise<boolean> {
  if (first === undefined) return false;
  const store = openSqliteReader(first.directory);
  try {
    const { followedBy } = readSpec(await store.run());
    return typeof followedBy === "object" && followedBy !== null && "cascade" in followedBy;
  } finally {
    store[Symbol.dispose]();
  }
}

async function* joined(run: RunStatus, firstRow: number): AsyncGenerator<JoinedRows> {
  const store = openSqliteReader(run.directory);
  try {
    const spec = readSpec(await store.run());
    const model = await readerOf(spec);
    if (model === null)
      throw new InputError(
        "reader_missing",
        `The replies of run ${run.id} are ${run.model}'s, which cannot be loaded here.`,
        { hint: "The rows themselves are in its output. Nothing was sent." },
      );
    const { provider } = model;
    try {
      const reading = await readingOfSpec(spec, model);
      const requests = run.plan?.requests ?? (await plannedRequests(store));
      const stored = await storedAnswers({ store, provider, reading, requests, keepsIn: null });
      const corrections = await readCorrections(dirname(run.directory));
      const known = await locatedCorrections(corrections, store, reading);
      const answers = withCorrections(stored, known);
      yield* joinRows({ store, answers, isPartial: true, firstRow });
    } finally {
      await provider.close();
    }
  } finally {
    store[Symbol.dispose]();
  }
}

/** How many requests the rows planned so far have. */
async function plannedRequests(
  store: Pick<ReturnType<typeof openSqliteReader>, "plannedRows">,
): Promise<number> {
  let requests = 0;
  for await (const block of store.plannedRows())
    for (const request of block.requests) requests = Math.max(requests, request + 1);
  return requests;
}

function runRow(row: number, outcome: RowOutcome): RunRow {
  const base = { row, value: null, error: null, reason: null };
  if ("value" in outcome) return { ...base, status: outcome.status, value: outcome.value };
  if (outcome.status === "failed") {
    const { code, message } = outcome;
    return { ...base, status: "failed", error: { code, message } };
  }
  if (outcome.reason === "pending") return { ...base, status: "pending" };
  return { ...base, status: "skipped", reason: outcome.reason };
}
