/** The form an answer must have, before any provider's way of asking for it. */

import type { Json, JsonObject } from "./hash.ts";
import { isObject, propertiesOf, type JsonSchema } from "./schema.ts";
import { COMMON_DIALECT, type SchemaDialect } from "./schema-dialect.ts";
import { fitSchema, type FittedSchema } from "./schema-fit.ts";

/** One permitted answer, and what it means when a description was given. */
export interface Label {
  readonly name: string;
  readonly description?: string;
}

/**
 * Free text, one of the labels (any number of them with `multi`; another word where none fits with
 * `allowOther`), what a schema describes, or the vector of an embedding model (its own length when
 * `dimensions` is null). Plain JSON: forms are stored and hashed.
 */
export type AnswerForm =
  | { readonly kind: "text" }
  | {
      readonly kind: "labels";
      readonly labels: readonly Label[];
      readonly multi?: true;
      readonly allowOther?: true;
      /** Whether the model is asked how sure it is. */
      readonly confidence?: true;
    }
  | {
      readonly kind: "object";
      /** What a reply must be, plain as `plainSchema` makes it. */
      readonly schema: JsonSchema;
      /** What the value is once it has been read, where the schema's own code changes it. */
      readonly result?: JsonSchema;
      /** Whether the span of the text that says so is asked for beside each field. */
      readonly quotes?: true;
      /** Whether the model is asked how sure it is. */
      readonly confidence?: true;
    }
  | { readonly kind: "embedding"; readonly dimensions: number | null };

/** The member that holds an answer whose schema is not that of an object, since strict modes answer with objects only. */
export const WRAPPED = "answer";

/** Whether a schema's answers travel inside an object of one member, {@link WRAPPED}. */
export function isWrapped(schema: JsonSchema): boolean {
  return schema["type"] !== "object" || "anyOf" in schema || "oneOf" in schema;
}

/** The member that holds the quotes, beside {@link WRAPPED}, where they are asked for. */
export const QUOTES = "quotes";

/** The member that says how sure the model is, from 0 to 100, where it is asked. */
export const CONFIDENCE = "confidence";

/** Whether an object form's answers stand in the member {@link WRAPPED} of their reply. */
export function isEnclosed(form: Extract<AnswerForm, { kind: "object" }>): boolean {
  return form.quotes === true || form.confidence === true || isWrapped(form.schema);
}

/** The same form with the model asked how sure it is, or not; null where it cannot be: free text and vectors. */
export function withConfidence(form: AnswerForm, isAsked: boolean): AnswerForm | null {
  if (form.kind === "text" || form.kind === "embedding") return null;
  const { confidence: _before, ...plain } = form;
  return isAsked ? { ...plain, confidence: true } : plain;
}

/** The fields that quotes are asked for: the properties of an object form; none of any other. */
export function quotedFields(form: AnswerForm): readonly string[] {
  if (form.kind !== "object" || form.quotes !== true) return [];
  return Object.keys(propertiesOf(form.schema));
}

/**
 * The text a model would answer with to mean a value: an example's answer, in the form that is asked
 * for. With quotes the value is `{ answer, quotes }` already.
 */
