/** A run as a value: nothing happens until it is awaited, iterated or started. */

import type { PlanCounts } from "./core/plan.ts";
import type { Progress } from "./core/progress.ts";
import type { Receipt } from "./core/receipt.ts";
import type { RowErrorCode, RowStatus } from "./core/result.ts";
import type { Warning } from "./run.ts";
import { openSession, type Conduct, type OpenedRun, type Session } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { RowOutcome } from "./stages/join.ts";
import { requestCancel } from "./store/sqlite.ts";

/** One row's outcome. */
export interface RowResult<V> {
  /** The row's position, counted from 0. */
  readonly row: number;
  readonly status: RowStatus;
  /** The answer; null unless `status` is `ok`. */
  readonly value: V | null;
  /** Why there is no answer; null unless `status` is `failed`. */
  readonly error: { readonly code: RowErrorCode; readonly message: string } | null;
}

/** What a run can tell while it goes on. */
export interface RunEvents {
  /** Where the run's memory is, told once before anything is sent. */
  readonly open: OpenedRun;
  readonly progress: Progress;
  /** Something went wrong on the way and is being dealt with. */
  readonly warning: Warning;
}

/** The plan of a run, as counts; making it sends nothing. */
export type RunPlan = PlanCounts;

/** A finished run: its result and its receipt. */
export interface Done<T> {
  readonly result: T;
  readonly receipt: Receipt;
}

/** What a run is made of; the settings are read, and the model loaded, when it starts. */
export interface Job<T> {
  settings(): Promise<Settings>;
  /** Writes the rows where they belong. */
  finish(session: Session): Promise<Done<T>>;
  readonly conduct: Omit<Conduct, "signal" | "onOpen" | "onProgress" | "onWarning">;
  readonly signal: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
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
  #directory: string | null = null;
  #opened: Promise<Opened> | null = null;
  #users = 0;

  constructor(job: Job<T>) {
    this.#job = job;
    if (job.onProgress !== undefined) this.on("progress", job.onProgress);
  }

  /** Starts the run without waiting for it; a run that has started is left as it is. */
  start(): this {
    this.#work().catch(() => undefined);
    return this;
  }

  /** The plan: rows, requests, duplicates, what is skipped and why. Sends nothing and spends nothing. */
  async plan(): Promise<RunPlan> {
    return await this.#with((session) => session.plan());
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
   * left, and false when batches are still under way.
   */
  async collect(): Promise<boolean> {
    if (this.#done !== null) return await this.#done.then(() => true);
    return await this.#with(async (session) => {
      await session.plan();
      if (!(await session.drive({ once: true }))) return false;
      this.#done ??= Promise.resolve(await this.#job.finish(session));
      return true;
    });
  }

  /**
   * Stops the remote work, keeps every answer that came, and gives the receipt; rows that got none
   * fail as `cancelled`. Whatever the batches have worked on is charged.
   */
  async cancel(): Promise<Receipt> {
    if (this.#directory === null) await this.plan();
    if (this.#directory !== null) requestCancel(this.#directory);
    return await this.report();
  }

  /**
   * A run that asks failed rows again, those with one of these codes or all of them, and then goes on
   * as this one. Pays for what it asks.
   */
  retry(codes?: readonly RowErrorCode[]): EnrichRun<T, V> {
    return new EnrichRun<T, V>({ ...this.#job, retry: codes ?? "all" });
  }

  /** Ends local work, once the current step is written down; remote batches go on. */
  async detach(): Promise<void> {
    this.#stop.abort();
    await this.#done?.catch(() => undefined);
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
    await this.#work();
    const opened = await this.#enter();
    try {
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

  #work(): Promise<Done<T>> {
    return (this.#done ??= this.#perform());
  }

  #perform(): Promise<Done<T>> {
    return this.#with(async (session) => {
      await session.plan();
      const { retry } = this.#job;
      if (retry !== undefined) await session.retry(retry === "all" ? undefined : retry);
      await session.drive();
      return await this.#job.finish(session);
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
  #enter(): Promise<Opened> {
    this.#users += 1;
    return (this.#opened ??= this.#open().catch((error: unknown) => {
      this.#users = 0;
      this.#opened = null;
      throw error;
    }));
  }

  /** Who leaves last closes it. */
  async #leave(opened: Opened): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#opened = null;
    await opened.close();
  }

  async #open(): Promise<Opened> {
    const settings = await this.#job.settings();
    const closeModel = (): Promise<void> => settings.model.provider.close();
    const given = this.#job.signal;
    try {
      const session = await openSession(settings, {
        ...this.#job.conduct,
        signal:
          given === undefined ? this.#stop.signal : AbortSignal.any([given, this.#stop.signal]),
        onOpen: (run) => {
          this.#directory = run.directory;
          this.#tell("open", run);
        },
        onProgress: (progress) => {
          this.#progress = progress;
          this.#tell("progress", progress);
        },
        onWarning: (warning) => {
          this.#tell("warning", warning);
        },
      });
      return {
        session,
        close: async () => {
          await session[Symbol.asyncDispose]();
          await closeModel();
        },
      };
    } catch (error) {
      await closeModel();
      throw error;
    }
  }

  #tell<K extends keyof RunEvents>(kind: K, event: RunEvents[K]): void {
    for (const listener of this.#listeners.get(kind) ?? [])
      (listener as (event: RunEvents[K]) => void)(event);
  }
}

interface Opened {
  readonly session: Session;
  close(): Promise<void>;
}

function rowResult<V>(row: number, outcome: RowOutcome): RowResult<V> {
  const base = { row, status: outcome.status, value: null, error: null };
  if (outcome.status === "ok") return { ...base, value: outcome.value as V };
  if (outcome.status === "skipped") return base;
  return { ...base, error: { code: outcome.code, message: outcome.message } };
}
