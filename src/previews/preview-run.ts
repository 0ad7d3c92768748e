/** Previews: a few rows asked at once, whose answers count toward the whole run. */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve as absolute } from "node:path";
import type { DataFrame } from "nodejs-polars";
import { checkPositive } from "../core/call-options.ts";
import type { NewCells, NewColumn } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import type { Receipt } from "../core/receipt.ts";
import type { Frame } from "../frame/frame.ts";
import { pickedFrame } from "../frame/picked-rows.ts";
import { PREVIEWS, takeLeftPreviewsInto } from "../session/left-previews.ts";
import { openPieces } from "../steps/piece-session.ts";
import { sampledRows } from "./sampling.ts";
import { checkSettings, identifyingSettings, runId } from "../session/session-settings.ts";
import { openSession, type Conduct, type Session } from "../session/session.ts";
import type { Settings } from "../session/settings.ts";
import { identify } from "../stages/identify.ts";
import { openSqliteStore, STORE_FILE } from "../store/sqlite.ts";
import { removeRunFiles } from "../store/sqlite-remove.ts";

/** How a preview chooses its rows. */
export interface PreviewHow {
  /**
   * The column by whose values the rows are shared out: each value gets one as far as they go round, and
   * more in proportion to its rows. Chosen from all rows alike when left out.
   */
  readonly by?: string;
  /** Another seed chooses other rows; 0 when left out. */
  readonly seed?: number;
}

/** What a preview gives. */
export interface Preview {
  /** The chosen rows with the new columns: all columns of a dataframe; of a file those the template names, as text. */
  readonly frame: DataFrame;
  /** The positions of these rows, counted from 0, in their order. */
  readonly rows: readonly number[];
  /** What became of them, and what they cost. */
  readonly receipt: Receipt;
}

/** Asks some rows of a run, as its options say. */
export type PreviewJob = (
  rows: number,
  asked: { readonly how: PreviewHow; readonly conduct: Conduct },
) => Promise<Preview>;

/** Puts the chosen rows, of which `picked` is a frame, together with their new columns. */
export type PreviewTable = (
  picked: PickedRows,
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
) => Promise<DataFrame>;

/** What a preview of one column needs of the run it is of. */
export interface ColumnToPreview {
  readonly settings: () => Promise<Settings>;
  readonly table: PreviewTable;
}

/** The rows of a preview. */
export interface PickedRows {
  readonly frame: Frame;
  readonly positions: readonly number[];
  /** The columns the template reads, those of the key, and the one rows are shared by. */
  readonly columns: readonly string[];
}

const MOST_ROWS = 1000;

/**
 * Asks some rows in realtime, where the provider can be asked so, and keeps their answers in the cache.
 *
 * @throws {InputError} `preview_uncached` where the run would not take the answers from there,
 * `preview_late` when the run has sent something already, `unknown_column`, `nothing_to_ask`.
 */
export async function previewOf(
  { settings, table }: ColumnToPreview,
  rows: number,
  { how, conduct }: { readonly how: PreviewHow; readonly conduct: Conduct },
): Promise<Preview> {
  const given = await settings();
  const { frame, provider } = { frame: given.frame, provider: given.model.provider };
  try {
    const { by = null, seed = 0 } = how;
    checkPreview(given, rows, by);
    const rendering = checkSettings(given);
    await forgetPlan(given);
    const runDir = absolute(given.runDir);
    await takeLeftPreviewsInto(given.cache?.file ?? "", { runDir, provider });
    const positions = await sampledRows({ ...given, rendering }, { rows, by, seed });
    const picked = pickedFrame(frame, positions);
    const named = [...(given.key?.columns ?? []), ...(by === null ? [] : [by])];
    const columns = [...new Set([...rendering.columns, ...named])];
    const { pass: _pass, choice: _choice, key: _key, ...plain } = given;
    const only = { ...plain, frame: picked, limit: null, runDir: join(runDir, PREVIEWS) };
    const asked = await ask(only, conduct, async (added, cells) =>
      table({ frame: picked, positions, columns }, added, cells),
    );
    return { ...asked, rows: positions };
  } finally {
    await provider.close();
  }
}

