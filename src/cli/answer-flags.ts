/** The flags that say what answers may be, what is told of them, and how long a text may be. */

import {
  InputError,
  schemaOption,
  type EnrichOptions,
  type MetaName,
  type OutputOption,
  type PriceOverrides,
} from "../index.ts";
import { labelsOf } from "./given.ts";

/** Flags that commands with an answer of one's own choosing have. */
export interface OutputFlags {
  readonly labels?: string;
  readonly multi?: boolean;
  readonly allowOther?: boolean;
  readonly schema?: string;
  /** The vector's length; true for the model's own. */
  readonly embed?: number | true;
  readonly quotes?: boolean;
  readonly flatten?: number;
}

/** Flags of every command that asks a model of each row. */
export interface ToldFlags {
  /** Names with commas between. */
  readonly meta?: string;
  readonly maxChars?: number;
  readonly onLong?: "fail" | "truncate" | "chunk";
  /** Such as `in=0.25,out=2`. */
  readonly price?: string;
}

/**
 * What the answers may be, as `--labels`, `--schema` or `--embed` says.
 *
 * @throws {InputError} `option_invalid` for more than one of them, or for what belongs to labels without
 * any; and what reading a schema or labels throws.
 */
export async function outputOf(flags: OutputFlags): Promise<OutputOption> {
  const { labels, schema, embed, multi, allowOther } = flags;
  const given = [
    ...(labels === undefined ? [] : ["--labels"]),
    ...(schema === undefined ? [] : ["--schema"]),
    ...(embed === undefined ? [] : ["--embed"]),
  ];
  if (given.length > 1)
    throw new InputError(
      "option_invalid",
      `An answer has one form: ${given.join(" and ")} do not go together. Nothing was sent.`,
    );
  if (labels === undefined && (multi === true || allowOther === true))
    throw new InputError(
      "option_invalid",
      `${multi === true ? "--multi" : "--allow-other"} is about labels, and there are none. Nothing was sent.`,
      { hint: "Give them with --labels a,b,c." },
    );
  if (embed !== undefined) return { embedding: embed === true ? true : { dimensions: embed } };
  if (schema !== undefined) return await schemaOption(schema);
  return labels === undefined ? undefined : await labelsOutput(labels, flags);
}

/** Labels with how they are chosen. */
export async function labelsOutput(
  labels: string,
  { multi, allowOther }: Pick<OutputFlags, "multi" | "allowOther">,
): Promise<LabelsOutput> {
  return {
    ...(await labelsOf(labels)),
    ...(multi === true ? { multi } : {}),
    ...(allowOther === true ? { allowOther } : {}),
  };
}

type LabelsOutput = Extract<OutputOption, { readonly labels: unknown }>;

/** The options these flags stand for; `model` is the name that prices are given for. */
export function toldOptions(
  { meta, maxChars, onLong, price }: ToldFlags,
  model: string,
): Pick<EnrichOptions<string, undefined>, "meta" | "maxChars" | "onLong" | "prices"> {
  return {
    ...(meta === undefined ? {} : { meta: namesOf(meta) }),
    ...(maxChars === undefined ? {} : { maxChars }),
    ...(onLong === undefined ? {} : { onLong }),
    ...(price === undefined ? {} : { prices: { [model]: priceOf(price) } }),
  };
}

/** Whether each is a name is judged where they are used. */
function namesOf(list: string): readonly MetaName[] {
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => name !== "") as readonly string[] as readonly MetaName[];
}

const PRICES = new Map([
  ["in", "inputPerM"],
  ["out", "outputPerM"],
  ["cached", "cachedInputPerM"],
  ["batch", "batchShare"],
]);

/** @throws {InputError} `option_invalid` */
function priceOf(text: string): PriceOverrides[string] {
  const parts = text.split(",").map((part) => part.trim().split("="));
  const entries = parts.map(([name = "", value = ""]) => {
    const member = PRICES.get(name);
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (member === undefined || !Number.isFinite(number) || number < 0) throw priceInvalid(text);
    return [member, number] as const;
  });
  const price = Object.fromEntries(entries) as Partial<PriceOverrides[string]>;
  const { inputPerM, outputPerM } = price;
  if (inputPerM === undefined || outputPerM === undefined) throw priceInvalid(text);
  return { ...price, inputPerM, outputPerM };
}

function priceInvalid(text: string): InputError {
  return new InputError(
    "option_invalid",
    `The price ${JSON.stringify(text)} cannot be read. Nothing was sent.`,
    {
      hint: "Give dollars for a million tokens, as in in=0.25,out=2, and if need be cached=0.025 and batch=0.5.",
    },
  );
}
