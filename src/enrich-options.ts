/** The options of a run of one column, and the types of what it gives. */

import type { DataFrame } from "nodejs-polars";
import type { CascadeOption } from "./passes/cascade.ts";
import type { CallSettings, PromptCache } from "./core/call-settings.ts";
import type { Cell } from "./core/column.ts";
import type { Existing } from "./core/existing.ts";
import type { MaxFailures } from "./core/failure-limit.ts";
import type { LaneChoice } from "./core/lane.ts";
import type { MetaName } from "./core/meta.ts";
import type { CheckColumn, ColumnsOf, IsAny } from "./core/placeholders.ts";
import type { PriceOverrides } from "./core/price.ts";
import type { Progress } from "./core/progress.ts";
import type { Params } from "./core/request.ts";
import type { RowErrorCode, RowStatus } from "./core/result.ts";
import type { SampleOption } from "./core/sample.ts";
import type { OnNull } from "./core/template.ts";
import type { AnswerColumns, AnswerOf } from "./output/answer-type.ts";
import type { OutputOption } from "./output/form.ts";
import type { ModelRef } from "./provider/models.ts";
import type { Pacing } from "./provider/pacing.ts";
import type { Example } from "./stages/render.ts";
import type { OnLong } from "./told-columns.ts";

/** How a column is made, with the defaults a careful person would choose. */
export interface EnrichOptions<
  Name extends string,
  O extends OutputOption,
  Levels extends number = number,
  Meta extends MetaName = MetaName,
  Quotes extends boolean = boolean,
  Long extends OnLong = OnLong,
>
  extends CallSettings, Pacing {
  /** The new column's name; `enriched` when left out. */
  readonly column?: Name;
  /** What the answers may be; free text when left out. */
  readonly output?: O;
  /**
   * How many levels of objects become columns of their own: 1 when left out (`<column>_<field>`, objects
   * inside as structs), 0 for one struct column, 2 or more for fields of fields.
   */
  readonly flatten?: Levels;
  /**
   * What is told of each answer, in columns of their own after the status: `model`, `cost`, `attempts` and
   * so on (`<column>_model`), or `tokens` for the four counts. Nothing when left out.
   */
  readonly meta?: readonly Meta[];
  /**
   * Whether the words of the text that say so are asked for beside each field of an object, and given as
   * `<column>_<field>_quote`: the span as it stands in the row's text. Words that do not occur there are
   * left out, and counted in the receipt's warnings. False when left out.
   */
  readonly quotes?: Quotes;
  /** The most characters (code points) that a cell may put into a prompt; any number when left out. Only for text templates. */
  readonly maxChars?: number;
  /**
   * What becomes of a row with a longer cell: `fail` when left out, so that it fails as `too_long` and is
   * not sent; `truncate` cuts the cell where a word ends, and `<column>_truncated` says of which rows.
   */
  readonly onLong?: Long;
  /** Prices of models that the package has none of, or others: by `provider/model`. */
  readonly prices?: PriceOverrides;
  /** Instructions given to the model before every prompt. */
  readonly system?: string;
  /** Answered examples, shown to the model before every prompt. */
  readonly examples?: readonly Example[];
  /** What the provider may keep between requests that begin alike. */
  readonly promptCache?: PromptCache;
  /**
   * Asks every question so many times, 2 to 25, as requests of their own, and takes the most frequent
   * answer; `<column>_agreement` holds its share. Costs as many times as much. For labels and schemas.
   */
  readonly votes?: number;
  /**
   * Another model, which is asked the rows that this one failed (refused, cut off, unusable, unanswered)
   * once all its batches have ended; never rows that were not sent. `meta: ["model"]` tells who answered.
   */
  readonly fallbackModel?: ModelRef;
  /**
   * A strong model besides, asked about a sample of the rows and then about those that this one, the cheap
   * one, is not sure enough of: so many that the answers are the strong model's in `target` of the rows,
   * with a probability of at least 1 - `delta`. For labels and schemas.
   */
  readonly cascade?: CascadeOption;
  /** Extra fields for every request body, such as `{ max_completion_tokens: 64 }`. */
  readonly params?: Params;
  /**
   * What becomes of columns that the rows have already under names that new ones would have: `fail` when left
   * out, so that the run is refused; `overwrite` leaves them out of the result, where the new columns stand
   * after all others; `skip` does so too, but rows that are answered there are not asked and keep what they have.
   * With a condition, a limit or a sample, rows that are not asked keep what they have under `overwrite` as well.
   * A template that names such a column reads what it held. A row is answered where a cell of the answer holds
   * anything and its status is not `failed`; with a limit, the first rows that are not are asked, blank ones counted.
   */
  readonly existing?: Existing;
  /** What becomes of a row with a blank cell in a column the template names; `skip` when left out. */
  readonly onNull?: OnNull;
  /** Asks the first rows only; the others are kept and marked skipped. */
  readonly limit?: number;
  /**
   * Asks only the rows that meet a condition, written as after SQL's `where`: `lang = 'en' and stars < 3`. The
   * others are kept and marked skipped; with a limit, the first rows that meet it are asked, with a sample
   * those drawn of them. All rows when left out.
   */
  readonly where?: string;
  /**
   * Asks only some rows, drawn at random; the others are kept and marked skipped. The same seed draws the
   * same rows of the same input on any machine, whatever is asked of them, and a larger sample contains every smaller one. Not
   * beside a limit. All rows when left out.
   */
  readonly sample?: SampleOption;
  /**
   * The columns that name a row for people: failed rows are told by them, and `show` finds rows by them. Rows
   * that share a key, or lack it, are said in the plan. It changes nothing of what is asked.
   */
  readonly key?: string | readonly string[];
  /**
   * The directory that holds runs; `.batchframe` here when left out.
   *
   * With null the run has none: what it remembers lies in a private temporary folder, removed when the
   * run ends or is left. That gives up what the directory is for. After a crash, or when the run is left
   * early, the batches' addresses are lost: they go on, are charged, and the same call pays for them
   * again. A run that is left with batches under way tells their ids in a `batches_left` warning.
   * `retry()` is not possible, nor reading rows after the result has been given.
   */
  readonly runDir?: string | null;
  /** The run's id; made from the frame's name, the column and the content when left out. */
  readonly name?: string;
  /**
   * How requests travel: in `batch` jobs, one by one in `realtime`, or `auto`, which asks up to 200 requests
   * in realtime and more in batches. When left out, in batches; of more than 200 requests the first is then
   * asked alone in realtime, at full price, as with `auto`. Where the provider has one way only, that one.
   * It decides what a call costs and how long it takes, never what is asked: answers count in either lane.
   */
  readonly lane?: LaneChoice;
  /**
   * When the run is to be done, counted from its first sending, in milliseconds. Batches that will not
   * make it are cancelled in time; what came is kept, and the rest is asked in realtime, at that price.
   * Rows a cancelled batch may have charged for as well are named in the receipt. Kept with the run: the
   * same call later, or `resume`, goes by the same moment.
   */
  readonly deadlineMs?: number;
  /** Requests in a chunk; the provider's own advice when left out. */
  readonly chunkRows?: number;
  /** Time between looks at a batch, in milliseconds; the provider's own advice when left out. */
  readonly pollEveryMs?: number;
  /** How often a request that was not answered is sent again; 3 when left out. */
  readonly retries?: number;
  /**
   * The most the run may cost, in US dollars, with what it has spent before; anything when left out.
   * A chunk is sent only when it fits even at the most it is expected to cost, beside all that is under
   * way; when nothing fits any more the run ends with a `BudgetError`, keeps what is answered, and goes
   * on with a higher cap. Needs a price.
   */
  readonly maxCostUsd?: number;
  /**
   * How many requests may fail, or what share of them (`"5%"`), before nothing more is sent and the run
   * stops as `too_many_failures`, to be gone on with. When left out it stops so where the first 20 that fail do so
   * alike, before any is answered; `"100%"` lets any number fail.
   */
  readonly maxFailures?: MaxFailures;
  /** A batch that makes no progress for this long is cancelled, and its rest sent again; waits for ever when left out. */
  readonly stallMs?: number;
  /** Leaves the provider's copies of requests and results where they are; they are deleted when left out. */
  readonly keepRemote?: boolean;
  /**
   * Sends each chunk as soon as it is full, while later rows are still being read; batches alone, without
   * a first request. What the run will cost is not known before, and an input that turns out to be damaged
   * further down has its earlier rows sent: only after all are read when left out.
   */
  readonly sendsEarly?: boolean;
  /**
   * Whether answers bought before, by whatever run, are taken instead of asked for again, and new ones
   * kept; true when left out, unless the run has no directory. `"refresh"` asks everything anew and
   * keeps the new answers. Failures are never kept.
   */
  readonly cache?: boolean | "refresh";
  /** The file of the cache, which runs in other directories may share; `cache.sqlite` beside the runs when left out. */
  readonly cacheFile?: string;
  /** Ends local waiting; remote batches go on. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** `none` leaves out the card that shows the run's progress and receipt where it is called from a notebook. */
  readonly progress?: "none";
}

