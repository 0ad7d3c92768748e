/** enrichColumn and enrichFile: where concrete frames, models and stores are put together. */

import type { DataFrame } from "nodejs-polars";
import { InputError } from "./core/errors.ts";
import { replacesExisting } from "./core/existing.ts";
import type { Json } from "./core/hash.ts";
import type { MetaName } from "./core/meta.ts";
import type { CheckTemplate } from "./core/placeholders.ts";
import type { Receipt } from "./core/receipt.ts";
import type {
  EnrichedSchema,
  EnrichOptions,
  FrameSchema,
  GoldColumn,
  RowOf,
} from "./enrich-options.ts";
import {
  conductOf,
  DEFAULT_COLUMN,
  refreshMark,
  settingsOf,
  type AskedAndRead,
} from "./enrich-settings.ts";
import { EnrichRun } from "./enrich-run.ts";
import { openColumn } from "./open-column.ts";
import { lastingPath } from "./files/file-parts.ts";
import {
  checkHow,
  outputHow,
  NOTHING_TOLD,
  withNotes,
  writeOutput,
  type FilePair,
} from "./files/file-output.ts";
import { openFile, type FileFrame } from "./files/files.ts";
import type { Frame } from "./frame/frame.ts";
import { isDataFrame } from "./frame/polars-columns.ts";
import { judgedCells, rowKeeper, type Unanswered } from "./files/kept-rows.ts";
import type { AnswerOf } from "./output/answer-type.ts";
import type { OutputOfModel } from "./output/embedding-name.ts";
import type { OutputOption } from "./output/form.ts";
import { passesOf } from "./passes/passes.ts";
import { addressOf, type ModelRef } from "./provider/models.ts";
import type { Settings } from "./session/settings.ts";
import type { PromptAnswer, RowFunction } from "./stages/render.ts";
import type { OnLong, ToldColumns } from "./told-columns.ts";
import { withBadRows } from "./session/text-warnings.ts";
import { columnPreview } from "./column-preview.ts";
import { textTable, frameTable } from "./previews/preview-tables.ts";
import { isVoted, votedFile, votedFrame } from "./votes.ts";

export type { AnswerOf, EnrichedSchema, EnrichOptions, FilePair, FrameSchema, RowOf };

/**
 * Adds a column to a dataframe by asking a model once per distinct prompt.
 *
 * The template is text with `{{ column }}` placeholders or a function of the row; a misspelt
 * placeholder does not compile for a typed frame. Gives the frame with `<column>`, `<column>_status`
 * and `<column>_error` added, rows and input columns untouched. Nothing is sent until the run is
 * awaited, iterated or started. Calling again with the same rows and settings sends nothing that was
 * answered before.
 *
 * @throws {InputError} for anything wrong with the arguments, before anything is sent.
 */
export function enrichColumn<
  S extends FrameSchema,
  const T extends string,
  const O extends OutputOption = undefined,
  const Name extends string = "enriched",
  const Levels extends number = 1,
  const M extends ModelRef = ModelRef,
  Meta extends MetaName = never,
  const Quotes extends boolean = false,
  const Long extends OnLong = "fail",
  const Gold extends string = string,
>(
  frame: DataFrame<S>,
  template: T & CheckTemplate<S, T>,
  model: M,
  options?: EnrichOptions<Name, O, Levels, Meta, Quotes, Long> & GoldColumn<S, Gold>,
): EnrichRun<
  DataFrame<
    EnrichedSchema<
      S,
      Name,
      OutputOfModel<O, M>,
      Levels,
      ToldColumns<Name, AnswerOf<OutputOfModel<O, M>>, Meta, Quotes, Long>
    >
  >,
  AnswerOf<OutputOfModel<O, M>>
>;
export function enrichColumn<
  S extends FrameSchema,
  const O extends OutputOption = undefined,
  const Name extends string = "enriched",
  const Levels extends number = 1,
  const M extends ModelRef = ModelRef,
  Meta extends MetaName = never,
  const Quotes extends boolean = false,
  const Long extends OnLong = "fail",
  const Gold extends string = string,
