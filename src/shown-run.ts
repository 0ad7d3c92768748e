/** A run in the notebook it was called from: its card, and its result. */

import { randomUUID } from "node:crypto";
import type { Progress } from "./core/progress.ts";
import type { Receipt } from "./core/receipt.ts";
import { displayed } from "./display/bundle.ts";
import { liveCard, type Board, type LiveCard } from "./display/live.ts";
import { receiptBundle } from "./display/receipt.ts";
import { rowsBundle } from "./display/table.ts";
import { isDataFrame } from "./frame/polars-columns.ts";
import { headOfFrame } from "./files/file-head.ts";

/** What of Deno's kernel is used. */
interface Kernel {
  display(
    bundle: object,
    options: { readonly raw: true; readonly display_id: string; readonly update: boolean },
  ): Promise<void>;
}

/** What is watched of a run. */
interface Watched {
  on(kind: "progress", listener: (progress: Progress) => void): () => void;
}

/**
 * The same work, shown where it was called from a notebook: a card follows it, and has come to its end,
 * the receipt or why the run stopped, before the work is handed out. Elsewhere nothing is shown.
 */
export async function shownRun<D extends { readonly receipt: Receipt }>(
  run: Watched,
  work: Promise<D>,
): Promise<D> {
  const card = notebookCard();
  if (card === null) return await work;
  const leave = run.on("progress", (progress) => {
    card.progress(progress);
  });
  try {
    const { receipt } = await work;
    await card.end({ receipt });
  } catch (error) {
    await card.end({ error });
  } finally {
    leave();
  }
  return await work;
}

const ROWS_SHOWN = 10;

/**
 * What a run gives, with receipts that show themselves in notebooks, and a dataframe that shows its first
 * rows as a table: polars' own display is a kind of data that VS Code shows as nothing.
 */
export function shownDone<D extends { readonly result: unknown; readonly receipt: Receipt }>(
  done: D,
): D {
  const { result, receipt } = done;
  for (const each of [receipt, ...Object.values(receipt.steps ?? {})])
    displayed(each, receiptBundle);
  if (isDataFrame(result))
    displayed(result, async (frame) => rowsBundle(await headOfFrame(frame, ROWS_SHOWN)));
  return done;
}

function notebookCard(): LiveCard | null {
  const kernel = denoKernel();
  if (kernel === null) return null;
  const board: Board = {
    show: (bundle, id, isUpdate) =>
      kernel.display(bundle, { raw: true, display_id: id, update: isUpdate }),
    say: (line) => {
      process.stdout.write(`${line}\n`);
    },
  };
  return liveCard(board, randomUUID());
}

function denoKernel(): Kernel | null {
  try {
    const { Deno } = globalThis as { readonly Deno?: { readonly jupyter?: Kernel } };
    const kernel = Deno?.jupyter;
    return typeof kernel?.display === "function" ? kernel : null;
  } catch {
    // Deno outside a notebook throws when its kernel is so much as looked at.
    return null;
  }
}
