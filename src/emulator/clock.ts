/** Time as the emulator sees it: the wall clock, or one a test moves by hand. */

/** Where the emulator reads the time and waits. */
export interface Clock {
  /** The present moment in milliseconds since 1970. Never runs backwards. */
  nowMs(): number;
  /** Resolves after `durationMs`, or at once when `signal` fires. Never rejects. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

/** A clock that stands still until `advance` is called. */
export interface ManualClock extends Clock {
  /** Moves the time forward by `durationMs` and ends every sleep that is due by then. */
  advance(durationMs: number): void;
}

// setTimeout fires at once when asked to wait longer than a signed 32-bit number of milliseconds.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: (durationMs, signal) =>
    untilAborted(signal, (done) => {
      const timer = setTimeout(done, Math.min(Math.max(0, durationMs), LONGEST_TIMER_MS));
      return () => {
        clearTimeout(timer);
      };
    }),
};

/** A clock that starts at `startMs` and moves only by `advance`, so that a day passes in one call. */
export function manualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
  return {
    nowMs: () => nowMs,
    sleep: (durationMs, signal) =>
      untilAborted(signal, (done) => {
        const sleeper = { dueMs: nowMs + durationMs, wake: done };
        if (durationMs <= 0) done();
        else sleepers.add(sleeper);
        return () => sleepers.delete(sleeper);
      }),
    advance(durationMs) {
      nowMs += durationMs;
      for (const sleeper of [...sleepers]) if (sleeper.dueMs <= nowMs) sleeper.wake();
    },
  };
}

function untilAborted(signal: AbortSignal, start: (done: () => void) => () => void): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = (): void => {
    resolve(undefined);
  };
  const stop = start(done);
  signal.addEventListener("abort", done, { once: true });
  return promise.then(() => {
    signal.removeEventListener("abort", done);
    stop();
  });
}