>(
  frame: DataFrame<S>,
  template: (row: RowOf<S>) => PromptAnswer,
  model: M,
  options?: EnrichOptions<Name, O, Levels, Meta, Quotes, Long> & GoldColumn<S, Gold>,
): EnrichRun<
  DataFrame<
    EnrichedSchema<
      S,
      Name,
      OutputOfModel<O, M>,
      Levels,
      ToldColumns<Name, AnswerOf<OutputOfModel<O, M>>, Meta, Quotes, Long>
    >
  >,
  AnswerOf<OutputOfModel<O, M>>
>;
export function enrichColumn(
  frame: DataFrame,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  options: EnrichOptions<string, OutputOption> = {},
): EnrichRun<unknown, unknown> {
  if (isVoted(options)) return votedFrame(checkedFrame(frame), { template, model, options });
  return frameRun({ frame, template, model, options });
}

/** A run over a dataframe, as {@link enrichColumn} starts it. */
export interface FrameJob {
  readonly frame: DataFrame;
  readonly template: string | RowFunction["prompt"];
  readonly model: ModelRef;
  readonly options: EnrichOptions<string, OutputOption>;
  /** Keeps only the rows whose answer is true, and those without an answer or not; all rows when left out. */
  readonly keep?: Unanswered;
}

/** The run that a {@link FrameJob} describes. */
export function frameRun<R, V>({
  frame,
  template,
  model,
  options,
  keep,
}: FrameJob): EnrichRun<R, V> {
  const rows = checkedFrame(frame);
  // Loaded when rows in memory are at hand, and with them polars: files need none of its 120 MB.
  const polars = () => import("./frame/polars.ts");
  const refreshed = refreshMark(options);
  const settingsFor = (of: ModelRef, over: Frame): Promise<Settings> =>
    settingsOf(over, template, of, { options, memo: {}, refreshed });
  const own = async (): Promise<Settings> => settingsFor(model, (await polars()).polarsFrame(rows));
  const passes = passesOf(options, (other, main) => settingsFor(other, main.frame));
  return new EnrichRun<R, V>({
    open: openColumn(own, passes),
    finish: async (session) => {
      const { onlyRows, withNewColumns, withReplacedColumns } = await polars();
      const widened = replacesExisting(options.existing) ? withReplacedColumns : withNewColumns;
      let result = rows;
      const receipt = await session.complete(async (columns, cells) => {
        const written = { output: null, neutralisedCells: 0 };
        if (keep === undefined) {
          result = await widened(rows, columns, cells);
          return written;
        }
        const kept: boolean[] = [];
        const keeper = rowKeeper(options.column ?? DEFAULT_COLUMN, columns, keep);
        const whole = await widened(rows, columns, judgedCells(cells, keeper, kept));
        result = onlyRows(whole, kept);
        return { ...written, kept: keeper.counts() };
      });
      return { result: result as unknown as R, receipt };
    },
    preview: columnPreview(own, passes, frameTable(rows)),
    conduct: conductOf(options),
    signal: options.signal,
    forgets: options.runDir === null,
    isQuiet: options.progress === "none",
    onProgress: options.onProgress,
  });
}

/**
 * Adds a column to a file, streaming: memory stays flat however long the file is. CSV, TSV, JSON Lines,
 * JSON arrays (all also as .gz and .zst), Parquet and Arrow, and from each into each.
 *
 * Input cells come back byte for byte, in order, with `<column>`, `<column>_status` and
 * `<column>_error` after them. Gives the receipt. The same call again goes on with an unfinished run,
 * and writes the output of a finished one again for nothing.
 *
 * @throws {InputError} for anything wrong with the arguments or the file, before anything is sent.
 */
export function enrichFile<const O extends OutputOption = undefined>(
  files: FilePair,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  options: EnrichOptions<string, O> = {},
): EnrichRun<Receipt, AnswerOf<O>> {
  if (isVoted(options)) return votedFile(files, { template, model, options });
  return fileRun({ files, template, model, options });
}

