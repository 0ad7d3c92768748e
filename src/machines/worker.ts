/** A worker: takes parts as ticks arrive, joins and leaves at will, and looks for parts that were forgotten. */

import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchframeError,
  BudgetError,
  InputError,
  InvariantError,
  ProviderError,
  StoreError,
} from "../core/errors.ts";
import { driveMemory, type DriveMemory } from "../run/driver.ts";
import {
  changePart,
  noteTicks,
  readPart,
  isHeld,
  sweepParts,
  type Part,
} from "../store/postgres-parts.ts";
import { DEFAULT_LEASE_MS } from "../store/postgres-lease.ts";
import { workPart, type PartProgress } from "./part.ts";
import { keepFolder, removeForgotten, sharedWrites, workerFolder } from "./part-writes.ts";
import type { SharedState } from "./shared-state.ts";
import type { Noted } from "./worker-log.ts";

/** How a worker works. */
export interface WorkerOptions {
  /** Parts at a time; 2 when left out. */
  readonly concurrency?: number;
  /** How long a worker that falls silent keeps its parts, in milliseconds; a minute when left out. */
  readonly leaseMs?: number;
  /** Ends the work: the current step of each part is finished, then it is given back. */
  readonly signal: AbortSignal;
  /** Told everything that happens. */
  readonly onEvent: (event: Noted) => void;
}

/** How long the current steps may take once the worker was asked to leave, before their calls are cut off. */
const LEAVING_MS = 30_000;

/**
 * Works until the signal ends it. Troubles of the database, the data or the provider are waited out.
 *
 * @throws {StoreError} only when the state cannot be used at all at the beginning.
 */
