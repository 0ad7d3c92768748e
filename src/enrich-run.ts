/** A run as a value: nothing happens until it is awaited, iterated or started. */

import { BudgetError } from "./core/errors.ts";
import { batchChanges, type BatchChange, type Progress } from "./core/progress.ts";
import type { Receipt } from "./core/receipt.ts";
import type { RowErrorCode } from "./core/result.ts";
import { DISPLAY, displayed, type Bundle } from "./display/bundle.ts";
import { planBundle } from "./display/plan.ts";
import { idleBundle, progressBundle } from "./display/progress.ts";
import { receiptBundle } from "./display/receipt.ts";
import type { ChunkFile, Given } from "./session/given.ts";
import type { Warning } from "./run.ts";
import { runPlan, type PlanHow, type RunPlan } from "./run-plan.ts";
import type { Conduct, ConductGiven, OpenedRun, Session } from "./session/session.ts";
import { forgotten, privateMemory, type PrivateMemory } from "./session/private-memory.ts";
import { type Preview, type PreviewHow, type PreviewJob } from "./previews/preview-run.ts";
import type { Settings } from "./session/settings.ts";
import { rowResult, type RowResult } from "./session/row-result.ts";
import { shownDone, shownRun } from "./shown-run.ts";

/** What a run can tell while it goes on. */
export interface RunEvents {
  /** Where the run's memory is, told once before anything is sent. */
  readonly open: OpenedRun;
  readonly progress: Progress;
  /** A batch was sent, goes on to another phase, or is collected. */
  readonly batch: BatchChange;
  /** Something went wrong on the way and is being dealt with. */
  readonly warning: Warning;
}

/** A finished run: its result and its receipt. */
export interface Done<T> {
  readonly result: T;
  readonly receipt: Receipt;
}

/** A session, and what must be closed after it. */
export interface OpenedSession {
  readonly session: Session;
  close(): Promise<void>;
}

/** What a run is made of; nothing is read or loaded before it starts. */
export interface Job<T> {
  /** Opens the session; `place` gives the directory that holds the run, for the settings it was made of. */
  open(conduct: Conduct, place: (settings: Settings) => Promise<string>): Promise<OpenedSession>;
  /** What the plan says besides, in sentences, once the session is open; nothing when left out. */
  notes?(): readonly string[];
  /** Writes the rows where they belong. */
  finish(session: Session): Promise<Done<T>>;
  /** Asks some rows before the whole. */
  readonly preview: PreviewJob;
  readonly conduct: ConductGiven;
  readonly signal: AbortSignal | undefined;
  /** Whether the run's memory goes with it: it then lies in a temporary folder, whatever the settings say. */
  readonly forgets?: boolean;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Whether nothing is shown in a notebook while the run goes on. */
  readonly isQuiet?: boolean;
  /** Failed rows to ask again first: those with these codes, or all. */
  readonly retry?: readonly RowErrorCode[] | "all";
}

/**
 * A run of {@link enrichColumn} or {@link enrichFile}; awaiting it gives the enriched frame or the receipt.
 *
 * Awaiting twice does not run twice. An aborted signal, `detach()` and leaving an `await using` block
 * end local work only: batches go on at the provider, and the same call later goes on from there.
 * A run is thenable, so an `async` function that returns one awaits it.
 */
