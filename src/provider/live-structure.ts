/** Structured output on servers that know less of it: the same wish in words they take. Pure. */

import { asRecord, textOf } from "./json-values.ts";

/** How an answer with a schema is asked for, the best first. */
export type Structure = "json_schema" | "json_object" | "prompt";

type Body = Readonly<Record<string, unknown>>;

/** What to fall back to; null where nothing is left. */
export function weaker(structure: Structure): Structure | null {
  if (structure === "json_schema") return "json_object";
  return structure === "json_object" ? "prompt" : null;
}

/** The schema a chat body asks for with `response_format`; null where it asks for none. */
export function schemaAsked(body: Body): unknown {
  const format = asRecord(body["response_format"]);
  return format?.["type"] === "json_schema"
    ? (asRecord(format["json_schema"])?.["schema"] ?? null)
    : null;
}

/** Whether a refusal (the text of a 400 or 422) blames the way structured output was asked for. */
export function blamesStructure(refusal: string): boolean {
  return /response_?format|json_?schema|json_?object|structured|grammar|guided/i.test(refusal);
}

/**
 * The body asking for the same schema in a weaker way: as any JSON object or without any field for
 * it, and either way with the schema in a system message. Bodies without a schema stay as they are.
 */
export function restructured(body: Body, structure: Structure): Body {
  const schema = schemaAsked(body);
  if (schema === null || structure === "json_schema") return body;
  const { response_format: _format, ...rest } = body;
  return {
    ...rest,
    messages: withWords(body["messages"], schemaWords(schema)),
    ...(structure === "json_object" ? { response_format: { type: "json_object" } } : {}),
  };
}

function schemaWords(schema: unknown): string {
  return `Answer with one JSON object that satisfies this JSON Schema, and with nothing before or after it:\n${JSON.stringify(schema)}`;
}

/** The messages with some words at the end of the first system message, or before all where there is none. */
function withWords(messages: unknown, words: string): readonly unknown[] {
  const list: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const [first, ...others] = list;
  const system = asRecord(first);
  const content = system?.["role"] === "system" ? textOf(system["content"]) : null;
  if (content === null) return [{ role: "system", content: words }, ...list];
  return [{ ...system, content: `${content}\n\n${words}` }, ...others];
}
