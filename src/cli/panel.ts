/** The part of a terminal that is drawn again and again, below everything printed. */

import { createLogUpdate } from "log-update";

/** A redrawn block of lines at the bottom of a terminal. */
export interface Panel {
  /** Shows the text in place of what the panel showed. */
  draw(text: string): void;
  /** Prints lines that stay, above the panel. */
  above(text: string): void;
  /** Removes the panel and gives the cursor back. */
  close(): void;
}

/** A panel on standard error, which must be a terminal. */
export function openPanel(): Panel {
  const live = createLogUpdate(process.stderr);
  let shown = "";
  return {
    draw: (text) => {
      shown = text;
      live(text);
    },
    above: (text) => {
      live.clear();
      process.stderr.write(`${text}\n`);
      if (shown !== "") live(shown);
    },
    close: () => {
      live.clear();
      live.done();
      shown = "";
    },
  };
}
