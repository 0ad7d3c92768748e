/** embed: each row's text as a vector. */

import type { DataFrame } from "nodejs-polars";
import type { MetaName } from "../core/meta.ts";
import type { CheckTemplate, ColumnsOf } from "../core/placeholders.ts";
import type { EnrichOptions, FrameSchema } from "../enrich.ts";
import type { ModelRef } from "../provider/models.ts";
import type { OnLong } from "../told-columns.ts";
import { placeholderName, taskRun, type Task, type VerbRun } from "./task.ts";

/** What is embedded: a column's name, or a template with `{{ column }}` placeholders. */
export type Embedded<S, T extends string> = T extends `${string}{{${string}`
  ? CheckTemplate<S, T>
  : ColumnsOf<S>;

/** How vectors are made: as any column is, but for what only text has. */
export interface EmbedOptions<
  Name extends string,
  Meta extends MetaName = MetaName,
  Long extends OnLong = OnLong,
> extends Omit<
  EnrichOptions<Name, undefined, number, Meta, boolean, Long>,
  "output" | "flatten" | "system" | "examples" | "quotes"
> {
  /** The vectors' length, where the model can shorten them; its own when left out. */
  readonly dimensions?: number;
}

/**
 * What `embed` asks: the vector of each text. `text` is a column's name, or a template with `{{ column }}`
 * placeholders; `dimensions` is the vectors' length, the model's own when left out.
 */
export function embedTask({
  text,
  dimensions,
}: {
  readonly text: string;
  readonly dimensions?: number | undefined;
}): Task<Vectors> {
  return {
    column: "embedding",
    system: null,
    template: text.includes("{{") ? text : `{{ ${placeholderName(text)} }}`,
    output: { embedding: dimensions === undefined ? true : { dimensions } },
    own: ["dimensions"],
  };
}

interface Vectors {
  readonly embedding: true | { readonly dimensions: number };
}

/**
 * Adds a column of vectors to a dataframe: `embedding` (or `column`), a list of 32-bit floats, its
 * status and its error.
 *
 * One call of `enrichColumn` with `output: { embedding: … }`; costs and errors are its own. Rows with
 * the same text share one request, and a row with a blank cell is skipped.
 *
 * @throws {InputError} as `enrichColumn` does, `output_unsupported` for a provider that makes no vectors.
 */
export function embed<
  S extends FrameSchema,
  const T extends string,
  const Name extends string = "embedding",
  Meta extends MetaName = never,
  const Long extends OnLong = "fail",
>(
  frame: DataFrame<S>,
  text: T & Embedded<S, T>,
  model: ModelRef,
  options: EmbedOptions<Name, Meta, Long> = {},
): VerbRun<S, Name, Vectors, Meta, Long> {
  const task = embedTask({ text, dimensions: options.dimensions });
  return taskRun(frame, { task, options, model });
}
