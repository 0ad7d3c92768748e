/** A session: one process's hold on one run, from opening its memory to the receipt. */

import { join, resolve as absolute } from "node:path";
import { tallyAgainst, type Compare } from "./against.ts";
import type { Purse } from "../core/budget.ts";
import type { NewCells, NewColumn } from "../core/column.ts";
import type { Json } from "../core/hash.ts";
import { BudgetError } from "../core/errors.ts";
import type { MaxFailures } from "../core/failure-limit.ts";
import type { LaneChoice } from "../core/lane.ts";
import type { PlanCounts } from "../core/plan.ts";
import { planWatch, type PlanLook } from "../core/plan-look.ts";
import { planCost, type PlanCost } from "../core/plan-cost.ts";
import type { Progress } from "../core/progress.ts";
import type { Receipt } from "../core/receipt.ts";
import { newColumns } from "../output/columns.ts";
import type { RowErrorCode } from "../core/result.ts";
import { makePlan } from "./planning.ts";
import { providerWarnings } from "./schema-warnings.ts";
import {
  answerReading,
  columnLayout,
  keptUnder,
  requestSpec,
  type CacheUse,
  type Settings,
} from "./settings.ts";
import { driveRun, type DriveOptions, type Warning } from "../run.ts";
import { sendEarly } from "./early.ts";
import { driveMemory, type DriveMemory } from "../run/driver.ts";
import { noteSpent, spendingOf } from "./run-budget.ts";
import type { Spending } from "../run/spending.ts";
import { warnOfUnowned } from "./run-audit.ts";
import { deadlineIn, liveOf, retryFailed, switchLane } from "./run-lanes.ts";
import {
  checkSettings,
  differs,
  identifyingSettings,
  newToken,
  runId,
} from "./session-settings.ts";
import { plannedFiles, takeGiven, type ChunkFile, type Given } from "./given.ts";
import type { CollectOptions } from "../stages/collect.ts";
import { correctionsOf } from "./corrected-answers.ts";
import type { OldAnswers } from "../frame/old-answers.ts";
import { identify } from "../stages/identify.ts";
import { newCells } from "./row-cells.ts";
import { completed } from "./completing.ts";
import { joinedRows, rejudged } from "./joined-rows.ts";
import { cutWarnings, replacedWarnings } from "./text-warnings.ts";
import type { WriteCells } from "./write-cells.ts";
import type { JoinedRows } from "../stages/join.ts";
import type { Ports, Rendering } from "../stages/ports.ts";
import { remembering } from "./remembering.ts";
import { cacheWriter } from "../store/cache-writer.ts";
import { openReplyCache, type SessionCache } from "../store/reply-cache.ts";
import { openSqliteStore } from "../store/sqlite.ts";
import { requestCancel } from "../store/sqlite-reader.ts";
import type { RunRecord } from "../store/store.ts";

/** How a session behaves; nothing here decides what is asked. */
export interface Conduct {
  readonly requestsPerChunk: number | null;
  /** When the run is to be done, from its beginning, in milliseconds; null for no such wish. */
  readonly deadlineMs: number | null;
  /** How what is left to send travels, which never decides what is asked; null goes on as the run began, in batches when it begins now. */
  readonly lane: LaneChoice | null;
  readonly pollEveryMs: number | null;
  readonly maxResends: number;
  /** How many requests may fail before nothing more is sent; null stops only where the first ones fail alike. */
  readonly maxFailures: MaxFailures | null;
  /** Failures that a later pass asks another model about; none when left out. */
  readonly handedOn?: ReadonlySet<RowErrorCode>;
  /** A batch that stands still this long is cancelled and its rest sent again; null waits for ever. */
  readonly stallMs: number | null;
  /** What may be spent, by this session and all others of the same call; null or left out where nothing holds it. */
  readonly purse?: Purse | null;
  /** Leaves the provider's copies of requests and results where they are. */
  readonly keepRemote: boolean;
  /** Sends what is planned while later rows are still being read; only after all are when left out. */
  readonly sendsEarly?: boolean;
  readonly signal: AbortSignal;
  readonly onOpen: (session: OpenedRun) => void;
  readonly onProgress: (progress: Progress) => void;
  readonly onWarning: (warning: Warning) => void;
}

/** The conduct of a run as its options say it, before anybody listens. */
export type ConductGiven = Omit<Conduct, "signal" | "onOpen" | "onProgress" | "onWarning">;

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
  /** What earlier drives of the run in this process kept in mind. */
  readonly memory?: DriveMemory;
  /** Asked between steps: true ends the drive there. */
  readonly leaves?: () => boolean;
}