/** A run over a file, as {@link enrichFile} and going on with one by name start it. */
export interface FileJob {
  readonly files: FilePair;
  readonly template: string | RowFunction["prompt"];
  readonly model: ModelRef;
  readonly options: EnrichOptions<string, OutputOption>;
  /** What is asked for and how it is read; what the options say when left out. */
  readonly asked?: () => Promise<AskedAndRead>;
  /** The mark of the refresh the run was started by; made from the options when left out. */
  readonly refreshed?: string | null;
  /** Keeps only the rows whose answer is true, and those without an answer or not; all rows when left out. */
  readonly keep?: Unanswered;
}

/** The run that a {@link FileJob} describes; see {@link enrichFile}. */
export function fileRun<V>({
  files,
  template,
  model,
  options,
  asked,
  refreshed = refreshMark(options),
  keep,
}: FileJob): EnrichRun<Receipt, V> {
  // What the run must remember to be started again by name.
  const memo = {
    input: lastingPath(files.input),
    output: lastingPath(files.output),
    reading: { ...files.reading },
    writing: outputHow(files) as Json,
    // By its name alone a run goes on at the same place, from a clock that has no such variable as well.
    baseUrl: addressOf(model),
    apiKeyEnv: typeof model === "string" ? null : (model.apiKeyEnv ?? null),
    ...(keep === undefined ? {} : { keep }),
  };
  const open = (): Promise<FileFrame> =>
    openFile(files.input, { ...files.reading, output: files.output });
  let frame: FileFrame | null = null;
  let notes: readonly string[] = [];
  const settingsFor = (of: ModelRef, over: Frame): Promise<Settings> =>
    settingsOf(over, template, of, {
      options,
      memo,
      refreshed,
      ...(asked === undefined ? {} : { asked }),
    });
  const passes = passesOf(options, (other, main) => settingsFor(other, main.frame));
  return new EnrichRun({
    open: openColumn(async () => {
      frame = await open();
      // Found out now, before anything is bought, and once more when the file is written.
      notes = await checkHow(frame, files.output, { ...files, leavesOutRows: keep !== undefined });
      return await settingsFor(model, frame);
    }, passes),
    notes: () => notes,
    finish: async (session) => {
      const input = frame ?? (await open());
      let noted = NOTHING_TOLD;
      const receipt = await session.complete(async (columns, cells, resume) => {
        const keeper =
          keep === undefined ? null : rowKeeper(options.column ?? DEFAULT_COLUMN, columns, keep);
        const done = await writeOutput(
          {
            ...{ input, output: files.output, columns, cells },
            replaces: replacesExisting(options.existing),
            ...(keeper === null ? {} : { keeper }),
            ...(resume === undefined ? {} : { resume }),
          },
          files,
        );
        noted = done;
        const written = { output: files.output, neutralisedCells: done.neutralisedCells };
        return keeper === null ? written : { ...written, kept: keeper.counts() };
      });
      const safe = withNotes(receipt, noted);
      const told = await withBadRows(safe, input, files.reading?.onBadRow);
      return { result: told, receipt: told };
    },
    preview: columnPreview(async () => settingsFor(model, await open()), passes, textTable),
    conduct: conductOf(options),
    signal: options.signal,
    forgets: options.runDir === null,
    isQuiet: options.progress === "none",
    onProgress: options.onProgress,
  });
}

/**
 * The first argument as the dataframe it must be.
 *
 * @throws {InputError} `frame_invalid` for anything else; nothing was sent.
 */
export function checkedFrame(frame: unknown): DataFrame {
  if (isDataFrame(frame)) return frame;
  throw new InputError(
    "frame_invalid",
    "The first argument of enrichColumn is not a nodejs-polars DataFrame. Nothing was sent.",
    { hint: "Read one with pl.readCSV or pl.readParquet, or use enrichFile for a file." },
  );
}