export async function runWorker(state: SharedState, options: WorkerOptions): Promise<void> {
  const { database, ticks } = state;
  const { leaseMs = DEFAULT_LEASE_MS, concurrency = 2, onEvent, signal } = options;
  const shared = await sharedWrites();
  const folder = await workerFolder(shared);
  const writes = shared ?? join(folder, "writes");
  const cut = new AbortController();
  const memories = new Map<string, DriveMemory>();
  const work = async (run: string): Promise<void> => {
    if (signal.aborted) return;
    const began = performance.now();
    const memory = remembered(memories, run);
    const spool = join(folder, `${run}-${randomBytes(4).toString("hex")}`);
    let part: Part | null = null;
    try {
      part = await readPart(database, run);
      if (part?.state !== "open") return;
      const progress = await workPart(part, {
        ...{ database, spool, writes, leaseMs, memory },
        leaves: () => signal.aborted,
        signal: cut.signal,
        onWarning: ({ chunk, code, message }) => {
          onEvent({ level: "warn", event: "warning", run, chunk, code, message });
        },
      });
      await goOn(run, progress);
      onEvent(noteOf(run, progress, performance.now() - began));
    } catch (error) {
      await settle(run, part, error).catch((lost: unknown) => {
        // Nobody could be told; the sweep finds the part once the state can be used again.
        onEvent({ level: "error", event: "trouble", run, ...wordsOf(lost) });
      });
    }
  };
  const goOn = async (run: string, progress: PartProgress): Promise<void> => {
    if (progress.how === "done") {
      memories.delete(run);
      return;
    }
    await tick(run, progress.restMs);
  };
  const tick = async (run: string, waitMs: number): Promise<void> => {
    await noteTicks(database, [run], waitMs);
    await ticks.send([run], waitMs);
  };
  const settle = async (run: string, part: Part | null, error: unknown): Promise<void> => {
    const trouble = troubleOf(error);
    onEvent({
      level: trouble === "fatal" ? "error" : trouble === "elsewhere" ? "info" : "warn",
      event: trouble === "fatal" ? "part_failed" : trouble === "elsewhere" ? "held" : "trouble",
      run,
      ...wordsOf(error),
    });
    if (trouble === "elsewhere" || part === null || (cut.signal.aborted && trouble === "passing"))
      return;
    // Whoever lets it go on wants its failures of before forgotten.
    if (trouble === "fatal") memories.delete(run);
    const troubles = part.troubles + 1;
    const restMs =
      trouble === "fatal" ? 0 : Math.min(MOST_REST_MS, 1000 * 2 ** Math.min(troubles, 10));
    const said = { ...wordsOf(error) };
    await database.transaction(async (connection) => {
      // Whoever has taken it over meanwhile knows better, and may have brought it to its end.
      const now = await readPart(connection, run);
      if (now?.state !== "open" || (await isHeld(connection, run))) return;
      const change = { error: said, troubles, restMs };
      await changePart(
        connection,
        run,
        trouble === "fatal" ? { ...change, state: "failed" } : change,
      );
    });
    if (trouble === "passing") await tick(run, restMs);
  };
  onEvent({
    level: "info",
    event: "worker_started",
    message: `${String(concurrency)} parts at a time`,
  });
  try {
    if (shared !== null) await removeForgotten(shared, database);
    await ticks.work(work, concurrency);
    await sweeping(state, folder, options);
    onEvent({ level: "info", event: "worker_leaving" });
    const cutting = setTimeout(() => {
      cut.abort();
    }, LEAVING_MS);
    await ticks.stop();
    clearTimeout(cutting);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  onEvent({ level: "info", event: "worker_left" });
}

const MOST_REST_MS = 5 * 60_000;
const MOST_MEMORIES = 10_000;

function remembered(memories: Map<string, DriveMemory>, run: string): DriveMemory {
  const memory = memories.get(run) ?? driveMemory();
  memories.delete(run);
  memories.set(run, memory);
  // The longest unused goes: without it, a wait is begun anew and nothing else.
  const [oldest] = memories.keys();
  if (memories.size > MOST_MEMORIES && oldest !== undefined) memories.delete(oldest);
  return memory;
}

/** Sends ticks again for parts that nobody works on though somebody should, until the signal ends it. */
async function sweeping(
  { database, ticks }: SharedState,
  folder: string,
  options: WorkerOptions,
): Promise<void> {
  const { leaseMs = DEFAULT_LEASE_MS, signal, onEvent } = options;
  const everyMs = sweepEveryMs(leaseMs);
  while (!signal.aborted) {
    await keepFolder(folder);
    try {
      // Asked for a whole interval, a worker alone would find its own last sweep too recent every other time.
      const rule = { everyMs: everyMs / 2, leaseMs, patienceMs: leaseMs * LEASES_UNTIL_FORGOTTEN };
      const runs = await sweepParts(database, rule);
      if (runs.length > 0) {
        await ticks.send(runs, 0);
        onEvent({ level: "info", event: "swept", message: `${String(runs.length)} parts` });
      }
    } catch (error) {
      onEvent({ level: "warn", event: "trouble", ...wordsOf(error) });
    }
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}

/**
 * How often each worker looks for parts that were forgotten, in milliseconds: a part whose worker died
 * waits so long at most once its lease has run out, and then for a tick's way through the queue.
 */
function sweepEveryMs(leaseMs: number): number {
  return Math.max(250, leaseMs / 8);
}

// A tick waits in the queue while every worker is busy; sent again too soon, it would only wait twice.
const LEASES_UNTIL_FORGOTTEN = 5;

/** `elsewhere`: another worker has the part · `passing`: it may go better later · `fatal`: not before somebody acts. */
function troubleOf(error: unknown): "elsewhere" | "passing" | "fatal" {
  if (error instanceof InputError || error instanceof InvariantError) return "fatal";
  // Only of too many failures: what the budget has no room for is left out, and the part done.
  if (error instanceof BudgetError) return "fatal";
  if (error instanceof ProviderError)
    return error.retryable || error.code === "provider_auth" ? "passing" : "fatal";
  if (error instanceof StoreError) {
    if (error.code === "run_locked" || error.code === "lock_lost") return "elsewhere";
    return FINAL.has(error.code) ? "fatal" : "passing";
  }
  // Cut off while leaving, or a defect: what is recorded says how to go on, and the next one may.
  return "passing";
}

const FINAL: ReadonlySet<string> = new Set([
  "run_differs",
  "replies_lost",
  "chunk_file_missing",
  "chunk_file_short",
  "object_missing",
]);

function wordsOf(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof BatchframeError) return { code: error.code, message: error.message };
  return { code: "unexpected", message: error instanceof Error ? error.message : String(error) };
}

function noteOf(run: string, progress: PartProgress, tookMs: number): Noted {
  const took = { level: "info", run, tookMs: Math.round(tookMs) } as const;
  if (progress.how === "waits")
    return { ...took, event: "part_waits", restMs: Math.round(progress.restMs) };
  const { rows } = progress.receipt;
  return {
    ...took,
    event: "part_done",
    rows: rows.total,
    failed: rows.failed,
    endsRun: progress.endsRun,
  };
}
