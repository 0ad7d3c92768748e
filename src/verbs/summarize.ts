/** summarize: each row's text in few words. */

import type { DataFrame } from "nodejs-polars";
import { InputError } from "../core/errors.ts";
import type { MetaName } from "../core/meta.ts";
import type { ColumnsOf } from "../core/placeholders.ts";
import type { FrameSchema } from "../enrich.ts";
import type { ModelRef } from "../provider/models.ts";
import type { OnLong } from "../told-columns.ts";
import {
  DATA_NOTICE,
  fencedTemplate,
  instructions,
  taskRun,
  type Task,
  type VerbOptions,
  type VerbRun,
} from "./task.ts";

/** What `summarize` is told. */
export interface SummarizeOptions<
  Name extends string,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** The most words a summary may have, as asked of the model; 30 when left out. */
  readonly words?: number;
}

/**
 * What `summarize` asks.
 *
 * @throws {InputError} `option_invalid` for a number of words that is no whole number above 0; nothing was sent.
 */
export function summarizeTask(
  options: Pick<SummarizeOptions<string>, "text" | "also" | "words">,
): Task<undefined> {
  const { words = 30 } = options;
  if (!Number.isSafeInteger(words) || words < 1)
    throw new InputError(
      "option_invalid",
      `words must be a whole number above 0; it is ${String(words)}. Nothing was sent.`,
    );
  return {
    column: "summary",
    system: instructions(
      `Summarise the text between the marks in at most ${String(words)} words, in its own language.`,
      "Say only what the text says. Answer with the summary only.",
      DATA_NOTICE,
      options.also,
    ),
    template: fencedTemplate(options.text),
    output: undefined,
    own: ["words"],
  };
}

/**
 * Adds a column of summaries to a dataframe: `summary` (or `column`), its status and its error.
 *
 * One call of `enrichColumn` with the prompt of {@link summarizeTask}; costs and errors are its own. Rows
 * with the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} `option_invalid`, and whatever `enrichColumn` throws; nothing was sent.
 */
export function summarize<
  S extends FrameSchema,
  const Name extends string = "summary",
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: SummarizeOptions<Name, Meta, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): VerbRun<S, Name, undefined, Meta, Long> {
  return taskRun(frame, { task: summarizeTask(options), options, model });
}
