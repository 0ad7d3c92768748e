/** A session: one process's hold on one run, from opening its memory to the receipt. */

import { randomBytes } from "node:crypto";
import { join, resolve as absolute } from "node:path";
import { isGiven } from "./core/chunk.ts";
import type { NewCells, NewColumn } from "./core/column.ts";
import { InputError, ProviderError, StoreError } from "./core/errors.ts";
import type { Json } from "./core/hash.ts";
import type { PlanCounts } from "./core/plan.ts";
import type { Progress } from "./core/progress.ts";
import { receiptOf, rowTally, type KeptRows, type Receipt } from "./core/receipt.ts";
import { newColumns } from "./output/columns.ts";
import type { RowErrorCode } from "./core/result.ts";
import { makePlan } from "./planning.ts";
import { providerWarnings } from "./schema-warnings.ts";
import { answerReading, columnLayout, requestSpec, type Settings } from "./settings.ts";
import { driveRun, type Warning } from "./run.ts";
import { plannedFiles, takeGiven, type ChunkFile, type Given } from "./given.ts";
import { unownedBatches } from "./stages/audit.ts";
import type { CollectOptions } from "./stages/collect.ts";
import { identify } from "./stages/identify.ts";
import { newCells } from "./row-cells.ts";
import { countedCells, joinedRows, refetchLost, rejudging } from "./joined-rows.ts";
import { cutWarnings, quoteWarnings } from "./text-warnings.ts";
import type { JoinedRows } from "./stages/join.ts";
import type { Ports, Rendering } from "./stages/ports.ts";
import { functionRendering, textRendering } from "./stages/render.ts";
import { remembering } from "./remembering.ts";
import { openReplyCache, type ReplyCache } from "./store/reply-cache.ts";
import { openSqliteStore, requestCancel } from "./store/sqlite.ts";
import type { RunRecord, Store } from "./store/store.ts";

/** How a session behaves; nothing here decides what is asked. */
export interface Conduct {
  readonly requestsPerChunk: number | null;
  readonly pollEveryMs: number | null;
  readonly maxResends: number;
  /** A batch that stands still this long is cancelled and its rest sent again; null waits for ever. */
  readonly stallMs: number | null;
  /** Leaves the provider's copies of requests and results where they are. */
  readonly keepRemote: boolean;
  readonly signal: AbortSignal;
  readonly onOpen: (session: OpenedRun) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onWarning: (warning: Warning) => void;
}

/** What is known once a run is open: where it lives, and whether it was there before. */
export interface OpenedRun {
  readonly id: string;
  readonly directory: string;
  readonly resumed: boolean;
}

/** How far a run is driven. */
export interface DriveHow {
  /** Takes what is ready and does not wait. */
  readonly once: boolean;
  /** False leaves planned chunks unsent; they are sent when left out. */
  readonly sends?: boolean;
}

/** A run this process drives. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  readonly directory: string;
  /** The plan; made and recorded at the first call, read at later ones. Sends nothing. */
  plan(): Promise<PlanCounts>;
  /** What is worth knowing before anything is sent, in sentences. */
  readonly warnings: readonly string[];
  /** Sends, waits and collects until no chunk is open; with `once`, takes what is ready and gives false when some are open still. */
  drive(how?: DriveHow): Promise<boolean>;
  /** Takes a batch, or reply lines, made elsewhere from a planned chunk's request file. Sends nothing. */
  take(given: Given): Promise<void>;
  /** The request files of the chunks that wait to be sent, by number; those of requests handed on are written first. */
  requestFiles(): Promise<readonly ChunkFile[]>;
  /** Asks for the remote work to be stopped; whoever drives the run does it. */
  requestCancel(): void;
  /** Puts failed requests with one of these codes (all codes when left out) back to be sent; gives how many. Pays for them again. */
  retry(codes?: readonly RowErrorCode[]): Promise<number>;
  /** Every row's outcome in order, once no chunk is open. */
  rows(): AsyncIterable<JoinedRows>;
  /** The columns the run adds. */
  readonly columns: readonly NewColumn[];
  /** The new columns' cells of every row in order, once no chunk is open. */
  cells(): AsyncIterable<NewCells>;
  /** Hands every row's new cells to `write`, counting them, and gives the receipt. */
  complete(write: WriteCells): Promise<Receipt>;
}

/** Puts the new columns where they belong; tells what it wrote. */
export type WriteCells = (
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
) => Promise<{
  readonly output: string | null;
  readonly neutralisedCells: number;
  /** Where only some rows were kept, how many. */
  readonly kept?: KeptRows;
}>;

/** How many times a request is sent again when no reply came. */
export const DEFAULT_RESENDS = 3;

/**
 * Opens the run these settings stand for, or makes it: the same settings on the same rows find the
 * same run, whatever process made it.
 *
 * @throws {InputError} for anything wrong with the settings, before a directory is made.
 * @throws {StoreError} `run_differs` when `name` is taken by another run; `run_locked`.
 */