export function answerText(form: AnswerForm, value: Json): string {
  // Whoever gives an example is sure of it.
  const sure = "confidence" in form ? { [CONFIDENCE]: MOST_CONFIDENT } : {};
  if (form.kind === "labels" && form.multi === true && Array.isArray(value))
    return JSON.stringify({ labels: value, ...sure });
  if (form.kind === "labels" && typeof value === "string")
    return JSON.stringify({ label: value, ...sure });
  if (form.kind === "object") {
    // With quotes the value is enclosed already.
    const isBare = isEnclosed(form) && form.quotes !== true;
    if (isBare) return JSON.stringify({ [WRAPPED]: value, ...sure });
    return JSON.stringify(isObject(value) ? { ...value, ...sure } : value);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * The JSON Schema of the answer as a provider is sent it, an object at the root; null for free text
 * and vectors, which have no schema. In the subset every strict mode takes, or in the dialect given.
 *
 * Labels become `{"label": …}`, or `{"labels": […]}` with `multi`, with the descriptions in the
 * property's description, the one place that strict modes keep.
 *
 * @throws {InputError} `schema_unsupported` when the dialect cannot say it; nothing was sent.
 */
export function answerSchema(
  form: AnswerForm,
  dialect: SchemaDialect = COMMON_DIALECT,
): JsonSchema | null {
  return fittedAnswer(form, dialect)?.schema ?? null;
}

const fitted = new WeakMap<AnswerForm, Map<SchemaDialect, FittedSchema | null>>();

/**
 * The same with the keywords the provider is not told, which a plan names; null without a schema.
 *
 * Fitted once for each form and dialect, however many requests ask for it.
 *
 * @throws {InputError} `schema_unsupported`
 */
export function fittedAnswer(form: AnswerForm, dialect: SchemaDialect): FittedSchema | null {
  const known = fitted.get(form) ?? new Map<SchemaDialect, FittedSchema | null>();
  fitted.set(form, known);
  const before = known.get(dialect);
  if (before !== undefined) return before;
  const schema = wholeSchema(form);
  const made = schema === null ? null : fitSchema(schema, dialect);
  known.set(dialect, made);
  return made;
}

/** The schema of an answer as it was given, before any provider's mode is fitted; null without one. */
export function wholeSchema(form: AnswerForm): JsonSchema | null {
  if (form.kind === "labels") return labelsSchema(form);
  if (form.kind !== "object") return null;
  const { schema } = form;
  if (form.quotes === true) return quotingSchema(form);
  if (!isEnclosed(form)) return schema;
  return object({ [WRAPPED]: schema, ...confidenceOf(form) });
}

/** The greatest confidence that a model is asked to give; the least is 0. */
export const MOST_CONFIDENT = 100;

/** The property that asks a model how sure it is, after its answer; none where it is not asked. */
function confidenceOf({
  confidence,
}: {
  readonly confidence?: true;
}): Readonly<Record<string, JsonObject>> {
  if (confidence !== true) return {};
  const description =
    "How likely the answer is to be right, from 0 to 100: 100 only where it cannot be otherwise.";
  return { [CONFIDENCE]: { type: "integer", minimum: 0, maximum: MOST_CONFIDENT, description } };
}

const QUOTES_DESCRIPTION =
  "For each field of the answer, the words of the text that say it, copied exactly; null where none do.";

/** The answer, and beside it a quote for each of its fields. */
function quotingSchema(form: Extract<AnswerForm, { kind: "object" }>): JsonSchema {
  const quote = { type: ["string", "null"] };
  const quotes = object(Object.fromEntries(quotedFields(form).map((name) => [name, quote])));
  const described = { ...quotes, description: QUOTES_DESCRIPTION };
  return object({ [WRAPPED]: form.schema, [QUOTES]: described, ...confidenceOf(form) });
}

function labelsSchema(form: Extract<AnswerForm, { kind: "labels" }>): JsonSchema {
  const { labels, multi, allowOther } = form;
  const names = labels.map(({ name }) => name);
  const lines = labels.flatMap(({ name, description }) =>
    description === undefined ? [] : [`${name}: ${description}`],
  );
  const other =
    "Where none of these fits, a short label of your own, on one line. Otherwise one of: ";
  const said = [...(allowOther === true ? [other + names.join(", ")] : []), ...lines].join("\n");
  const label = {
    type: "string",
    ...(allowOther === true ? {} : { enum: names }),
    ...(said === "" ? {} : { description: said }),
  };
  if (multi !== true) return object({ label, ...confidenceOf(form) });
  const description =
    allowOther === true ? "Every label that fits." : "Every label that fits; none where none fits.";
  return object({
    labels: { type: "array", items: label, description },
    ...confidenceOf(form),
  });
}

function object(properties: Readonly<Record<string, JsonObject>>): JsonSchema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
