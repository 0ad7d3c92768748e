/** A card that changes in place while a run goes on. */

import type { Progress } from "../core/progress.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Bundle } from "./bundle.ts";
import { progressBundle, stoppedBundle } from "./progress.ts";
import { receiptBundle } from "./receipt.ts";

/** Where a card is shown: a notebook's output. */
export interface Board {
  /** Shows a bundle under an id; with `isUpdate`, in the place of what was shown under it before. */
  show(bundle: Bundle, id: string, isUpdate: boolean): Promise<void>;
  /** Says one line, where nothing can be shown. */
  say(line: string): void;
}

/** A card on a board. */
export interface LiveCard {
  progress(progress: Progress): void;
  /** The last state, shown before this resolves: a receipt, or why the run stopped. */
  end(how: { readonly receipt: Receipt } | { readonly error: unknown }): Promise<void>;
}

// Twice a second: a notebook keeps every update in its message queue.
const PAUSE_MS = 500;

/**
 * A card that shows at most two states a second, always the latest, and ends as the receipt.
 *
 * A board that fails is not asked again; the end is then said in one line. Nothing here throws: a run
 * must not fail because it could not be shown.
 */
export function liveCard(board: Board, id: string): LiveCard {
  let latest: Progress | null = null;
  let timer: NodeJS.Timeout | null = null;
  let shown: Promise<void> = Promise.resolve();
  let isDrawn = true;
  let isShown = false;
  let isBroken = false;
  const show = (bundle: Bundle): void => {
    shown = shown.then(async () => {
      if (isBroken) return;
      try {
        await board.show(bundle, id, isShown);
        isShown = true;
      } catch {
        isBroken = true;
      }
    });
  };
  const draw = (): void => {
    timer = null;
    if (isDrawn || latest === null) return;
    isDrawn = true;
    show(progressBundle(latest));
    timer = setTimeout(draw, PAUSE_MS);
    timer.unref();
  };
  return {
    progress: (progress) => {
      latest = progress;
      isDrawn = false;
      if (timer === null) draw();
    },
    end: async (how) => {
      if (timer !== null) clearTimeout(timer);
      const bundle =
        "receipt" in how
          ? receiptBundle(how.receipt)
          : stoppedBundle(latest, how.error instanceof Error ? how.error.message : "an error");
      show(bundle);
      await shown;
      if (isBroken) board.say(bundle["text/plain"].split("\n", 1)[0] ?? "");
    },
  };
}