export async function openSession(settings: Settings, conduct: Conduct): Promise<Session> {
  const rendering = check(settings);
  const { provider } = settings.model;
  const identity = await identify({
    frame: settings.frame,
    rendering,
    settings: identifyingSettings(settings),
    isTextTemplate: "parts" in settings.template,
  });
  const id =
    settings.name ??
    `${stem(settings.frame.name)}-${fileSafe(settings.column)}-${identity.slice(0, 7)}`;
  const directory = absolute(join(settings.runDir, id));
  const store = await (settings.openStore ?? openSqliteStore)(directory, {
    id,
    token: newToken(),
    spec: {
      ...identifyingSettings(settings),
      promptCache: settings.promptCache as unknown as Json,
      ...settings.memo,
    },
    identity,
    createdAtMs: Date.now(),
  });
  let cache: ReplyCache | null = null;
  try {
    cache = settings.cache === null ? null : await openReplyCache(settings.cache.file);
    const record = await store.run();
    if (record.identity !== identity) throw differs(id);
    conduct.onOpen({ id, directory, resumed: record.plan !== null });
    const remember =
      cache === null
        ? null
        : remembering({ store, cache, provider: provider.id, model: settings.model.model });
    const ports: Ports = { store, provider, token: record.token, remember, signal: conduct.signal };
    return session({ settings, conduct, rendering, ports, record, directory, cache });
  } catch (error) {
    cache?.[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

interface Parts {
  readonly settings: Settings;
  readonly conduct: Conduct;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly record: RunRecord;
  readonly directory: string;
  readonly cache: ReplyCache | null;
}

function session(parts: Parts): Session {
  const { settings, conduct, ports, record, directory } = parts;
  const { store } = ports;
  const { form } = settings;
  // A promise, so that two who need it at once do not make it twice.
  let planned = record.plan === null ? null : Promise.resolve(record.plan);
  const needPlan = async (): Promise<PlanCounts> => {
    const counts = await (planned ??= makePlan({
      ...parts,
      requestsPerChunk: conduct.requestsPerChunk,
      onProgress: conduct.onProgress,
    }));
    cutRows = counts.cutRows ?? 0;
    return counts;
  };
  const joined = (onForeignQuote = (): void => undefined): AsyncGenerator<JoinedRows> =>
    joinedRows({ ...parts, needPlan, onForeignQuote });
  let cutRows = record.plan?.cutRows ?? 0;
  const layout = columnLayout(settings);
  const columns = newColumns(settings.column, layout);
  return {
    id: record.id,
    directory,
    columns,
    cells: async function* () {
      for await (const rows of joined()) yield newCells(rows, layout);
    },
    plan: needPlan,
    get warnings() {
      return [...providerWarnings(settings), ...cutWarnings(cutRows, settings)];
    },
    drive: (how) => drive(parts, needPlan, how ?? { once: false }),
    take: async (given) => {
      await needPlan();
      await takeGiven(given, ports, collectOptions(parts));
    },
    requestCancel: () => {
      requestCancel(directory);
    },
    requestFiles: async () => {
      await needPlan();
      return await plannedFiles(ports);
    },
    retry: async (codes) => {
      // Judged by the schema as it is now: what it accepts is not bought again.
      const isWhole = (await store.chunks()).every(({ state }) => state === "collected");
      const rows = rejudging(joined(), store);
      while (isWhole && (await rows.next()).done !== true) continue;
      return await retryFailed(store, codes, needPlan);
    },
    rows: () => joined(),
    complete: async (write) => {
      await refetchLost(ports);
      const tally = rowTally(form.kind === "labels" ? form.labels.map(({ name }) => name) : null);
      let foreignQuotes = 0;
      const rows = joined(() => {
        foreignQuotes += 1;
      });
      const written = await write(columns, countedCells(rejudging(rows, store), tally, layout));
      return receiptOf(tally, await store.chunks(), {
        run: record.id,
        plan: await needPlan(),
        free: ports.provider.free,
        price: settings.price,
        warnings: [...cutWarnings(cutRows, settings), ...quoteWarnings(foreignQuotes)],
        ...written,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await ports.remember?.close();
      parts.cache?.[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

async function drive(
  { settings, conduct, ports, record }: Parts,
  needPlan: () => Promise<PlanCounts>,
  how: DriveHow,
): Promise<boolean> {
  const { provider, store } = ports;
  const plan = await needPlan();
  const wasFinished = record.finishedAtMs !== null;
  const isComplete = await driveRun(ports, plan.requests, {
    reading: answerReading(settings),
    price: settings.price,
    pollEveryMs: conduct.pollEveryMs ?? provider.pollEveryMs,
    maxResends: conduct.maxResends,
    amendable: provider.amendable(requestSpec(settings)),
    stallMs: conduct.stallMs,
    keepRemote: conduct.keepRemote,
    ...how,
    onProgress: conduct.onProgress,
    onWarning: conduct.onWarning,
  });
  // A run that was finished before has sent nothing now, so there is nothing new to find.
  if (isComplete && !wasFinished) await warnOfUnowned(store, ports, { record, conduct });
  return isComplete;
}

/** How replies are collected while the run is driven. */
function collectOptions({ settings, conduct, ports }: Parts): CollectOptions {
  return {
    reading: answerReading(settings),
    maxResends: conduct.maxResends,
    amendable: ports.provider.amendable(requestSpec(settings)),
    keepsRoomless: true,
    price: settings.price,
  };
}

/** Looks for batches that carry this run's tag and belong to no chunk: paid for, and nobody waits for them. */
async function warnOfUnowned(
  store: Store,
  ports: Ports,
  { record, conduct }: Pick<Parts, "record" | "conduct">,
): Promise<void> {
  const chunks = await store.chunks();
  // Where nothing was sent from here there is no batch to have lost.
  if (!chunks.some(({ intent }) => intent !== null && !isGiven(intent))) return;
  const owned = new Set(chunks.flatMap(({ batchId }) => batchId ?? []));
  try {
    const { provider, token, signal } = ports;
    const sinceMs = record.createdAtMs;
    for (const batch of await unownedBatches({ provider, owned, token, sinceMs, signal }))
      conduct.onWarning({
        chunk: batch.tag.chunk,
        code: "batch_unowned",
        message: `The provider lists batch ${batch.batchId} under this run's tag, and no chunk owns it. It may be charged; cancel it there if it is open.`,
      });
  } catch (error) {
    // Only a look at the books: every answer is on disk, so a list that cannot be had stops nothing.
    if (!(error instanceof ProviderError)) throw error;
    conduct.onWarning({ chunk: 0, code: error.code, message: error.message });
  }
}

async function retryFailed(
  store: Store,
  codes: readonly RowErrorCode[] | undefined,
  needPlan: () => Promise<PlanCounts>,
): Promise<number> {
  const { requests } = await needPlan();
  const chunks = await store.chunks();
  // A request that waits in an open chunk is on its way already.
  const underway = new Set<number>();
  for (const chunk of chunks)
    if (chunk.state !== "collected")
      for (const ordinal of await store.ordinals(chunk.number)) underway.add(ordinal);
  const ordinals: number[] = [];
  for await (const { ordinal, code } of store.failures())
    if ((codes === undefined || codes.includes(code)) && !underway.has(ordinal))
      ordinals.push(ordinal);
  const largest = Math.max(1, ...chunks.map(({ requestCount }) => requestCount));
  if (ordinals.length > 0)
    await store.retry(Uint32Array.from(ordinals), Math.min(largest, requests));
  return ordinals.length;
}

/** Everything that can be found wrong before a directory is made or a row is read. */
function check(settings: Settings): Rendering {
  const { frame, template, column, form, model } = settings;
  if (settings.name !== null && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(settings.name))
    throw new InputError(
      "run_name_invalid",
      `${JSON.stringify(settings.name)} cannot be a run's name. Nothing was sent.`,
      {
        hint: "Use up to 100 letters, digits, dots, dashes and underscores, a letter or digit first.",
      },
    );
  for (const { name } of newColumns(column, columnLayout(settings)))
    if (column.trim() === "" || frame.columns.includes(name))
      throw new InputError(
        column.trim() === "" ? "column_name_blank" : "column_exists",
        column.trim() === ""
          ? "The new column's name is blank. Nothing was sent."
          : `${frame.name} already has a column named ${JSON.stringify(name)}. Nothing was sent.`,
        { hint: "Choose another name with --column (column in code)." },
      );
  model.provider.check(requestSpec(settings));
  const { system, examples, long } = settings;
  const before = { system, examples, form, long };
  return "parts" in template
    ? textRendering(template, before, settings.onNull)
    : functionRendering(template, before);
}

function identifyingSettings(settings: Settings): Readonly<Record<string, Json>> {
  const { template, model, form, system, call, examples } = settings;
  return {
    provider: model.provider.id,
    host: model.provider.host,
    model: model.model,
    params: model.params,
    // Left out where none is named, as the runs of before know it.
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    template: "parts" in template ? template.source : null,
    system: system ?? null,
    onNull: settings.onNull,
    limit: settings.limit,
    column: settings.column,
    form: form as unknown as Json,
    call: call as unknown as Json,
    examples: examples as unknown as Json,
    ...(settings.long === null ? {} : { long: settings.long as unknown as Json }),
    ...(settings.refreshed === null ? {} : { refreshed: settings.refreshed }),
  };
}

function differs(id: string): StoreError {
  return new StoreError(
    "run_differs",
    `There is a run named ${JSON.stringify(id)} already, and it was started with other settings or other rows. Nothing was sent.`,
    { hint: "Choose another --name, or leave it out to have one made." },
  );
}

/** A letter and seven letters or digits: enough that two runs of one account never meet. */
function newToken(): string {
  const characters = "abcdefghijklmnopqrstuvwxyz234567";
  const picked = [...randomBytes(8)].map((byte) => characters[byte & 31] ?? "a");
  return ["r", ...picked.slice(1)].join("");
}

function stem(name: string): string {
  return fileSafe(name.replace(/\.[a-z0-9]+$/i, ""));
}

function fileSafe(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+|-+$/g, "");
  return safe === "" ? "run" : safe.slice(0, 40);
}
