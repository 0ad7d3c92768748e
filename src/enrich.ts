/** enrichColumn and enrichFile: where concrete frames, models and stores are put together. */

import { resolve as absolute } from "node:path";
import type { DataFrame } from "nodejs-polars";
import type { Cell } from "./core/column.ts";
import { InputError } from "./core/errors.ts";
import type { Json } from "./core/hash.ts";
import type { CheckTemplate, ColumnsOf, IsAny } from "./core/placeholders.ts";
import type { Progress } from "./core/progress.ts";
import type { Params } from "./core/request.ts";
import type { Receipt } from "./core/receipt.ts";
import type { RowErrorCode, RowStatus } from "./core/result.ts";
import { checkTemplate, parseTemplate, type OnNull, type Template } from "./core/template.ts";
import { EnrichRun, type Job } from "./enrich-run.ts";
import { openCsv, type CsvFrame } from "./frame/csv.ts";
import { checkOutput } from "./frame/csv-output.ts";
import { writeCsv } from "./frame/csv-write.ts";
import type { Frame } from "./frame/frame.ts";
import { isDataFrame } from "./frame/polars-columns.ts";
import { answerForm, type OutputOption } from "./output/form.ts";
import { openModel, type ModelRef } from "./provider/models.ts";
import { DEFAULT_RESENDS } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { PromptAnswer, RowFunction } from "./stages/render.ts";

