/** translate: each row's text in another language. */

import type { DataFrame } from "nodejs-polars";
import type { MetaName } from "../core/meta.ts";
import type { ColumnsOf } from "../core/placeholders.ts";
import type { FrameSchema } from "../enrich.ts";
import type { ModelRef } from "../provider/models.ts";
import type { OnLong } from "../told-columns.ts";
import {
  DATA_NOTICE,
  fencedTemplate,
  instructions,
  needed,
  taskRun,
  type Task,
  type VerbOptions,
  type VerbRun,
} from "./task.ts";

/** What `translate` is told. */
export interface TranslateOptions<
  Name extends string,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** The language to translate into, such as "French" or "pt-BR". */
  readonly to: string;
}

/**
 * What `translate` asks.
 *
 * @throws {InputError} `option_invalid` for a blank language; nothing was sent.
 */
export function translateTask(
  options: Pick<TranslateOptions<string>, "text" | "also" | "to">,
): Task<undefined> {
  return {
    column: "translation",
    system: instructions(
      `Translate the text between the marks into ${needed("to", options.to)}.`,
      "Keep names, numbers, line breaks and markup as they are. Answer with the translation only.",
      DATA_NOTICE,
      options.also,
    ),
    template: fencedTemplate(options.text),
    output: undefined,
    own: ["to"],
  };
}

/**
 * Adds a column of translations to a dataframe: `translation` (or `column`), its status and its error.
 *
 * One call of `enrichColumn` with the prompt of {@link translateTask}; costs and errors are its own. Rows
 * with the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} `option_invalid`, and whatever `enrichColumn` throws; nothing was sent.
 */
export function translate<
  S extends FrameSchema,
  const Name extends string = "translation",
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: TranslateOptions<Name, Meta, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): VerbRun<S, Name, undefined, Meta, Long> {
  return taskRun(frame, { task: translateTask(options), options, model });
}
