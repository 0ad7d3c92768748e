/** The gate before a server: who wants to ask waits here, in order, until the flow lets them begin. */

import type { Flow, TicketEnd } from "./live-flow.ts";

/** A gate. */
export interface Gate {
  /**
   * Waits for leave to send one request and gives the way to say how it ended, which must be called;
   * null when `stopping` was aborted first.
   */
  enter(tokens: number, stopping: AbortSignal): Promise<((how: TicketEnd) => void) | null>;
  /** Lets nobody in for this long from now. */
  hold(forMs: number): void;
}

interface Waiter {
  readonly tokens: number;
  readonly admit: () => void;
}

// A timer of more than 2^31 ms would fire at once.
const LONGEST_TIMER_MS = 60_000;

/** A gate that nobody has entered. */
export function gateOf(flow: Flow): Gate {
  const waiters: Waiter[] = [];
  let timer: NodeJS.Timeout | undefined;

  const admitAll = (): void => {
    clearTimeout(timer);
    for (;;) {
      const [first] = waiters;
      if (first === undefined) return;
      const waitMs = flow.waitMs(first.tokens);
      if (waitMs > 0) {
        if (Number.isFinite(waitMs))
          timer = setTimeout(admitAll, Math.min(waitMs, LONGEST_TIMER_MS));
        return;
      }
      waiters.shift();
      first.admit();
    }
  };

  return {
    enter: (tokens, stopping) => {
      if (stopping.aborted) return Promise.resolve(null);
      const { promise, resolve } = Promise.withResolvers<((how: TicketEnd) => void) | null>();
      const leave = (): void => {
        waiters.splice(waiters.indexOf(waiter), 1);
        resolve(null);
        admitAll();
      };
      const waiter: Waiter = {
        tokens,
        admit: () => {
          stopping.removeEventListener("abort", leave);
          const ticket = flow.begin(tokens);
          resolve((how) => {
            flow.end(ticket, how);
            admitAll();
          });
        },
      };
      stopping.addEventListener("abort", leave, { once: true });
      waiters.push(waiter);
      admitAll();
      return promise;
    },
    hold: (forMs) => {
      flow.hold(forMs);
    },
  };
}
