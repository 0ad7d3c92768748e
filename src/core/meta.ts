/** What a run can tell of each answer beside the answer: who gave it, what it used and cost, where it came from. */

import type { ColumnType, NewColumn } from "./column.ts";
import { InputError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";

const TYPES = {
  model: "text",
  input_tokens: "integer",
  cached_tokens: "integer",
  cache_write_tokens: "integer",
  output_tokens: "integer",
  reasoning_tokens: "integer",
  cost: "float",
  latency: "integer",
  attempts: "integer",
  finish_reason: "text",
  custom_id: "text",
  batch_id: "text",
  confidence: "float",
  raw: "text",
  prompt_hash: "text",
  run: "text",
} as const satisfies Readonly<Record<string, ColumnType>>;

/**
 * A column that tells of an answer. Null where it is not known, and in rows that were not asked.
 *
 * - `model`: who answered, as the provider names it.
 * - `input_tokens` (of them `cached_tokens` read from the provider's cache and
 *   `cache_write_tokens` put there) and `output_tokens` (of them `reasoning_tokens`): of the reply the
 *   row shows.
 * - `cost`: US dollars for every reply to the row's request that was charged, unusable ones included;
 *   null while the model's price is not known. Rows that share a request share every other value, and
 *   the first of them alone carries the cost, the others 0, so that the column's sum is what was paid.
 *   An answer from the cache, and one of a model that charges nothing, costs 0.
 * - `latency`: milliseconds from the batch's acceptance to its end as it was seen from here.
 * - `attempts`: how often the request was sent in this run; 0 for an answer from the cache.
 * - `finish_reason`: why the model stopped, in the provider's own word.
 * - `custom_id` and `batch_id`: what the request and its batch are called at the provider.
 * - `confidence`: from 0 to 1, of models that tell it: the one inside the package does, and the cheap one
 *   of a cascade is asked.
 * - `raw`: the answer's text exactly as the model wrote it, unusable ones included.
 * - `prompt_hash`: the request's identity, the same wherever the same is asked; null in a run that was
 *   planned without a cache and without this column.
 * - `run`: the id of the run that put the answer there, as `batchframe show` takes it; a cache's answers too.
 */
export type MetaColumn = keyof typeof TYPES;

/** What may be asked for: a column, or `tokens` for the five of them. */
export type MetaName = MetaColumn | "tokens";

/** The columns that a name stands for. */
export type MetaColumnOf<M extends MetaName> = M extends "tokens" ? TokenColumn : M;

type TokenColumn = (typeof TOKENS)[number];

const TOKENS = [
  "input_tokens",
  "cached_tokens",
  "cache_write_tokens",
  "output_tokens",
  "reasoning_tokens",
] as const;

/** Every name that may be asked for. */
export const META_NAMES: readonly MetaName[] = ["tokens", ...(Object.keys(TYPES) as MetaColumn[])];

/** What a cell of a column holds, as the compiler knows it. */
export type MetaCell<M extends MetaColumn> = (typeof TYPES)[M] extends "text" ? string : number;

/** The values of one row; what was not asked for may be left out. */
export type MetaValues = Readonly<Partial<Record<MetaColumn, string | number | null>>>;

/**
 * The columns that some names stand for, in the order given, each once.
 *
 * @throws {InputError} `option_invalid` for a name that is none, with near misses; nothing was sent.
 */
export function metaColumns(names: readonly string[]): readonly MetaColumn[] {
  const columns = names.flatMap((name): readonly MetaColumn[] => {
    if (name === "tokens") return TOKENS;
    if (Object.hasOwn(TYPES, name)) return [name as MetaColumn];
    throw new InputError(
      "option_invalid",
      `There is no meta column ${JSON.stringify(name)}. Nothing was sent.`,
      { hint: didYouMean(name, META_NAMES) },
    );
  });
  return [...new Set(columns)];
}

/** Such a column of the column named `column`. */
export function metaColumn(column: string, name: MetaColumn): NewColumn {
  return { name: `${column}_${name}`, type: TYPES[name] };
}
