/** Schemas with values that satisfy them, and what those values must look like in a column. */

import fc from "../property.ts";
import type { ColumnType, NewCell } from "../../src/core/column.ts";
import type { Json, JsonObject } from "../../src/core/hash.ts";

/** A schema, its values, and the column they make. */
export interface Typed {
  readonly schema: JsonObject;
  readonly type: ColumnType;
  readonly values: fc.Arbitrary<Json>;
  /** The cell a value makes. */
  readonly cell: (value: Json) => NewCell;
}

const same = (value: Json): NewCell => value as NewCell;

const leaf = (schema: JsonObject, type: ColumnType, values: fc.Arbitrary<Json>): Typed => ({
  schema,
  type,
  values,
  cell: same,
});

const texts = fc.string({ unit: "grapheme", maxLength: 8 });
const whole = fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n));
const broken = fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n));
const dates = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

const leaves = fc.constantFrom<Typed>(
  leaf({ type: "string" }, "text", texts),
  leaf({ type: "string", enum: ["red", "Green"] }, "text", fc.constantFrom("red", "Green")),
  leaf({ type: "integer" }, "integer", whole),
  leaf({ type: "integer", enum: [1, 2] }, "integer", fc.constantFrom(1, 2)),
  leaf({ type: "number" }, "float", broken),
  leaf({ type: ["integer", "number"] }, "float", broken),
  leaf({ type: "boolean" }, "boolean", fc.boolean()),
  leaf({ type: "string", format: "date" }, "date", dates),
  {
    schema: { type: ["string", "integer"] },
    type: "text",
    values: fc.oneof(texts, whole),
    cell: (value) => JSON.stringify(value),
  },
);

function nullable({ schema, type, values, cell }: Typed): Typed {
  return {
    schema: { anyOf: [schema, { type: "null" }] },
    type,
    values: fc.option(values),
    cell: (value) => (value === null ? null : cell(value)),
  };
}

function listOf({ schema, type, values, cell }: Typed): Typed {
  return {
    schema: { type: "array", items: schema },
    type: { list: type },
    values: fc.array(values, { maxLength: 3 }),
    cell: (value) => (value as readonly Json[]).map(cell),
  };
}

interface Member {
  readonly of: Typed;
  readonly isOptional: boolean;
}

function structOf(members: Readonly<Record<string, Member>>): Typed {
  const names = Object.entries(members);
  const required = names.flatMap(([name, { isOptional }]) => (isOptional ? [] : [name]));
  return {
    schema: {
      type: "object",
      properties: Object.fromEntries(names.map(([name, { of }]) => [name, of.schema])),
      required,
      additionalProperties: false,
    },
    type: { struct: names.map(([name, { of }]) => ({ name, type: of.type })) },
    values: fc.record(Object.fromEntries(names.map(([name, { of }]) => [name, of.values])), {
      requiredKeys: required,
    }),
    cell: (value) =>
      Object.fromEntries(
        names.map(([name, { of }]) => {
          const member = Object.hasOwn(value as JsonObject, name)
            ? (value as JsonObject)[name]
            : null;
          return [name, member === null || member === undefined ? null : of.cell(member)];
        }),
      ),
  };
}

// The names every object has already are fields like any other.
const names = fc.oneof(
  fc.string({ minLength: 1, maxLength: 6 }),
  fc.constantFrom("constructor", "toString", "a b", "ä", "$ref", "type"),
);

const { struct, any } = fc.letrec<{ struct: Typed; any: Typed }>((tie) => ({
  struct: fc
    .dictionary(names, fc.record({ of: tie("any"), isOptional: fc.boolean() }), {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true,
    })
    .map(structOf),
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaves,
    leaves.map(nullable),
    tie("any").map(listOf),
    tie("struct"),
  ),
}));

/** Object schemas and any others, each with a value. */
export const typedValues: fc.Arbitrary<{ readonly typed: Typed; readonly value: Json }> = fc
  .oneof({ arbitrary: struct, weight: 3 }, { arbitrary: any, weight: 1 })
  .chain((typed) => typed.values.map((value) => ({ typed, value })));

/** The value as a model writes it that must give every property: what is absent is null. */
export function withNulls(schema: JsonObject, value: Json): Json {
  const branches = schema["anyOf"] as readonly JsonObject[] | undefined;
  if (branches !== undefined) return value === null ? null : withNulls(branches[0] ?? {}, value);
  if (Array.isArray(value))
    return value.map((item: Json) => withNulls(schema["items"] as JsonObject, item));
  if (typeof value !== "object" || value === null) return value;
  const properties = schema["properties"] as Readonly<Record<string, JsonObject>>;
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const member = Object.hasOwn(value, name) ? (value as JsonObject)[name] : undefined;
      return [name, member === undefined ? null : withNulls(property, member)];
    }),
  );
}
