/** Warnings, a few of each kind; the rest are counted. */

import { printable, wrapped } from "./cells.ts";
import { counted } from "./format.ts";
import type { Terminal } from "./terminal.ts";

const MOST_OF_A_CODE = 5;

/** Tells the first warnings of each code as they come, and how many there were besides. */
export interface Warnings {
  readonly add: (warning: { readonly code: string; readonly message: string }) => void;
  /** Tells what was held back. */
  readonly sum: () => void;
}

/** An empty collection of warnings that speaks on a terminal. */
export function warningsOn(terminal: Terminal): Warnings {
  const seen = new Map<string, number>();
  const most = terminal.verbose ? Number.POSITIVE_INFINITY : MOST_OF_A_CODE;
  const tell = (text: string): void => {
    terminal.say(wrapped(`${terminal.colours.warn("warning:")} ${text}`, terminal.wrapWidth, 2));
  };
  return {
    add: ({ code, message }) => {
      terminal.event("warning", { code, message });
      const times = (seen.get(code) ?? 0) + 1;
      seen.set(code, times);
      if (times <= most) tell(printable(message));
    },
    sum: () => {
      for (const [code, times] of seen)
        if (times > most)
          tell(
            `and ${counted(times - most, "more warning", "more warnings")} of the kind ${code}; --verbose tells all`,
          );
    },
  };
}