/** Asks every row of the settings and puts the answers together; what it remembers meanwhile is removed after it. */
async function ask(
  settings: Settings,
  conduct: Conduct,
  table: (columns: readonly NewColumn[], cells: AsyncIterable<NewCells>) => Promise<DataFrame>,
): Promise<Asked> {
  const { provider } = settings.model;
  const canAskLive = provider.asksLive === true || provider.live !== undefined;
  const open = settings.long?.onLong === "chunk" ? openPieces : openSession;
  const session = await open(
    { ...settings, name: `preview-${randomBytes(6).toString("hex")}` },
    { ...conduct, lane: canAskLive ? "realtime" : "auto" },
  );
  try {
    return await completed(session, table);
  } finally {
    await session[Symbol.asyncDispose]();
    // Removes its memory; answers that only its journal has, since it was stopped, are kept first.
    const runDir = join(settings.runDir, "..");
    await takeLeftPreviewsInto(settings.cache?.file ?? "", { runDir, provider });
  }
}

type Asked = Pick<Preview, "frame" | "receipt">;

/** Drives a session over the chosen rows to its end, and puts their answers together. */
export async function completed(
  session: Session,
  table: (columns: readonly NewColumn[], cells: AsyncIterable<NewCells>) => Promise<DataFrame>,
): Promise<Asked> {
  await session.plan();
  await session.drive();
  let frame: DataFrame | null = null;
  const receipt = await session.complete(async (columns, cells) => {
    frame = await table(columns, cells);
    return { output: null, neutralisedCells: 0 };
  });
  return { frame: frame as unknown as DataFrame, receipt };
}

/** Refuses a preview that cannot be made, or would not count. @throws {InputError} `option_invalid`, `preview_uncached`, `unknown_column` */
export function checkPreview({ cache, frame }: Settings, rows: number, by: string | null): void {
  checkPositive("preview", rows);
  if (rows > MOST_ROWS)
    throw new InputError(
      "option_invalid",
      `A preview has at most ${String(MOST_ROWS)} rows; ${String(rows)} were wished. Nothing was sent.`,
      { hint: "Ask the first rows of a run instead, with --limit (limit in code)." },
    );
  if (cache?.reads !== true)
    throw new InputError(
      "preview_uncached",
      "A preview's answers reach the run through the cache, which this run does not read, so they would be bought twice. Nothing was sent.",
      { hint: "Leave out --no-cache and --refresh (cache in code), and give the run a directory." },
    );
  if (by !== null && !frame.columns.includes(by))
    throw new InputError(
      "unknown_column",
      `${frame.name} has no column ${JSON.stringify(by)} to choose rows by. Nothing was sent.`,
      { hint: `It has: ${frame.columns.slice(0, 20).join(", ")}.` },
    );
}

/**
 * Removes a plan of the whole run that was made before and of which nothing was sent: made anew, it takes
 * the preview's answers from the cache.
 */
async function forgetPlan(settings: Settings): Promise<void> {
  const identity = await identify({
    frame: settings.frame,
    rendering: checkSettings(settings),
    settings: identifyingSettings(settings),
    isTextTemplate: "parts" in settings.template,
  });
  const id = runId(settings, identity);
  const directory = absolute(join(settings.runDir, id, settings.pass?.folder ?? ""));
  if (existsSync(join(directory, STORE_FILE))) await forgetUnsent(directory, id);
}

/** Removes a run's memory. @throws {InputError} `preview_late` when it has sent something. */
export async function forgetUnsent(directory: string, id: string): Promise<void> {
  const store = await openSqliteStore(directory, null);
  const chunks = await store.chunks().finally(() => store[Symbol.asyncDispose]());
  if (chunks.some(({ intent }) => intent !== null))
    throw new InputError(
      "preview_late",
      `Run ${id} has sent requests already, so a preview could buy what is on its way. Nothing was sent.`,
      { hint: `See how it goes with: batchframe status ${id}` },
    );
  await removeRunFiles(directory);
}