/** A run this process drives. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  readonly directory: string;
  /** The plan, made and recorded at the first call, and what it is expected to cost. Sends nothing. */
  plan(): Promise<PlanCounts>;
  cost(): Promise<PlanCost>;
  /** What an earlier run had of the rows that the plan asks, one for each planned column; makes the plan when there is none. */
  readonly compare: Compare;
  /** What the plan shows of its prompts, one for each planned column; empty for one made by an earlier process. */
  readonly looks: readonly PlanLook[];
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
  /** Every row's outcome in order, once no chunk is open; from `firstRow` on where it is given. */
  rows(firstRow?: number): AsyncIterable<JoinedRows>;
  /** The columns the run adds. */
  readonly columns: readonly NewColumn[];
  /** What the rows have of them already and keep where they are not asked, which is for whoever takes the cells to see to. */
  readonly old?: OldAnswers;
  /** The new columns' cells of every row in order, once no chunk is open. */
  cells(): AsyncIterable<NewCells>;
  /** Whether `complete` also works after a budget has stopped the run: rows that wait are then skipped. */
  readonly completesShort: boolean;
  /** Hands every row's new cells to `write`, counting them, and gives the receipt. */
  complete(write: WriteCells): Promise<Receipt>;
}

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
  const rendering = checkSettings(settings);
  const { provider } = settings.model;
  const live = liveOf(settings, conduct);
  const identity = await identify({
    frame: settings.frame,
    rendering,
    settings: identifyingSettings(settings),
    isTextTemplate: "parts" in settings.template,
    ...(settings.pass?.first === undefined ? {} : { content: settings.pass.first }),
  });
  const id = runId(settings, identity);
  const directory = absolute(join(settings.runDir, id, settings.pass?.folder ?? ""));
  // Passes share an id and have a directory each.
  const spending = spendingOf(conduct.purse ?? null, settings, directory);
  const store = await (settings.openStore ?? openSqliteStore)(directory, {
    id,
    token: newToken(),
    spec: {
      ...identifyingSettings(settings),
      promptCache: settings.promptCache as unknown as Json,
      free: provider.free,
      ...(settings.vote === undefined ? {} : { vote: settings.vote }),
      ...settings.memo,
    },
    identity,
    createdAtMs: Date.now(),
  });
  let cache: SessionCache | null = null;
  try {
    cache = settings.cache === null ? null : await cacheOf(settings, settings.cache);
    const record = await store.run();
    if (record.identity !== identity) throw differs(id, record, provider.host);
    await noteSpent(spending, store);
    conduct.onOpen({ id, directory, resumed: record.plan !== null });
    const remember =
      cache === null || settings.cache === null
        ? null
        : remembering({
            store,
            cache: cacheWriter(
              cache,
              settings.openCache === undefined ? settings.cache.file : null,
            ),
            under: keptUnder(settings),
          });
    const { signal } = conduct;
    const ports: Ports = { store, provider, live, token: record.token, remember, signal };
    return session({ settings, conduct, spending, rendering, ports, record, directory, cache });
  } catch (error) {
    cache?.[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

async function cacheOf({ openCache }: Settings, { file }: CacheUse): Promise<SessionCache> {
  return openCache === undefined ? await openReplyCache(file) : openCache();
}

interface Parts {
  readonly settings: Settings;
  readonly conduct: Conduct;
  readonly spending: Spending | null;
  readonly rendering: Rendering;
  readonly ports: Ports;
  readonly record: RunRecord;
  readonly directory: string;
  readonly cache: SessionCache | null;
}

function session(parts: Parts): Session {
  const { settings, conduct, ports, record, directory } = parts;
  const { store } = ports;
  const watch = planWatch();
  const stop = new AbortController();
  const memory = driveMemory();
  // A promise, so that two who need it at once do not make it twice.
  let planned = record.plan === null ? null : Promise.resolve(record.plan);
  const needPlan = async (): Promise<PlanCounts> => {
    const counts = await (planned ??= makePlan({
      ...parts,
      watch,
      requestsPerChunk: conduct.requestsPerChunk,
      // What is sent early cannot wait for a first request.
      lane: conduct.lane ?? (conduct.sendsEarly === true ? "batch" : null),
      onProgress: conduct.onProgress,
      ...(conduct.sendsEarly === true
        ? { signal: AbortSignal.any([conduct.signal, stop.signal]) }
        : {}),
    }));
    cutRows = counts.cutRows ?? 0;
    return counts;
  };
  const joined = (firstRow = 0): AsyncGenerator<JoinedRows> =>
    joinedRows({ ...parts, needPlan, isShort, firstRow, onForeignQuote: () => undefined });
  let isShort = false;
  let cutRows = record.plan?.cutRows ?? 0;
  const layout = columnLayout(settings);
  const columns = newColumns(settings.column, layout);
  ports.live?.warns?.((warning) => {
    conduct.onWarning({ chunk: 0, ...warning });
  });
  return {
    id: record.id,
    directory,
    columns,
    ...(settings.old === undefined ? {} : { old: settings.old }),
    cells: async function* () {
      for await (const rows of joined()) yield newCells(rows, layout);
    },
    plan: needPlan,
    cost: async () => planCost(await needPlan(), ports.provider.free, settings.price),
    compare: async (earlier) => {
      await needPlan();
      return [await tallyAgainst(parts, earlier)];
    },
    get looks() {
      if (record.plan !== null || planned === null) return [];
      const { provider } = ports;
      const host = provider.free ? null : provider.host;
      return [watch.look({ column: settings.column, host, columns: parts.rendering.columns })];
    },
    get warnings() {
      const replaced = replacedWarnings(settings, columns);
      return [...providerWarnings(settings), ...replaced, ...cutWarnings(cutRows, settings)];
    },
    drive: async (how) => {
      isShort = false;
      try {
        if (conduct.sendsEarly === true && planned === null && how?.once !== true)
          await sendEarly({
            store,
            planning: needPlan(),
            drive: async () => {
              const { requests } = await store.planSoFar();
              await driveRun(ports, requests, { ...driveOptions(parts), ...EARLY, memory });
            },
            stop: () => {
              stop.abort();
            },
          });
        return await drive(parts, needPlan, how ?? { once: false });
      } catch (error) {
        isShort = error instanceof BudgetError;
        throw error;
      }
    },
    completesShort: true,
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
      const rows = rejudged(store).passing(joined());
      while (isWhole && (await rows.next()).done !== true) continue;
      const { lane = "batch" } = await needPlan();
      const { values: answered } = await correctionsOf(settings, store);
      return await retryFailed(ports, codes, { lane: conduct.lane ?? lane, answered });
    },
    rows: joined,
    complete: async (write) =>
      await completed(write, {
        ...{ settings, ports, record, directory, columns, layout, needPlan },
        warnings: () => cutWarnings(cutRows, settings),
        joined: (firstRow, onForeignQuote) =>
          joinedRows({ ...parts, needPlan, isShort, onForeignQuote, firstRow }),
      }),
    [Symbol.asyncDispose]: async () => {
      await ports.remember?.close();
      parts.cache?.[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

// How far planning has come is told meanwhile.
const EARLY = { once: true, onProgress: (): void => undefined } as const;

/** How a run is driven, but for how far. */
function driveOptions({ settings, conduct, spending, ports }: Parts): Omit<DriveOptions, "once"> {
  const { provider } = ports;
  return {
    reading: answerReading(settings),
    price: settings.price,
    spending,
    pollEveryMs: conduct.pollEveryMs ?? provider.pollEveryMs,
    maxResends: conduct.maxResends,
    amendable: provider.amendable(requestSpec(settings)),
    maxFailures: conduct.maxFailures,
    handedOn: conduct.handedOn,
    stallMs: conduct.stallMs,
    keepRemote: conduct.keepRemote,
    onProgress: conduct.onProgress,
    onWarning: conduct.onWarning,
  };
}

async function drive(
  parts: Parts,
  needPlan: () => Promise<PlanCounts>,
  how: DriveHow,
): Promise<boolean> {
  const { conduct, spending, ports, record } = parts;
  const plan = await needPlan();
  const wasFinished = record.finishedAtMs !== null;
  // Said outright it holds for whatever waits to be sent, however the run was begun.
  const { deadline, capUsd: cappedAt } = await ports.store.run();
  const capUsd = spending?.purse.capUsd ?? null;
  if (capUsd !== cappedAt) await ports.store.setCap(capUsd);
  const lane = deadline?.handedOver === true ? "realtime" : conduct.lane;
  if (lane !== null && lane !== "auto") await switchLane(ports, lane);
  if (conduct.deadlineMs !== null && deadline === null && ports.live !== null)
    await ports.store.setDeadline(deadlineIn(conduct.deadlineMs));
  const isComplete = await driveRun(ports, plan.requests, {
    ...driveOptions(parts),
    ...how,
  });
  // A run that was finished before has sent nothing now, so there is nothing new to find.
  if (isComplete && !wasFinished)
    await warnOfUnowned(ports, { sinceMs: record.createdAtMs, warn: conduct.onWarning });
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