export class EnrichRun<T, V>
  implements PromiseLike<T>, AsyncIterable<RowResult<V>>, AsyncDisposable
{
  readonly #job: Job<T>;
  readonly #stop = new AbortController();
  readonly #listeners = new Map<keyof RunEvents, Set<(event: never) => void>>();
  #done: Promise<Done<T>> | null = null;
  #progress: Progress | null = null;
  #partial: Done<T> | null = null;
  #opened: Promise<OpenedSession> | null = null;
  #users = 0;
  #isOver = false;
  readonly #memory: PrivateMemory | null;

  constructor(job: Job<T>) {
    this.#job = job;
    const warn = (warning: Warning): void => {
      this.#tell("warning", warning);
    };
    this.#memory = job.forgets === true ? privateMemory(warn) : null;
    if (job.onProgress !== undefined) this.on("progress", job.onProgress);
  }

  /** Starts the run without waiting for it; a run that has started is left as it is. */
  start(): this {
    this.#work().catch(() => undefined);
    return this;
  }

  /**
   * The plan: rows, requests, duplicates, what is skipped and why; with `against`, also what of it an earlier
   * run has bought. Sends nothing and spends nothing.
   *
   * @throws {InputError} `run_unknown`, `run_ambiguous`, `nothing_to_compare` for the run to compare with.
   */
  async plan(how: PlanHow = {}): Promise<RunPlan> {
    return await this.#with(async (session) => {
      const notes = this.#job.notes?.() ?? [];
      const told = { isPrivate: this.#memory !== null, notes };
      return displayed(await runPlan(session, how, told), planBundle);
    });
  }

  /**
   * Asks `rows` rows now, in realtime where the provider can be asked so, and gives them with their answers.
   *
   * The rows are chosen among those that would be asked, no two with one prompt: the same ones each time,
   * others with another `seed`, shared out among the values of a column with `by`, as the rows of a sample are. What they cost is in the
   * receipt; the answers are in the cache, so that the run itself sends so many requests less. A plan of
   * the run that was made before and not sent is made anew. Several columns and votes are asked in every step;
   * where another model may be asked as well, only the one that is asked every row.
   *
   * @throws {InputError} `preview_late` once the run has sent something, `preview_uncached` where it
   * takes nothing from a cache.
   */
  async preview(rows = 10, how: PreviewHow = {}): Promise<Preview> {
    const conduct = { ...this.#conduct(), onOpen: (): void => undefined };
    return await this.#job.preview(rows, { how, conduct });
  }

  /** The latest progress; null before the run has started. */
  progress(): Progress | null {
    return this.#progress;
  }

  /** The result, once every row is accounted for. */
  async result(): Promise<T> {
    return (await this.#work()).result;
  }

  /** The receipt, once every row is accounted for. */
  async report(): Promise<Receipt> {
    return (await this.#work()).receipt;
  }

  /**
   * What there is of a run that has ended with a `BudgetError`: the result and the receipt, in which rows
   * that were not asked are skipped with `budget` for an error; a file is written so. Null for any other
   * run, and for one of several columns.
   */
  partial(): Done<T> | null {
    return this.#partial;
  }

  /** Calls `listener` for every event of a kind until the function it gives is called. */
  on<K extends keyof RunEvents>(kind: K, listener: (event: RunEvents[K]) => void): () => void {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  /**
   * Takes what is ready now and does not wait: gives true, with the result written, when nothing is
   * left, and false when batches are still under way, or chunks that wait to be sent were left alone.
   *
   * With `batchId` or `results`, what was made elsewhere from the request file of a chunk that waits to
   * be sent is taken as that chunk's own first, and nothing is sent unless `sends` says so.
   *
   * @throws {InputError} `batch_claimed`, `chunk_unknown`, `chunk_not_planned`, `chunk_ambiguous`,
   * `replies_foreign` when it cannot be taken; the run stays as it was.
   */
  async collect({ sends, ...given }: CollectHow = {}): Promise<boolean> {
    if (this.#done !== null) return await this.#done.then(() => true);
    const isGiven = given.batchId !== undefined || given.results !== undefined;
    return await this.#with(async (session) => {
      if (isGiven) await session.take(given);
      if (!(await session.drive({ once: true, sends: sends ?? !isGiven }))) return false;
      this.#done ??= Promise.resolve(shownDone(await this.#job.finish(session)));
      this.#isOver = true;
      return true;
    });
  }

  /**
   * Writes the rows where they belong as they stand now, and gives the receipt: rows whose request has no
   * answer yet are skipped as `pending`. Sends nothing and waits for nothing.
   */
  async write(): Promise<Receipt> {
    return await this.#with(async (session) => (await this.#job.finish(session)).receipt);
  }

  /** The request files of the chunks that wait to be sent, by number; plans the run when it has no plan. Sends nothing. */
  async requestFiles(): Promise<readonly ChunkFile[]> {
    return await this.#with((session) => session.requestFiles());
  }

  /**
   * Stops the remote work, keeps every answer that came, and gives the receipt; rows that got none
   * fail as `cancelled`. Whatever the batches have worked on is charged.
   */
  async cancel(): Promise<Receipt> {
    if (this.#memory?.isGone !== true)
      await this.#with(async (session) => {
        await session.plan();
        session.requestCancel();
      });
    return await this.report();
  }

  /**
   * A run that asks failed rows again, those with one of these codes or all of them, and then goes on
   * as this one. Pays for what it asks.
   *
   * @throws {InputError} `run_forgotten` for a run without a directory: it would ask every row again.
   */
  retry(codes?: readonly RowErrorCode[]): EnrichRun<T, V> {
    if (this.#memory !== null) throw forgotten();
    return new EnrichRun<T, V>({ ...this.#job, retry: codes ?? "all" });
  }

  /** Ends local work, once the current step is written down; remote batches go on. */
  async detach(): Promise<void> {
    this.#stop.abort();
    await this.#done?.catch(() => undefined);
    if (this.#users === 0) await this.#memory?.forget();
  }

  /** Part of being thenable; see {@link EnrichRun.result}. */
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(onFulfilled, onRejected);
  }

  /** Every row's outcome in row order, once the run is complete. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RowResult<V>> {
    // Entered first, so that a memory that goes with the run is still there to be read.
    const opened = await this.#enter();
    try {
      await this.#work();
      for await (const { firstRow, outcomes } of opened.session.rows())
        for (const [at, outcome] of outcomes.entries()) yield rowResult<V>(firstRow + at, outcome);
    } finally {
      await this.#leave(opened);
    }
  }

  /** Leaving an `await using` block detaches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.detach();
  }

  /** How the run stands, for notebooks; showing it starts nothing. */
  async [DISPLAY](): Promise<Bundle> {
    if (this.#isOver && this.#done !== null) {
      const done = await this.#done.catch(() => null);
      if (done !== null) return receiptBundle(done.receipt);
    }
    return this.#progress === null ? idleBundle() : progressBundle(this.#progress);
  }

  #work(): Promise<Done<T>> {
    return (this.#done ??=
      this.#job.isQuiet === true ? this.#perform() : shownRun(this, this.#perform()));
  }

  #perform(): Promise<Done<T>> {
    return this.#with(async (session) => {
      try {
        const { retry, conduct } = this.#job;
        if (conduct.sendsEarly !== true) await session.plan();
        if (retry !== undefined) await session.retry(retry === "all" ? undefined : retry);
        await session.drive();
        return shownDone(await this.#job.finish(session));
      } catch (error) {
        if (error instanceof BudgetError && session.completesShort)
          this.#partial = shownDone(await this.#job.finish(session));
        throw error;
      } finally {
        this.#isOver = true;
      }
    });
  }

  async #with<R>(work: (session: Session) => Promise<R>): Promise<R> {
    const opened = await this.#enter();
    try {
      return await work(opened.session);
    } finally {
      await this.#leave(opened);
    }
  }

  /** The one session of this run, opened by who comes first: a second one would find the run locked. */
  #enter(): Promise<OpenedSession> {
    this.#users += 1;
    return (this.#opened ??= this.#open().catch((error: unknown) => {
      this.#users = 0;
      this.#opened = null;
      throw error;
    }));
  }

  /** Who leaves last closes it. */
  async #leave(opened: OpenedSession): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#opened = null;
    await opened.close();
    if (this.#isOver) await this.#memory?.forget();
  }

  async #open(): Promise<OpenedSession> {
    if (this.#memory?.isGone === true) throw forgotten();
    return await this.#job.open(
      this.#conduct(),
      async (settings) => (await this.#memory?.place(settings)) ?? settings.runDir,
    );
  }

  #conduct(): Conduct {
    const given = this.#job.signal;
    return {
      ...this.#job.conduct,
      signal: given === undefined ? this.#stop.signal : AbortSignal.any([given, this.#stop.signal]),
      onOpen: (run) => {
        this.#memory?.opened(run.directory);
        this.#tell("open", run);
      },
      onProgress: (progress) => {
        const changes = batchChanges(this.#progress, progress);
        this.#progress = progress;
        this.#tell("progress", progress);
        for (const change of changes) this.#tell("batch", change);
      },
      onWarning: (warning) => {
        this.#tell("warning", warning);
      },
    };
  }

  #tell<K extends keyof RunEvents>(kind: K, event: RunEvents[K]): void {
    for (const listener of this.#listeners.get(kind) ?? [])
      (listener as (event: RunEvents[K]) => void)(event);
  }
}

/** How {@link EnrichRun.collect} takes what there is. */
export interface CollectHow extends Given {
  /** Whether chunks that wait to be sent are sent; when left out they are, unless something is given. */
  readonly sends?: boolean;
}