/** The column of gold labels, where a cascade names one: one that the frame has. */
export interface GoldColumn<S, Gold extends string> {
  readonly cascade?: { readonly gold?: Gold & CheckColumn<S, Gold> };
}

// polars describes columns by its own types and leaves an untyped frame's schema open. Naming that
// openness through polars lets a result's schema say what an answer can be, label by label.
type OpenSchema = DataFrame extends DataFrame<infer S> ? S : never;

/** A frame's schema: names, and the polars type or the values of each column. */
export type FrameSchema = Record<string, OpenSchema>;

/** A frame's schema with the new columns, as far as the types know it. */
export type EnrichedSchema<
  S,
  Name extends string,
  O,
  Levels extends number = 1,
  Told = unknown,
> = AsSchema<
  S,
  AnswerColumns<Name, AnswerOf<O>, Levels> &
    Told &
    Readonly<Record<`${Name}_status`, RowStatus>> &
    Readonly<Record<`${Name}_error`, RowErrorCode | null>>
>;

/** Both together; said in a way that lets the compiler take it for a schema before the columns are known. */
type AsSchema<S, Added> = (IsAny<S> extends true ? unknown : Beside<S, Added>) &
  Added extends infer All
  ? All extends FrameSchema
    ? All
    : never
  : never;

/** Old columns that new ones do not replace; a schema that is open stays as it is. */
type Beside<S, Added> = string extends keyof S
  ? S
  : keyof S & keyof Added extends never
    ? S
    : Omit<S, keyof Added>;

/** A row as a template function sees it. */
export type RowOf<S> = Readonly<Record<ColumnsOf<S>, Cell>>;
