/** classify: each row gets one of some labels, or as many as fit. */

import type { DataFrame } from "nodejs-polars";
import type { MetaName } from "../core/meta.ts";
import type { ColumnsOf } from "../core/placeholders.ts";
import type { FrameSchema } from "../enrich.ts";
import type { OutputOption } from "../output/form.ts";
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

/** The outputs that are labels. */
export type LabelsOutput = Extract<OutputOption, { readonly labels: unknown }>;

/** What `classify` is told: the labels as `output` takes them, and the options of every verb. */
export interface ClassifyOptions<
  Name extends string,
  L extends LabelsOutput["labels"],
  Multi extends boolean = boolean,
  Other extends boolean = boolean,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** The labels, as a list or with what each means. */
  readonly labels: L;
  /** Any number of labels, none included, instead of exactly one; false when left out. */
  readonly multi?: Multi;
  /** A short label of the model's own where none fits; false when left out. */
  readonly allowOther?: Other;
}

/** What `classify` asks: one label of each text, every one that fits with `multi`, one of the model's own with `allowOther`. */
export function classifyTask(
  options: Pick<
    ClassifyOptions<string, LabelsOutput["labels"]>,
    "text" | "also" | "labels" | "multi" | "allowOther"
  >,
): Task<LabelsOutput> {
  const { labels, multi = false, allowOther = false } = options;
  const system = instructions(
    multi
      ? "Choose every label that fits the text between the marks; none is an answer too."
      : "Choose the one label that best fits the text between the marks.",
    allowOther ? "Where none of them fits, give a short label of your own." : undefined,
    DATA_NOTICE,
    options.also,
  );
  const output = {
    labels,
    ...(multi ? { multi } : {}),
    ...(allowOther ? { allowOther } : {}),
  };
  return {
    column: "label",
    system,
    template: fencedTemplate(options.text),
    output: output as LabelsOutput,
    own: ["labels", "multi", "allowOther"],
  };
}

/**
 * Adds a column of labels to a dataframe: `label` (or `column`), its status and its error.
 *
 * One call of `enrichColumn` with the prompt of {@link classifyTask}; costs and errors are its own. Rows
 * with the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} `labels_invalid`, and whatever `enrichColumn` throws; nothing was sent.
 */
export function classify<
  S extends FrameSchema,
  const L extends LabelsOutput["labels"],
  const Name extends string = "label",
  const Multi extends boolean = false,
  const Other extends boolean = false,
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: ClassifyOptions<Name, L, Multi, Other, Meta, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): VerbRun<S, Name, Chosen<L, Multi, Other>, Meta, Long> {
  return taskRun(frame, { task: classifyTask(options), options, model });
}

interface Chosen<L, Multi, Other> {
  readonly labels: L;
  readonly multi: Multi;
  readonly allowOther: Other;
}
