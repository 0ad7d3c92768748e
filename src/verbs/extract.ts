/** extract: fields of a schema, read from each row's text. */

import type { DataFrame } from "nodejs-polars";
import type { MetaName } from "../core/meta.ts";
import type { ColumnsOf } from "../core/placeholders.ts";
import type { AnswerOf, EnrichedSchema, FrameSchema } from "../enrich.ts";
import type { EnrichRun } from "../enrich-run.ts";
import type { OutputOption } from "../output/form.ts";
import type { ModelRef } from "../provider/models.ts";
import type { OnLong, ToldColumns } from "../told-columns.ts";
import {
  DATA_NOTICE,
  fencedTemplate,
  instructions,
  taskRun,
  type Task,
  type VerbOptions,
} from "./task.ts";

/** What `extract` is told: the fields as `output` takes them, and the options of every verb. */
export interface ExtractOptions<
  Name extends string,
  O extends OutputOption,
  Levels extends number = number,
  Meta extends MetaName = MetaName,
  Quotes extends boolean = boolean,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** A Standard Schema, `{ jsonSchema }`, or the short form such as `"amount: float, currency: str"`. */
  readonly schema: O;
  /** How many levels of objects become columns of their own; 1 when left out. */
  readonly flatten?: Levels;
  /** Whether each field comes with the words of the text that say it, in `<column>_<field>_quote`; false when left out. */
  readonly quotes?: Quotes;
}

/** What `extract` asks: the fields of a schema, from the text alone. */
export function extractTask<const O extends OutputOption>(
  options: Pick<ExtractOptions<string, O>, "text" | "also" | "schema">,
): Task<O> {
  return {
    column: "extracted",
    system: instructions(
      "Read the fields asked for from the text between the marks.",
      "Give only what the text says; where it does not say, give null if the field allows it.",
      DATA_NOTICE,
      options.also,
    ),
    template: fencedTemplate(options.text),
    output: options.schema,
    own: ["schema"],
  };
}

/**
 * Adds a column for each field of a schema to a dataframe, `extracted_<field>` (or `<column>_<field>`),
 * with status and error.
 *
 * One call of `enrichColumn` with the prompt of {@link extractTask}; costs and errors are its own. Rows
 * with the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} for a schema that cannot be used, and whatever `enrichColumn` throws; nothing was sent.
 */
export function extract<
  S extends FrameSchema,
  const O extends OutputOption,
  const Name extends string = "extracted",
  const Levels extends number = 1,
  Meta extends MetaName = never,
  const Quotes extends boolean = false,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: ExtractOptions<Name, O, Levels, Meta, Quotes, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): EnrichRun<
  DataFrame<EnrichedSchema<S, Name, O, Levels, ToldColumns<Name, AnswerOf<O>, Meta, Quotes, Long>>>,
  AnswerOf<O>
> {
  return taskRun(frame, { task: extractTask(options), options, model });
}
