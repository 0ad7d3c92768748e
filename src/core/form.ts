/** The form an answer must have, before any provider's way of asking for it. */

import type { Json, JsonObject } from "./hash.ts";
import { propertiesOf, type JsonSchema } from "./schema.ts";
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
    }
  | {
      readonly kind: "object";
      /** What a reply must be, plain as `plainSchema` makes it. */
      readonly schema: JsonSchema;
      /** What the value is once it has been read, where the schema's own code changes it. */
      readonly result?: JsonSchema;
      /** Whether the span of the text that says so is asked for beside each field. */
      readonly quotes?: true;
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
  if (form.kind === "labels" && form.multi === true && Array.isArray(value))
    return JSON.stringify({ labels: value });
  if (form.kind === "labels" && typeof value === "string") return JSON.stringify({ label: value });
  if (form.kind === "object")
    return JSON.stringify(
      isWrapped(form.schema) && form.quotes !== true ? { [WRAPPED]: value } : value,
    );
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

function wholeSchema(form: AnswerForm): JsonSchema | null {
  if (form.kind === "labels") return labelsSchema(form);
  if (form.kind !== "object") return null;
  const { schema } = form;
  if (form.quotes === true) return quotingSchema(form);
  if (!isWrapped(schema)) return schema;
  return object({ [WRAPPED]: schema });
}

const QUOTES_DESCRIPTION =
  "For each field of the answer, the words of the text that say it, copied exactly; null where none do.";

/** The answer, and beside it a quote for each of its fields. */
function quotingSchema(form: Extract<AnswerForm, { kind: "object" }>): JsonSchema {
  const quote = { type: ["string", "null"] };
  const quotes = object(Object.fromEntries(quotedFields(form).map((name) => [name, quote])));
  const described = { ...quotes, description: QUOTES_DESCRIPTION };
  return object({ [WRAPPED]: form.schema, [QUOTES]: described });
}

function labelsSchema({
  labels,
  multi,
  allowOther,
}: Extract<AnswerForm, { kind: "labels" }>): JsonSchema {
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
  if (multi !== true) return object({ label });
  const description =
    allowOther === true ? "Every label that fits." : "Every label that fits; none where none fits.";
  return object({ labels: { type: "array", items: label, description } });
}

function object(properties: Readonly<Record<string, JsonObject>>): JsonSchema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}
