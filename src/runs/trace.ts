/** One row of a run, traced from its cell to the requests that made it; reads the run directory only. */

import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { RECALLED_CHUNK, replyFileName, requestFileName, type Chunk } from "../core/chunk.ts";
import { InputError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import type { Lane } from "../core/lane.ts";
import { rowWithoutRequest, type PlanCounts } from "../core/plan.ts";
import { costUsd, priceOf, roundedUsd, type Price } from "../core/price.ts";
import type { Result, RowErrorCode, RowStatus } from "../core/result.ts";
import { customId } from "../core/tracker.ts";
import type { Usage } from "../core/usage.ts";
import { openModel, type OpenedModel } from "../provider/models.ts";
import { keptRequest } from "./kept-request.ts";
import { partsOf, type RunStatus } from "./run-status.ts";
import { readSpec, readingOfSpec, type Spec } from "../session/run-spec.ts";
import { locatedCorrections, withCorrections } from "../session/corrected-answers.ts";
import { storedAnswers } from "../session/stored-answers.ts";
import { joinRows, type RowOutcome } from "../stages/join.ts";
import { readCorrections, type Corrections } from "../store/corrections.ts";
import { openSqliteReader, type StoreReader } from "../store/sqlite-reader.ts";

/** One sending of a row's request, and what came of it. */
export interface Sending {
  readonly chunk: number;
  readonly lane: Lane;
  /** Where the chunk stands; see `batchframe status`. */
  readonly state: Chunk["state"];
  /** The id the request travelled under; null for an answer from the cache. */
  readonly customId: string | null;
  /** Null while there is none, and for an answer from the cache. */
  readonly batchId: string | null;
  readonly sentAt: Date | null;
  /**
   * The line of the request file, as it was sent; for an answer from the cache the line that the run would have
   * sent, made of its input again. Null where there is none, or where the input is not what it was.
   */
  readonly request: Json | null;
  /** The provider's reply line, byte for byte; null where none is kept. */
  readonly reply: string | null;
  /** The answer's text as the model wrote it; null where there is no reply that can be read. */
  readonly text: string | null;
  /** Who answered, as the provider names it. */
  readonly model: string | null;
  readonly finishReason: string | null;
  readonly usage: Usage | null;
  /** US dollars; null where the price or the usage is not known, 0 for an answer from the cache. */
  readonly costUsd: number | null;
}

/** A row of a run, with everything that is known of how it came about. */
export interface RowTrace {
  readonly run: string;
  /** The column this is about: a run of several has a trace of each. */
  readonly column: string;
  /** The model that was asked, `provider/model`: a run of several has a trace of each. */
  readonly model: string;
  /** Counted from 0. */
  readonly row: number;
  /** The part of a run that many machines share; absent in any other. */
  readonly part?: number;
  /** `pending` while its request has no answer. */
  readonly status: RowStatus | "pending";
  readonly value: unknown;
  /** Why there is no answer; null unless `status` is `failed`. */
  readonly error: { readonly code: RowErrorCode; readonly message: string } | null;
  /** Whether a person gave the value, where the model's was another or none; left out in any other. */
  readonly isCorrected?: true;
  /** Why it was not asked; null unless `status` is `skipped`. */
  readonly reason: string | null;
  /** How many rows share its request, this one included; 0 where there is none. */
  readonly sharedBy: number;
  /** Every sending of its request, the first one first. */
  readonly sendings: readonly Sending[];
}

/**
 * A row of a run and every request that was made for it, one trace for each of the run's columns and models.
 *
 * `row` counts from 0. Works while the run is driven, needs no key and sends nothing; where the
 * provider's client cannot be loaded, replies are given as lines only.
 *
 * @throws {InputError} `row_unknown` for a row the run has not.
 */
export async function traceRow(run: RunStatus, row: number): Promise<readonly RowTrace[]> {
  const traces: RowTrace[] = [];
  const isWhole = run.steps.length + run.passes.length === 0;
  const corrections = isWhole ? await readCorrections(dirname(run.directory)) : null;
  for (const part of partsOf(run)) traces.push(await traceOf(part, row, corrections));
  return traces;
}

/** What a trace says of the run it is in. */
export interface TracedRun extends Pick<RunStatus, "id" | "column" | "model"> {
  readonly spec: Spec;
  /** What people have corrected; nothing when left out. */
  readonly corrections?: Corrections;
}

/** A run's memory, as far as tracing and listing failures read it. */
export type TraceReader = Omit<StoreReader, keyof Disposable>;

interface Tracing {
  readonly run: TracedRun;
  readonly row: number;
  readonly token: string;
  readonly store: TraceReader;
  readonly plan: PlanCounts | null;
  /** Null where it cannot be loaded. */
  readonly model: OpenedModel | null;
  readonly price: Price | null;
}

async function traceOf(
  run: RunStatus,
  row: number,
  corrections: Corrections | null,
): Promise<RowTrace> {
  const store = openSqliteReader(run.directory);
  try {
    const spec = readSpec(await store.run());
    const known = corrections === null || spec.vote !== null ? {} : { corrections };
    return await traceIn(store, { ...run, spec, ...known }, row);
  } finally {
    store[Symbol.dispose]();
  }
}

/** A row, counted from 0, of the run that a reader reads. @throws {InputError} `row_unknown` */
export async function traceIn(store: TraceReader, run: TracedRun, row: number): Promise<RowTrace> {
  const { token, plan } = await store.run();
  const { spec } = run;
  const model = await readerOf(spec);
  try {
    const price = priceOf(spec.provider, spec.model, spec.prices ?? undefined);
    return await traced({ run, row, token, plan, store, model, price });
  } finally {
    await model?.provider.close();
  }
}

async function traced(tracing: Tracing): Promise<RowTrace> {
  const { run, row, store } = tracing;
  const { ordinal, sharedBy } = await requestOf(store, row, run);
  const base = { run: run.id, column: run.column, model: run.model, row, sharedBy };
  const nothing = { value: null, error: null, reason: null };
  if (ordinal < 0) {
    const fate = rowWithoutRequest(ordinal);
    if ("skipped" in fate)
      return { ...base, ...nothing, status: "skipped", reason: fate.skipped, sendings: [] };
    const error = { code: fate.rejected, message: "It was not sent." };
    return { ...base, ...nothing, status: "failed", error, sendings: [] };
  }
  const sendings = await sendingsOf(ordinal, tracing);
  const outcome = await outcomeOf(ordinal, tracing);
  return { ...base, ...nothing, ...outcome, sendings };
}

/** The request that answers a row, negative where there is none, and how many rows share it. */
async function requestOf(
  store: TraceReader,
  row: number,
  { id }: TracedRun,
): Promise<{ readonly ordinal: number; readonly sharedBy: number }> {
  let ordinal: number | undefined;
  for await (const { firstRow, requests } of store.plannedRows())
    if (row >= firstRow && row < firstRow + requests.length) ordinal = requests[row - firstRow];
  if (ordinal === undefined)
    throw new InputError("row_unknown", `Run ${id} has no row ${String(row + 1)}.`, {
      hint: "Rows are counted from 1, without the header.",
    });
  let sharedBy = 0;
  if (ordinal >= 0)
    for await (const { requests } of store.plannedRows())
      for (const request of requests) if (request === ordinal) sharedBy += 1;
  return { ordinal, sharedBy };
}

async function sendingsOf(ordinal: number, tracing: Tracing): Promise<readonly Sending[]> {
  const { store } = tracing;
  const replies = new Map<number, string>();
  for await (const { chunk, index } of store.replyIndexes()) {
    const at = index.ordinals.indexOf(ordinal);
    if (at < 0) continue;
    const line = await replyAt(store, chunk, [index.offsets[at] ?? 0, index.lengths[at] ?? 0]);
    if (line !== null) replies.set(chunk, line);
  }
  const sendings: Sending[] = [];
  for (const chunk of await store.chunks()) {
    if (!(await store.ordinals(chunk.number)).includes(ordinal)) continue;
    sendings.push(
      await sendingOf(chunk, { ordinal, reply: replies.get(chunk.number) ?? null }, tracing),
    );
  }
  return sendings;
}

async function sendingOf(
  chunk: Chunk,
  { ordinal, reply }: { readonly ordinal: number; readonly reply: string | null },
  tracing: Tracing,
): Promise<Sending> {
  const { token, store, model, price } = tracing;
  const { number, lane, state, batchId, submittedAtMs } = chunk;
  const isRecalled = number === RECALLED_CHUNK;
  const id = customId(token, { chunk: number, ordinal });
  const result = reply === null ? null : resultOf(model, reply);
  const usage = result?.usage ?? null;
  const cost = price === null || usage === null ? null : roundedUsd(costUsd(usage, price, lane));
  return {
    ...{ chunk: number, lane, state, batchId, reply },
    customId: isRecalled ? null : id,
    sentAt: submittedAtMs === null ? null : new Date(submittedAtMs),
    request: isRecalled
      ? await recalledRequest(ordinal, tracing)
      : await requestLine(store.files, { chunk: number, id }),
    text: result?.status === "succeeded" ? result.text : null,
    model: result?.status === "succeeded" ? result.model : null,
    finishReason: result?.finishReason ?? null,
    usage,
    costUsd: isRecalled || model?.provider.free === true ? 0 : cost,
  };
}

async function recalledRequest(
  ordinal: number,
  { row, run, store, model }: Tracing,
): Promise<Json> {
  if (model === null) return null;
  return await keptRequest({ row, ordinal, spec: run.spec, store, provider: model.provider });
}

function resultOf(model: OpenedModel | null, line: string): Result | null {
  return model === null ? null : model.provider.parse(line);
}

/** Replies of no use may have been removed; what is known of their requests is in the store. */
async function replyAt(
  store: TraceReader,
  chunk: number,
  [offset, length]: readonly [number, number],
): Promise<string | null> {
  if (length === 0 || !(await store.files.exists(replyFileName(chunk)))) return null;
  const reader = await store.files.open(replyFileName(chunk));
  try {
    return reader.text(offset, length);
  } finally {
    await reader.close();
  }
}

/** The line of a request file that carries an id; null where there is no such file or line. */
async function requestLine(
  files: TraceReader["files"],
  { chunk, id }: { readonly chunk: number; readonly id: string },
): Promise<Json | null> {
  const name = requestFileName(chunk);
  if (!(await files.exists(name))) return null;
  const sought = JSON.stringify(id);
  const stream = createReadStream(await files.onDisk(name));
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity }))
      if (line.includes(sought)) return JSON.parse(line) as Json;
    return null;
  } finally {
    stream.destroy();
  }
}

