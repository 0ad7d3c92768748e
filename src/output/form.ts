/** The output option becomes an answer form. */

import { InputError } from "../core/errors.ts";
import { quotedFields, type AnswerForm } from "../core/form.ts";
import { plainSchema } from "../core/schema.ts";
import { schemaValidator } from "./json-schema.ts";
import { labelsForm, labelsOption } from "./labels.ts";
import { shapeOf } from "./shape.ts";
import { shortFormSchema } from "./short-form.ts";
import {
  convertedSchema,
  isStandardSchema,
  standardValidator,
  type StandardSchema,
} from "./standard-schema.ts";
import type { Validator } from "./validator.ts";

/**
 * What a run's answers may be: free text when left out; one of the labels, with or without
 * descriptions (any number of them with `multi`, another word where none fits with `allowOther`); what
 * a zod, valibot, arktype or other Standard Schema describes; what a JSON Schema describes, or its
 * short form such as `"topic: billing|bug, score: float, quote?: str, tags: str[]"`; or the vector of
 * an embedding model (of its own length, or shortened to `dimensions`).
 */
export type OutputOption =
  | undefined
  | string
  | {
      readonly labels: readonly [string, ...string[]];
      readonly multi?: boolean;
      readonly allowOther?: boolean;
    }
  | {
      readonly labels: Readonly<Record<string, string>>;
      readonly multi?: boolean;
      readonly allowOther?: boolean;
    }
  | StandardSchema
  | { readonly jsonSchema: Readonly<Record<string, unknown>> }
  | { readonly embedding: true | { readonly dimensions: number } };

/** An output option, read: the form, and the check of a schema's own code. */
export interface AskedOutput {
  readonly form: AnswerForm;
  /** Null where the form says all there is to check. */
  readonly validate: Validator | null;
}

/**
 * The form an output option asks for, and how answers are checked. Without an option it is free text,
 * or a vector where the model's name says that it makes nothing else.
 *
 * @throws {InputError} what {@link answerForm} throws, and `schema_invalid` for a JSON Schema that
 * cannot be compiled; nothing was sent.
 */
export async function askedOutput(output: OutputOption, model: string): Promise<AskedOutput> {
  const form = answerForm(output, model);
  if (isStandardSchema(output)) return { form, validate: standardValidator(output) };
  // Compiled now, so that a pattern that is none is found out before anything is bought.
  if (form.kind === "object") await schemaValidator(form.schema);
  return { form, validate: null };
}

/**
 * The form an output option asks for.
 *
 * @throws {InputError} `labels_invalid`, `option_invalid` for what is no output option or dimensions
 * that are no whole number above 0, `schema_text_invalid`, `schema_invalid`, `schema_unsupported`,
 * `schema_converter_missing`; nothing was sent.
 */
export function answerForm(output: OutputOption, model: string): AnswerForm {
  if (output === undefined)
    return isEmbeddingName(model) ? { kind: "embedding", dimensions: null } : { kind: "text" };
  if (typeof output === "string")
    return { kind: "object", schema: plainSchema(shortFormSchema(output)) };
  if (isStandardSchema(output)) {
    const { schema, result } = convertedSchema(output);
    // Only what columns are made of counts: that one side is closed and the other is not says nothing.
    const isSame = JSON.stringify(shapeOf(schema)) === JSON.stringify(shapeOf(result));
    return { kind: "object", schema, ...(isSame ? {} : { result }) };
  }
  if ("embedding" in output) return { kind: "embedding", dimensions: dimensionsOf(output) };
  if ("labels" in output) return labelsForm(output);
  if ("jsonSchema" in output) return { kind: "object", schema: plainSchema(output.jsonSchema) };
  throw optionInvalid("output is none of the forms an answer can have");
}

/**
 * The form with the supporting quotes asked for beside each field.
 *
 * @throws {InputError} `option_invalid` for a form that has no fields; nothing was sent.
 */
export function withQuotes(form: AnswerForm): AnswerForm {
  const quoted = form.kind === "object" ? ({ ...form, quotes: true } as const) : form;
  if (quotedFields(quoted).length > 0) return quoted;
  throw new InputError(
    "option_invalid",
    "Quotes can be given for the fields of an object only, and this output has none. Nothing was sent.",
    { hint: "Give an object's schema, such as: topic: str, amount: float; or leave out quotes." },
  );
}

/** The option a form was made from, as far as the answers are concerned; {@link answerForm} of it gives the form again, without a `result`. */
export function optionOf(form: AnswerForm): OutputOption {
  switch (form.kind) {
    case "text":
      return undefined;
    case "embedding":
      return { embedding: form.dimensions === null ? true : { dimensions: form.dimensions } };
    case "object":
      return { jsonSchema: form.schema };
    case "labels":
      return labelsOption(form) as OutputOption;
  }
}

/** Whether a model's name says that it makes vectors: `text-embedding-3-small`, `mistral-embed`, `nomic-embed-text`. */
function isEmbeddingName(model: string): boolean {
  return /(?:^|[^a-z])embed(?:ding)?s?(?:$|[^a-z])/i.test(model);
}

function dimensionsOf({
  embedding,
}: {
  readonly embedding: true | { dimensions: number };
}): number | null {
  if (embedding === true) return null;
  const { dimensions } = embedding;
  if (Number.isSafeInteger(dimensions) && dimensions > 0) return dimensions;
  throw optionInvalid(`dimensions must be a whole number above 0; it is ${String(dimensions)}`);
}

function optionInvalid(problem: string): InputError {
  return new InputError("option_invalid", `${problem}. Nothing was sent.`, {
    hint: "Give labels, a schema, { jsonSchema }, a short form, { embedding }, or nothing for free text.",
  });
}
