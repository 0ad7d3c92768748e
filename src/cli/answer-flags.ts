/** The flags that say what answers may be, what is told of them, and how long a text may be. */

import {
  InputError,
  schemaOption,
  type EnrichOptions,
  type MetaName,
  type OutputOption,
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

/** The options these flags stand for. */
export function toldOptions({
  meta,
  maxChars,
  onLong,
}: ToldFlags): Pick<EnrichOptions<string, undefined>, "meta" | "maxChars" | "onLong"> {
  return {
    ...(meta === undefined ? {} : { meta: namesOf(meta) }),
    ...(maxChars === undefined ? {} : { maxChars }),
    ...(onLong === undefined ? {} : { onLong }),
  };
}

/** Whether each is a name is judged where they are used. */
function namesOf(list: string): readonly MetaName[] {
  const names = list.split(",").map((name) => name.trim());
  return names.filter((name) => name !== "") as readonly string[] as readonly MetaName[];
}
