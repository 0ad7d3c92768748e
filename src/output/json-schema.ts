/** Checks values against plain JSON Schema, through ajv. */

import type { ErrorObject, ValidateFunction } from "ajv";
import { InputError } from "../core/errors.ts";
import type { JsonSchema } from "../core/schema.ts";
import { pathText, type Validator } from "./validator.ts";

const made = new WeakMap<JsonSchema, Promise<Validator>>();

/**
 * The validator of a JSON Schema; made once for each schema object. The value that comes out is the
 * one that went in. Formats are checked; those that are not known count as met.
 *
 * @throws {InputError} `schema_invalid` when the schema cannot be compiled; nothing was sent.
 */
export function schemaValidator(schema: JsonSchema): Promise<Validator> {
  const before = made.get(schema);
  if (before !== undefined) return before;
  const compiled = compile(schema).then(validatorOf);
  made.set(schema, compiled);
  return compiled;
}

async function compile(schema: JsonSchema): Promise<ValidateFunction> {
  // Loaded when a schema is at hand: labels and free text need neither.
  const [{ Ajv2020 }, formats] = await Promise.all([
    import("ajv/dist/2020.js"),
    import("ajv-formats"),
  ]);
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, ownProperties: true });
  formats.default.default(ajv);
  try {
    return ajv.compile(schema);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(
      "schema_invalid",
      `The schema cannot be used to check answers: ${problem}. Nothing was sent.`,
      { hint: "Give a JSON Schema, such as { type: 'object', properties: { … } }.", cause },
    );
  }
}

function validatorOf(validate: ValidateFunction): Validator {
  return (value) => {
    if (validate(value)) return { value };
    return { issues: (validate.errors ?? []).map(issueOf) };
  };
}

function issueOf({ instancePath, keyword, message = "", params }: ErrorObject): string {
  const path = instancePath
    .split("/")
    .slice(1)
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  const values = (params as { allowedValues?: readonly unknown[] }).allowedValues;
  if (keyword === "additionalProperties" && extra !== undefined)
    return `${pathText(path)}must not have the property ${JSON.stringify(extra.slice(0, 80))}`;
  if (keyword === "enum" && values !== undefined)
    return `${pathText(path)}must be one of ${values.map((it) => JSON.stringify(it)).join(", ")}`;
  return `${pathText(path)}${message}`;
}
