/** Ctrl-C, twice if need be, and readers that went away. */

import { EXIT } from "./exit-codes.ts";

/**
 * Calls `stop` at the first Ctrl-C, request to end, or closing of the terminal; a second one ends the
 * process at once, with 130. Gives a function that ends the listening, unless stopping has begun.
 */
export function onInterrupt(stop: () => void): () => void {
  let times = 0;
  const heard = (signal: NodeJS.Signals): void => {
    times += 1;
    if (times === 1) stop();
    // A closing terminal and its shell both say so; that is one wish, not two.
    else if (signal !== "SIGHUP") process.exit(EXIT.interrupted);
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return () => {
    // Once stopping, a second Ctrl-C must not find nobody listening and end the process by its signal.
    if (times > 0) return;
    for (const signal of SIGNALS) process.off(signal, heard);
  };
}

/** Resolves at the first Ctrl-C. */
export async function interrupted(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const forget = onInterrupt(() => {
    resolve(undefined);
  });
  await promise;
  forget();
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

// What writing to a closed pipe, and to a terminal that is gone, fails with.
const UNREAD = new Set(["EPIPE", "EIO"]);

let whenUnread: () => void = () => {
  process.exit(process.exitCode ?? EXIT.ok);
};

/** Ends the process quietly when nobody reads its output any more, as in `… | head -1`. */
export function endWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!UNREAD.has(error.code ?? "")) throw error;
      whenUnread();
    });
}

/** Does something else when nobody reads the output any more, until the function it gives is called. */
export function onUnread(stop: () => void): () => void {
  const before = whenUnread;
  whenUnread = stop;
  return () => {
    whenUnread = before;
  };
}
