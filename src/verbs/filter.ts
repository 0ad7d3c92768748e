/** filter: whether something holds of each row, and only the rows of which it does. */

import type { DataFrame } from "nodejs-polars";
import { InputError } from "../core/errors.ts";
import type { MetaName } from "../core/meta.ts";
import type { ColumnsOf } from "../core/placeholders.ts";
import type { FrameSchema } from "../enrich.ts";
import type { Unanswered } from "../files/kept-rows.ts";
import type { OutputOption } from "../output/form.ts";
import type { ModelRef } from "../provider/models.ts";
import type { OnLong } from "../told-columns.ts";
import {
  DATA_NOTICE,
  fencedTemplate,
  instructions,
  needed,
  taskRun,
  type Task,
  type ValueOutput,
  type VerbOptions,
  type VerbRun,
} from "./task.ts";

/** What `filter` is told. */
export interface FilterOptions<
  Name extends string,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** What must hold, such as "the customer asks for money back". */
  readonly condition: string;
  /** Gives only the rows of which it holds; all rows, with the answer in a column, when left out. */
  readonly keepRows?: boolean;
  /** What `keepRows` does with rows that failed or were skipped: kept with their status when left out. */
  readonly failed?: Unanswered;
}

/**
 * What `filter` asks: true or false.
 *
 * @throws {InputError} `option_invalid` for a blank condition, or for `failed` without `keepRows`; nothing was sent.
 */
export function filterTask(
  options: Pick<FilterOptions<string>, "text" | "also" | "condition" | "keepRows" | "failed">,
): Task<Extract<OutputOption, { readonly jsonSchema: unknown }>> {
  const { keepRows = false, failed = "keep" } = options;
  if (!keepRows && options.failed !== undefined)
    throw new InputError(
      "option_invalid",
      "failed says what becomes of rows where only some are kept, and all are. Nothing was sent.",
      { hint: "Say keepRows: true as well (--keep-rows), or leave out failed." },
    );
  return {
    column: "keep",
    system: instructions(
      `Decide whether this holds of the text between the marks: ${needed("condition", options.condition)}.`,
      "Answer true if it does, and false if it does not or the text does not say.",
      DATA_NOTICE,
      options.also,
    ),
    template: fencedTemplate(options.text),
    output: { jsonSchema: { type: "boolean" } },
    ...(keepRows ? { keep: failed } : {}),
    own: ["condition", "keepRows", "failed"],
  };
}

/**
 * Adds a column of booleans to a dataframe: `keep` (or `column`), its status and its error; with
 * `keepRows` gives only the rows in which it is true, and those without an answer, which keep their
 * status, unless `failed: "drop"` leaves them out too. The receipt's `kept` counts them.
 *
 * One call of `enrichColumn` with the prompt of {@link filterTask}; costs and errors are its own. Rows
 * with the same text share one request.
 *
 * @throws {InputError} `option_invalid`, and whatever `enrichColumn` throws; nothing was sent.
 */
export function filter<
  S extends FrameSchema,
  const Name extends string = "keep",
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: FilterOptions<Name, Meta, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): VerbRun<S, Name, ValueOutput<boolean>, Meta, Long> {
  return taskRun(frame, { task: filterTask(options), options, model });
}