type Reached = Pick<RowTrace, "status" | "value" | "error" | "isCorrected">;

/** What the run's output says of the row, read as the run reads it. */
async function outcomeOf(ordinal: number, { run, store, model, plan }: Tracing): Promise<Reached> {
  const nothing = { value: null, error: null };
  const isAnswered = await isSettled(store, ordinal);
  if (!isAnswered) return { ...nothing, status: "pending" };
  if (model === null) {
    for await (const failure of store.failures())
      if (failure.ordinal === ordinal)
        return {
          ...nothing,
          status: "failed",
          error: { code: failure.code, message: failure.message },
        };
    return { ...nothing, status: "ok" };
  }
  // One row of the plan alone, so that joining reads no other.
  const plannedRows = async function* () {
    yield await Promise.resolve({ firstRow: 0, requests: Int32Array.of(ordinal) });
  };
  const one = { plannedRows, failures: () => store.failures() };
  const reading = await readingOfSpec(run.spec, model);
  const requests = plan?.requests ?? ordinal + 1;
  const { provider } = model;
  const stored = await storedAnswers({ store, provider, reading, requests, keepsIn: null });
  const known = await locatedCorrections(run.corrections ?? new Map(), store, reading);
  const answers = withCorrections(stored, known);
  for await (const { outcomes } of joinRows({ store: one, answers })) return reached(outcomes[0]);
  return { ...nothing, status: "pending" };
}

