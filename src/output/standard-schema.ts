/** Standard Schema: what zod, valibot, arktype and others have in common. Source: standardschema.dev, version 1. */

import { InputError } from "../core/errors.ts";
import { plainSchema, type JsonSchema } from "../core/schema.ts";
import { pathText, type Validator } from "./validator.ts";

/** A schema of any library that keeps to Standard Schema, version 1. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProps<Input, Output>;
}

/** What such a schema says of itself, and its validating function. */
export interface StandardProps<Input = unknown, Output = Input> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (
    value: unknown,
    options?: never,
  ) => StandardResult<Output> | Promise<StandardResult<Output>>;
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  /** Standard JSON Schema's converter; some libraries add it by a wrapper. */
  readonly jsonSchema?: StandardConverter | undefined;
}

/** How a schema is written as JSON Schema: as it is given (`input`) and as it comes out (`output`). */
export interface StandardConverter {
  readonly input: (options: StandardConverterOptions) => Record<string, unknown>;
  readonly output: (options: StandardConverterOptions) => Record<string, unknown>;
}

/** What a converter may be told. */
export interface StandardConverterOptions {
  readonly target: "draft-2020-12";
  readonly libraryOptions?: Record<string, unknown> | undefined;
}

/** What validating gave: the value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong, and where. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of the values that come out of a Standard Schema. */
export type OutputOf<S> = S extends { readonly "~standard": StandardProps<unknown, infer O> }
  ? O
  : never;

/** Whether a value is a Standard Schema; arktype's are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  const isHolder = typeof value === "object" || typeof value === "function";
  if (!isHolder || value === null || !("~standard" in value)) return false;
  const props = value["~standard"] as Partial<StandardProps> | null;
  return typeof props?.validate === "function";
}

/** A Standard Schema as JSON Schema: what a reply must be, and what the value is after reading. */
export interface ConvertedSchema {
  readonly schema: JsonSchema;
  readonly result: JsonSchema;
}

/**
 * A schema as JSON Schema, both ways. What JSON Schema cannot say is left out: refinements of the
 * input, which the schema's own code checks all the same, and the type of what a transformation gives.
 *
 * @throws {InputError} `schema_converter_missing`, with the line that adds one, `schema_unsupported`.
 */
export function convertedSchema(schema: StandardSchema): ConvertedSchema {
  const { vendor, jsonSchema } = schema["~standard"];
  if (jsonSchema === undefined) throw converterMissing(vendor);
  const convert = (way: "input" | "output"): JsonSchema => {
    const options = { target: "draft-2020-12" } as const;
    try {
      return plainSchema(jsonSchema[way](options));
    } catch (error) {
      if (error instanceof InputError) throw error;
      return plainSchema(jsonSchema[way]({ ...options, libraryOptions: LENIENCE[vendor] ?? {} }));
    }
  };
  try {
    return { schema: convert("input"), result: convert("output") };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(
      "schema_unsupported",
      `The ${vendor} schema cannot be written as JSON Schema: ${messageOf(error)}. Nothing was sent.`,
      { hint: "Leave out what JSON has no word for, or transform it from text.", cause: error },
    );
  }
}

interface ValibotAction {
  readonly valibotAction: { readonly kind: string; readonly type: string };
  readonly jsonSchema: unknown;
}

// Valibot's transformations that give the type they take.
const KEEPS_TYPE = new Set([
  ...["trim", "trim_start", "trim_end", "to_lower_case", "to_upper_case", "normalize"],
  ...["readonly", "brand", "flavor", "to_min_value", "to_max_value", "filter_items", "sort_items"],
]);

/** How each library is asked to leave out what JSON Schema cannot say, and not to guess the rest. */
const LENIENCE: Readonly<Record<string, Record<string, unknown>>> = {
  zod: { unrepresentable: "any" },
  valibot: {
    overrideAction: ({ valibotAction: { kind, type }, jsonSchema }: ValibotAction): unknown =>
      kind === "transformation" && !KEEPS_TYPE.has(type) ? {} : jsonSchema,
  },
  arktype: { fallback: ({ base }: { readonly base: unknown }): unknown => base },
};

/** The validating function of a Standard Schema; what it throws counts as a value it does not take. */
export function standardValidator(schema: StandardSchema): Validator {
  return async (value) => {
    let result: StandardResult<unknown>;
    try {
      result = await schema["~standard"].validate(value);
    } catch (error) {
      return { issues: [`the schema threw: ${messageOf(error)}`] };
    }
    if (result.issues === undefined) return { value: result.value };
    return {
      issues: result.issues.map(({ message, path }) => {
        const names = (path ?? []).map((part) => (typeof part === "object" ? part.key : part));
        return `${pathText(names)}${message}`;
      }),
    };
  };
}

function converterMissing(vendor: string): InputError {
  const wrapper = WRAPPERS[vendor] ?? "a version of the library that has ~standard.jsonSchema";
  return new InputError(
    "schema_converter_missing",
    `The ${vendor} schema cannot say what it is as JSON Schema, so no model can be told. Nothing was sent.`,
    { hint: `Use ${wrapper}.` },
  );
}

const WRAPPERS: Readonly<Record<string, string>> = {
  valibot:
    'its wrapper: import { toStandardJsonSchema } from "@valibot/to-json-schema"; output: toStandardJsonSchema(schema)',
  zod: "zod 4.2 or later",
  arktype: "arktype 2.1.28 or later",
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