/** How a column is made, with the defaults a careful person would choose. */
export interface EnrichOptions<Name extends string, O extends OutputOption> {
  /** The new column's name; `enriched` when left out. */
  readonly column?: Name;
  /** What the answers may be; free text when left out. */
  readonly output?: O;
  /** Instructions given to the model before every prompt. */
  readonly system?: string;
  /** Extra fields for every request body, such as `{ max_completion_tokens: 64 }`. */
  readonly params?: Params;
  /** What becomes of a row with a blank cell in a column the template names; `skip` when left out. */
  readonly onNull?: OnNull;
  /** Asks the first rows only; the others are kept and marked skipped. */
  readonly limit?: number;
  /** The directory that holds runs; `.batchframe` here when left out. */
  readonly runDir?: string;
  /** The run's id; made from the frame's name, the column and the content when left out. */
  readonly name?: string;
  /** Requests in a chunk; the provider's own advice when left out. */
  readonly chunkRows?: number;
  /** Time between looks at a batch, in milliseconds; the provider's own advice when left out. */
  readonly pollEveryMs?: number;
  /** How often a request that was not answered is sent again; 3 when left out. */
  readonly retries?: number;
  /** A batch that makes no progress for this long is cancelled, and its rest sent again; waits for ever when left out. */
  readonly stallMs?: number;
  /** Leaves the provider's copies of requests and results where they are; they are deleted when left out. */
  readonly keepRemote?: boolean;
  /** Ends local waiting; remote batches go on. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

// polars describes columns by its own types and leaves an untyped frame's schema open. Naming that
// openness through polars lets a result's schema say what an answer can be, label by label.
type OpenSchema = DataFrame extends DataFrame<infer S> ? S : never;

/** A frame's schema: names, and the polars type or the values of each column. */
export type FrameSchema = Record<string, OpenSchema>;

/** The type of one answer. */
export type AnswerOf<O> = O extends { readonly labels: readonly (infer L)[] }
  ? L
  : O extends { readonly labels: infer D }
    ? keyof D & string
    : string;

/** A frame's schema with the new columns, as far as the types know it. */
export type EnrichedSchema<S, Name extends string, O> = (IsAny<S> extends true ? unknown : S) &
  Readonly<Record<Name, AnswerOf<O> | null>> &
  Readonly<Record<`${Name}_status`, RowStatus>> &
  Readonly<Record<`${Name}_error`, RowErrorCode | null>>;

/** A row as a template function sees it. */
export type RowOf<S> = Readonly<Record<ColumnsOf<S>, Cell>>;

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
>(
  frame: DataFrame<S>,
  template: T & CheckTemplate<S, T>,
  model: ModelRef,
  options?: EnrichOptions<Name, O>,
): EnrichRun<DataFrame<EnrichedSchema<S, Name, O>>, AnswerOf<O>>;
export function enrichColumn<
  S extends FrameSchema,
  const O extends OutputOption = undefined,
  const Name extends string = "enriched",
>(
  frame: DataFrame<S>,
  template: (row: RowOf<S>) => PromptAnswer,
  model: ModelRef,
  options?: EnrichOptions<Name, O>,
): EnrichRun<DataFrame<EnrichedSchema<S, Name, O>>, AnswerOf<O>>;
export function enrichColumn(
  frame: DataFrame,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  options: EnrichOptions<string, OutputOption> = {},
): EnrichRun<unknown, unknown> {
  const rows = checkedFrame(frame);
  // Loaded when rows in memory are at hand, and with them polars: files need none of its 120 MB.
  const polars = () => import("./frame/polars.ts");
  return new EnrichRun<unknown, unknown>({
    settings: async () => {
      const { polarsFrame } = await polars();
      return await settingsOf(polarsFrame(rows), template, model, { options, memo: {} });
    },
    finish: async (session) => {
      const { withNewColumns } = await polars();
      let result = rows;
      const receipt = await session.complete(async (columns, cells) => {
        result = await withNewColumns(rows, columns, cells);
        return { output: null, neutralisedCells: 0 };
      });
      return { result, receipt };
    },
    conduct: conductOf(options),
    signal: options.signal,
    onProgress: options.onProgress,
  });
}

/** A file to read and a file to write. */
export interface FilePair {
  /** The CSV file to read; never changed. */
  readonly input: string;
  /** The CSV file to write, whole or not at all; it may exist. */
  readonly output: string;
}

/**
 * Adds a column to a CSV file, streaming: memory stays flat however long the file is.
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
  // What the run must remember to be started again by name.
  const memo = {
    input: absolute(files.input),
    output: absolute(files.output),
    baseUrl: typeof model === "string" ? null : (model.baseUrl ?? null),
  };
  let frame: CsvFrame | null = null;
  return new EnrichRun({
    settings: async () => {
      frame = await openCsv(files.input);
      // Found out now, before anything is bought, and once more when the file is written.
      await checkOutput(files.output, files.input);
      return await settingsOf(frame, template, model, { options, memo });
    },
    finish: async (session) => {
      const input = frame ?? (await openCsv(files.input));
      const receipt = await session.complete(async (columns, cells) => {
        const written = await writeCsv({ input, output: files.output, columns, cells });
        return { output: files.output, neutralisedCells: written.neutralisedCells };
      });
      return { result: receipt, receipt };
    },
    conduct: conductOf(options),
    signal: options.signal,
    onProgress: options.onProgress,
  });
}

const DEFAULT_COLUMN = "enriched";

/** Where runs live when nothing else is said, below the working directory. */
export const DEFAULT_RUN_DIR = ".batchframe";

function conductOf(options: EnrichOptions<string, OutputOption>): Job<never>["conduct"] {
  checkPositive("chunkRows", options.chunkRows);
  checkPositive("pollEveryMs", options.pollEveryMs);
  checkPositive("limit", options.limit);
  checkPositive("stallMs", options.stallMs);
  if (options.retries !== 0) checkPositive("retries", options.retries);
  return {
    requestsPerChunk: options.chunkRows ?? null,
    pollEveryMs: options.pollEveryMs ?? null,
    maxResends: options.retries ?? DEFAULT_RESENDS,
    stallMs: options.stallMs ?? null,
    keepRemote: options.keepRemote ?? false,
  };
}

function checkPositive(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw new InputError(
    "option_invalid",
    `${name} must be a whole number above 0; it is ${String(value)}. Nothing was sent.`,
  );
}

interface Given {
  readonly options: EnrichOptions<string, OutputOption>;
  readonly memo: Readonly<Record<string, Json>>;
}

async function settingsOf(
  frame: Frame,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  { options, memo }: Given,
): Promise<Settings> {
  const form = answerForm(options.output);
  const read = readTemplate(template, frame);
  const opened = await openModel(model);
  return {
    frame,
    template: read,
    system: options.system,
    onNull: options.onNull ?? "skip",
    limit: options.limit ?? null,
    form,
    column: options.column ?? DEFAULT_COLUMN,
    model: { ...opened, params: { ...opened.params, ...options.params } },
    runDir: options.runDir ?? DEFAULT_RUN_DIR,
    name: options.name ?? null,
    memo,
  };
}

/** Reads the template; a column it misspells is told before a key is looked for or a model is loaded. */
function readTemplate(
  template: string | RowFunction["prompt"],
  frame: Frame,
): Template | RowFunction {
  if (typeof template !== "string") return { columns: frame.columns, prompt: template };
  const read = parseTemplate(template);
  checkTemplate(read, frame.columns);
  return read;
}

function checkedFrame(frame: unknown): DataFrame {
  if (isDataFrame(frame)) return frame;
  throw new InputError(
    "frame_invalid",
    "The first argument of enrichColumn is not a nodejs-polars DataFrame. Nothing was sent.",
    { hint: "Read one with pl.readCSV or pl.readParquet, or use enrichFile for a file." },
  );
}
