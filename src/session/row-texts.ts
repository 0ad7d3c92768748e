/** Joined rows held against the texts they were asked about: quotes that occur there, and which texts were cut. */

import type { Prompt } from "../core/request.ts";
import { spanOf } from "../core/span.ts";
import type { Frame } from "../frame/frame.ts";
import type { Quotes } from "../output/answer.ts";
import type { JoinedRows, RowOutcome } from "../stages/join.ts";
import type { Rendering, Unaskable } from "../stages/ports.ts";

/** What rows are held against. */
export interface RowTexts {
  readonly frame: Frame;
  readonly rendering: Rendering;
  /** The row that the first of the joined rows is; the first when left out. */
  readonly firstRow?: number;
  /** Told of every quote that a model gave and the row's texts do not hold. */
  readonly onForeignQuote: () => void;
}

/**
 * The same rows with their quotes checked, each the span of the text itself or null, and with what is
 * known of cut texts. Reads the frame once more, from the first row.
 */
export async function* withRowTexts(
  rows: AsyncIterable<JoinedRows>,
  texts: RowTexts,
): AsyncGenerator<JoinedRows> {
  const prompts = promptQueue(texts);
  try {
    for await (const joined of rows) {
      const asked = await prompts.take(joined.outcomes.length);
      yield {
        ...joined,
        outcomes: joined.outcomes.map((outcome, at) => checked(outcome, asked[at] ?? null, texts)),
        cut: joined.outcomes.map((_, at) => isCut(asked[at] ?? null)),
      };
    }
  } finally {
    await prompts.close();
  }
}

type Asked = Prompt | Unaskable | null;

function isCut(asked: Asked): boolean {
  return asked !== null && typeof asked === "object" && asked.isCut === true;
}

function checked(outcome: RowOutcome, asked: Asked, { onForeignQuote }: RowTexts): RowOutcome {
  if (!("quotes" in outcome)) return outcome;
  const cells = asked !== null && typeof asked === "object" ? asked.cells : [];
  const entries = Object.entries(outcome.quotes).map(([field, quote]) => {
    const span = quote === null ? null : spanIn(cells, quote);
    if (quote !== null && span === null) onForeignQuote();
    return [field, span] as const;
  });
  const quotes: Quotes = Object.fromEntries(entries);
  return { ...outcome, quotes };
}

function spanIn(cells: readonly string[], quote: string): string | null {
  for (const cell of cells) {
    const span = spanOf(quote, cell);
    if (span !== null) return span;
  }
  return null;
}

interface PromptQueue {
  /** The prompts of the next `count` rows. */
  take(count: number): Promise<readonly Asked[]>;
  close(): Promise<void>;
}

const ROWS_PER_BLOCK = 1000;

function promptQueue({ frame, rendering, firstRow = 0 }: RowTexts): PromptQueue {
  const blocks = frame.blocks(rendering.columns, ROWS_PER_BLOCK, firstRow)[Symbol.asyncIterator]();
  let waiting: readonly Asked[] = [];
  return {
    take: async (count) => {
      while (waiting.length < count) {
        const next = await blocks.next();
        if (next.done === true) break;
        const promptOf = rendering.prompts(next.value);
        const asked = Array.from({ length: next.value.rowCount }, (_, row) => promptOf(row));
        const before = Math.max(0, firstRow - next.value.firstRow);
        waiting = [...waiting, ...asked.slice(before)];
      }
      const taken = waiting.slice(0, count);
      waiting = waiting.slice(count);
      return taken;
    },
    close: async () => {
      await blocks.return?.();
    },
  };
}