/** Whether a request has an answer or a failure, and waits in no chunk. */
async function isSettled(store: TraceReader, ordinal: number): Promise<boolean> {
  let isCollected = false;
  for (const { number, state } of await store.chunks()) {
    if (!(await store.ordinals(number)).includes(ordinal)) continue;
    if (state !== "collected") return false;
    isCollected = true;
  }
  return isCollected;
}

function reached(outcome: RowOutcome | undefined): Reached {
  if (outcome === undefined || outcome.status === "skipped")
    return { status: "skipped", value: null, error: null };
  if (outcome.status !== "failed")
    return {
      ...{ status: outcome.status, value: outcome.value, error: null },
      ...(outcome.isCorrected === true ? { isCorrected: true } : {}),
    };
  const { code, message } = outcome;
  return { status: "failed", value: null, error: { code, message } };
}

/** The provider that reads a run's replies, to be closed; null where it cannot be loaded. No call is made, so any key will do. */
export async function readerOf({ provider, model, baseUrl }: Spec): Promise<OpenedModel | null> {
  const address = baseUrl === null ? {} : { baseUrl };
  const spec = { provider, model, ...address };
  try {
    return await openModel({ ...spec, apiKey: "none" });
  } catch {
    return await openModel(spec).catch(() => null);
  }
}
