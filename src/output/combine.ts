/** The answers to the pieces of one long text, made into one. */

import type { AnswerForm } from "../core/form.ts";

/**
 * One answer of several, given to pieces of a text in their order.
 *
 * Texts are joined by line breaks; of labels the most frequent is taken, of several at once all that
 * were given; of an object each field is taken from the first piece that has it, lists are put together
 * without repetition, truth values are true where any is; numbers alone, and vectors, are averaged.
 */
export function combinedAnswer(form: AnswerForm, values: readonly unknown[]): unknown {
  const [first] = values;
  if (values.length < 2) return first ?? null;
  switch (form.kind) {
    case "text":
      return values.filter((value) => typeof value === "string").join("\n");
    case "labels":
      return form.multi === true ? together(values) : mostFrequent(values);
    case "embedding":
      return averageVector(values);
    case "object":
      return isObject(first) ? combinedObject(values) : combinedValue(values);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function combinedObject(values: readonly unknown[]): Fields {
  const objects = values.filter(isObject);
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  return Object.fromEntries(
    names.map((name) => [name, combinedField(objects.map((object) => object[name]))]),
  );
}

/** A field of an object is a fact that stands in one of the pieces; a number of it is never averaged. */
function combinedField(values: readonly unknown[]): unknown {
  const known = values.filter((value) => value !== null && value !== undefined && value !== "");
  if (known.some(Array.isArray)) return together(known);
  if (known.length > 0 && known.every((value) => typeof value === "boolean"))
    return known.includes(true);
  return known[0] ?? values.find((value) => value !== undefined) ?? null;
}

function combinedValue(values: readonly unknown[]): unknown {
  const numbers = values.filter((value) => typeof value === "number");
  if (numbers.length > 0 && numbers.length === values.length) {
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    return numbers.every(Number.isInteger) ? Math.round(mean) : mean;
  }
  return typeof values[0] === "string" ? mostFrequent(values) : combinedField(values);
}

function together(values: readonly unknown[]): readonly unknown[] {
  const seen = new Map<string, unknown>();
  for (const value of values)
    for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value])
      if (!seen.has(JSON.stringify(item))) seen.set(JSON.stringify(item), item);
  return [...seen.values()];
}

/** The value that occurs most often, the first of those that are level. */
function mostFrequent(values: readonly unknown[]): unknown {
  const counts = new Map<unknown, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [winner] = [...counts].sort(([, a], [, b]) => b - a);
  return winner?.[0] ?? null;
}

function averageVector(values: readonly unknown[]): Float32Array | null {
  const vectors = values.filter((value) => value instanceof Float32Array);
  const [first] = vectors;
  if (first === undefined) return null;
  return first.map(
    (_, at) => vectors.reduce((sum, vector) => sum + (vector[at] ?? 0), 0) / vectors.length,
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
