/** score: a number for each row, within a range. */

import type { DataFrame } from "nodejs-polars";
import { InputError } from "../core/errors.ts";
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
  needed,
  taskRun,
  type Task,
  type ValueOutput,
  type VerbOptions,
  type VerbRun,
} from "./task.ts";

/** What `score` is told. */
export interface ScoreOptions<
  Name extends string,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends VerbOptions<Name, Meta, Long> {
  /** What is scored, such as "how urgent the request is". */
  readonly criterion: string;
  /** The lowest and the highest score; whole numbers give whole scores. 0 to 10 when left out. */
  readonly range?: readonly [low: number, high: number];
  /** What some scores stand for, so that answers mean the same everywhere: `{ 0: "no hurry", 10: "somebody is in danger" }`. */
  readonly anchors?: Readonly<Record<number, string>>;
}

/**
 * What `score` asks: a number of the range; a whole one where both its ends are.
 *
 * @throws {InputError} `option_invalid` for a blank criterion, a range that is none, or an anchor outside it; nothing was sent.
 */
export function scoreTask(
  options: Pick<ScoreOptions<string>, "text" | "also" | "criterion" | "range" | "anchors">,
): Task<Extract<OutputOption, { readonly jsonSchema: unknown }>> {
  const [low, high] = options.range ?? [0, 10];
  if (!Number.isFinite(low) || !Number.isFinite(high) || low >= high)
    throw new InputError(
      "option_invalid",
      `The range of scores must be two numbers, the lower first; it is ${String(low)} to ${String(high)}. Nothing was sent.`,
    );
  const anchors = Object.entries(options.anchors ?? {}).sort(([a], [b]) => Number(a) - Number(b));
  const outside = anchors.find(([at]) => !(Number(at) >= low && Number(at) <= high));
  if (outside !== undefined)
    throw new InputError(
      "option_invalid",
      `The anchor ${outside[0]} lies outside the range ${String(low)} to ${String(high)}. Nothing was sent.`,
    );
  const isWhole = Number.isInteger(low) && Number.isInteger(high);
  return {
    column: "score",
    system: instructions(
      `Score the text between the marks from ${String(low)} to ${String(high)}: ${needed("criterion", options.criterion)}.`,
      ...anchors.map(([at, meaning]) => `${at} means: ${needed(`anchor ${at}`, meaning)}.`),
      DATA_NOTICE,
      options.also,
    ),
    template: fencedTemplate(options.text),
    output: {
      jsonSchema: { type: isWhole ? "integer" : "number", minimum: low, maximum: high },
    },
    own: ["criterion", "range", "anchors"],
  };
}

/**
 * Adds a column of numbers to a dataframe: `score` (or `column`), its status and its error.
 *
 * One call of `enrichColumn` with the prompt of {@link scoreTask}; costs and errors are its own. Rows
 * with the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} `option_invalid`, and whatever `enrichColumn` throws; nothing was sent.
 */
export function score<
  S extends FrameSchema,
  const Name extends string = "score",
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  options: ScoreOptions<Name, Meta, Long> & { readonly text: ColumnsOf<S> },
  model: ModelRef,
): VerbRun<S, Name, ValueOutput<number>, Meta, Long> {
  return taskRun(frame, { task: scoreTask(options), options, model });
}
