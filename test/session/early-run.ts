/** A run over rows of which the last ones are given when somebody says so. */

import { readdir } from "node:fs/promises";
import { conductOf, settingsOf } from "../../src/enrich-settings.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { openSession } from "../../src/session/session.ts";

/** The texts of the rows. */
export const TEXTS = Array.from({ length: 12 }, (_, row) => `text ${String(row)}`);

// All but the last block: with four requests a chunk, the first two are full and sent.
const FIRST_ROWS = 9;

/** How the rows are asked about. */
export interface EarlyRun {
  readonly url: string;
  readonly runDir: string;
  /** Settles when the last rows may be read. */
  readonly lastRows: () => Promise<void>;
}

/** Drives such a run to its end and gives what came of each row. */
export async function sentEarly({ url, runDir, lastRows }: EarlyRun): Promise<{
  readonly statuses: readonly string[];
  readonly values: readonly unknown[];
}> {
  const model = { provider: "openai", model: "m", baseUrl: url, apiKey: "test-key", settleMs: 50 };
  const options = { runDir, chunkRows: 4, pollEveryMs: 5, sendsEarly: true, name: "early" };
  const given = { options, memo: {}, refreshed: null };
  const settings = await settingsOf(gated(lastRows), "say {{ text }}", model, given);
  const session = await openSession(settings, {
    ...conductOf(options),
    signal: new AbortController().signal,
    onOpen: () => undefined,
    onProgress: () => undefined,
    onWarning: () => undefined,
  });
  try {
    await session.drive();
    const rows = (await Array.fromAsync(session.rows())).flatMap(({ outcomes }) => outcomes);
    return {
      statuses: rows.map(({ status }) => status),
      values: rows.map((row) => ("value" in row ? row.value : null)),
    };
  } finally {
    await session[Symbol.asyncDispose]();
    await settings.model.provider.close();
  }
}

function gated(lastRows: () => Promise<void>): Frame {
  return {
    name: "gated rows",
    columns: ["text"],
    fingerprint: () => Promise.resolve("the same rows every time"),
    blocks: async function* () {
      for (const [first, end] of [
        [0, FIRST_ROWS],
        [FIRST_ROWS, TEXTS.length],
      ] as const) {
        if (first > 0) await lastRows();
        const texts = TEXTS.slice(first, end);
        yield { firstRow: first, rowCount: texts.length, text: () => texts, values: () => texts };
      }
    },
  };
}

/** The names of all files below a folder, as one text. */
export async function filesBelow(folder: string): Promise<string> {
  return (await readdir(folder, { recursive: true })).join("\n");
}
