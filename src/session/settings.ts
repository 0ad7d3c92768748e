/** The settings of a run, once its frame is open and its model is at hand. */

import type { CallSettings, PromptCache } from "../core/call-settings.ts";
import type { AnswerForm } from "../core/form.ts";
import type { LongTexts } from "../core/cut.ts";
import type { Json } from "../core/hash.ts";
import type { MetaColumn } from "../core/meta.ts";
import type { Price } from "../core/price.ts";
import type { OnNull, Template } from "../core/template.ts";
import type { RequestSpec } from "../core/request.ts";
import type { KeyCheck } from "../core/row-key.ts";
import type { RowSample } from "../core/sample.ts";
import type { AnswerReading } from "../output/answer.ts";
import type { ColumnLayout } from "../output/columns.ts";
import { readingMark } from "../output/reading-mark.ts";
import type { Validator } from "../output/validator.ts";
import type { Frame } from "../frame/frame.ts";
import type { OldAnswers } from "../frame/old-answers.ts";
import type { TextEndpoint } from "../provider/openai-dialect.ts";
import type { OpenedModel } from "../provider/models.ts";
import type { Example, RowFunction } from "../stages/render.ts";
import type { KeptUnder, SessionCache } from "../store/reply-cache.ts";
import type { openSqliteStore } from "../store/sqlite.ts";

/** Where runs live when nothing else is said, below the working directory. */
export const DEFAULT_RUN_DIR = ".batchframe";

/** Everything that decides what is asked, where, and how it is remembered. */
export interface Settings {
  readonly frame: Frame;
  readonly template: Template | RowFunction;
  readonly system: string | undefined;
  readonly onNull: OnNull;
  /** Rows past this many are not asked; null asks all, or leaves it to the choice. */
  readonly limit: number | null;
  /** Which rows are asked, where that is more than a limit; the frame withholds the others. */
  readonly choice?: RowChoice;
  /** What names a row for people; left out where nothing does. */
  readonly key?: RunKey;
  /** What models are asked for. */
  readonly form: AnswerForm;
  /** What replies are read as, where that is something else than they were asked for. */
  readonly readAs?: AnswerForm;
  /** The check of a schema's own code; null where the form says all there is to check. */
  readonly validate: Validator | null;
  /** How many levels of objects become columns of their own. */
  readonly flatten: number;
  readonly call: CallSettings;
  readonly promptCache: PromptCache | null;
  readonly examples: readonly Example[];
  readonly column: string;
  /** Whether new columns take the place of old ones that have their names; refused where not. */
  readonly replaces: boolean;
  /** What the rows have of the new columns already and keep where they are not asked; left out where nothing is kept. */
  readonly old?: OldAnswers;
  /** What becomes of longer cells than a prompt may show; null where they may be of any length. */
  readonly long: LongTexts | null;
  /** What is told of each answer beside the answer. */
  readonly meta: readonly MetaColumn[];
  /** The model's price; null where it is not known. */
  readonly price: Price | null;
  readonly model: OpenedModel;
  /** The endpoint text is asked from, where one was named. */
  readonly endpoint: TextEndpoint | null;
  /** The directory that holds the runs. */
  readonly runDir: string;
  /** The run's id; null derives it from the frame, the column and the content. */
  readonly name: string | null;
  /** The mark of the refresh this run was started by, part of its identity; null for any other. */
  readonly refreshed: string | null;
  /** Which of several votes on the same question this run is; left out where it is the only one. */
  readonly vote?: number;
  /** Which pass of a run with several this is; left out where it is the whole run. */
  readonly pass?: PassPlace;
  /** The id of the whole run where this is a part, a step or a pass of one; its own when left out. */
  readonly whole?: string;
  /** Whether a run in which no row can be asked is a run all the same, because other steps go on. */
  readonly mayAskNothing: boolean;
  /** The cache that answers are taken from and kept in; null for none. */
  readonly cache: CacheUse | null;
  /** What else the run remembers, to be started again by name: paths and the like, never a key. */
  readonly memo: Readonly<Record<string, Json>>;
  /** Opens the run's memory; the embedded store when left out. */
  readonly openStore?: typeof openSqliteStore;
  /** Opens the cache of replies; that of its file when left out. */
  readonly openCache?: () => SessionCache;
}

/** Which rows are asked, as it is remembered. */
export interface RowChoice {
  /** The condition's text; null where there is none. */
  readonly where: string | null;
  /** The most rows that meet it; null for all. */
  readonly limit: number | null;
  /** The rows that are drawn of those that meet it; null for all. */
  readonly sample: RowSample | null;
}

/** The columns that name a row for people. */
export interface RunKey {
  readonly columns: readonly string[];
  /** Looks through the keys of all rows. */
  check(): Promise<KeyCheck>;
}

/** Where a pass of a run with several stands. */
export interface PassPlace {
  /** The pass's own directory, within that of the run. */
  readonly folder: string;
  /** What the first pass is known by besides its own settings: what the passes after it will ask of whom. */
  readonly followedBy?: Json;
  /** The identity of the first pass, by which those after it know their rows. */
  readonly first?: string;
}

/** How a cache is used. */
export interface CacheUse {
  readonly file: string;
  /** False asks everything anew, and keeps the new answers in place of the old. */
  readonly reads: boolean;
}

/** What all requests of a run with these settings share. */
export function requestSpec({ model, form, call, promptCache, vote }: Settings): RequestSpec {
  return {
    model: model.model,
    params: model.params,
    form,
    settings: call,
    promptCache,
    ...(vote === undefined ? {} : { vote }),
  };
}

/** How answers are read and checked under these settings. */
export function answerReading({ form, readAs, validate, model }: Settings): AnswerReading {
  const isStrict = model.provider.schemaDialect?.isEnforced ?? true;
  return { form: readAs ?? form, validate, isStrict };
}

/** What the answers of a run with these settings are kept under. */
export function keptUnder(settings: Settings): KeptUnder {
  const { provider, model } = settings.model;
  return {
    provider: provider.id,
    model,
    reading: readingMark(answerReading(settings), provider.id),
  };
}

/** What decides the columns a run with these settings adds. */
export function columnLayout(settings: Settings): ColumnLayout {
  const { form, readAs, flatten, long, meta } = settings;
  return {
    form: readAs ?? form,
    flatten,
    hasTools: hasTools(settings),
    tellsCut: long?.onLong === "truncate",
    meta,
  };
}

/** Whether the model may ask for calls, and so a column holds them. */
export function hasTools({ call }: Settings): boolean {
  return (call.tools ?? []).length > 0;
}
