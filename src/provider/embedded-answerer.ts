/** The embedded model behind chat completions: fills the schema a request asks for from the user's text. */

import { InputError } from "../core/errors.ts";
import type { EmbeddedField } from "./embedded/field.ts";
import { loadUseLite } from "./embedded/use-lite.ts";

/** Answers chat-completions bodies with the embedded model. */
export interface EmbeddedAnswerer {
  /**
   * The answer's content: a JSON object with every property of the body's
   * `response_format.json_schema.schema` filled from the last user message.
   *
   * @throws {InputError} `free_text_unsupported` when the body asks for text, or for a property that is
   * neither an enum, a boolean nor a number: the model chooses and cannot write.
   */
  answer(body: unknown): Promise<{ readonly content: string }>;
  /** Unit vectors of 512 floats, one for each text. */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}

/** Loads the embedded model as an answerer; it owns a thread until closed. */
export async function embeddedAnswerer(): Promise<EmbeddedAnswerer> {
  const model = await loadUseLite();
  return {
    answer: async (body) => {
      const text = lastUserText(body);
      const filled: Record<string, unknown> = {};
      for (const [name, field] of fieldsOf(body)) {
        const [answer] = await model.classify([text], field);
        filled[name] = answer?.value;
      }
      return { content: JSON.stringify(filled) };
    },
    embed: (texts) => model.embed(texts),
    close: () => model.close(),
  };
}

type Members = Readonly<Record<string, unknown>>;

function members(value: unknown): Members {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Members)
    : {};
}

function lastUserText(body: unknown): string {
  const messages = members(body)["messages"];
  const list: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const last = list.findLast((message) => members(message)["role"] === "user");
  const content = members(last)["content"];
  if (typeof content === "string") return content;
  const parts: readonly unknown[] = Array.isArray(content) ? content : [];
  return parts
    .map((part) => members(part)["text"])
    .filter((text) => typeof text === "string")
    .join("\n");
}

function fieldsOf(body: unknown): readonly (readonly [string, EmbeddedField])[] {
  const format = members(members(body)["response_format"]);
  const schema = members(members(format["json_schema"])["schema"]);
  const properties = Object.entries(members(schema["properties"]));
  if (properties.length === 0) throw unsupported("free text");
  return properties.map(([name, property]) => [name, fieldOf(name, members(property))]);
}

function fieldOf(name: string, property: Members): EmbeddedField {
  const description =
    typeof property["description"] === "string" ? property["description"] : undefined;
  const described = description === undefined ? {} : { description };
  const choices = property["enum"];
  if (Array.isArray(choices)) return { kind: "labels", labels: labelsOf(choices, description) };
  if (property["type"] === "boolean") return { kind: "boolean", name, ...described };
  if (property["type"] === "number" || property["type"] === "integer") {
    const { minimum, maximum } = property;
    const min = typeof minimum === "number" ? minimum : 0;
    const max = typeof maximum === "number" ? maximum : 1;
    return { kind: "score", name, ...described, min, max, integer: property["type"] === "integer" };
  }
  throw unsupported(`the property ${JSON.stringify(name)}`);
}

/** The labels of an enum; a line "name: meaning" in the description describes one of them. */
function labelsOf(
  choices: readonly unknown[],
  description: string | undefined,
): { readonly name: string; readonly description?: string }[] {
  const lines = (description ?? "").split("\n");
  return choices
    .filter((choice) => typeof choice === "string")
    .map((name) => {
      const line = lines.find((candidate) => candidate.startsWith(`${name}: `));
      return line === undefined ? { name } : { name, description: line.slice(name.length + 2) };
    });
}

function unsupported(what: string): InputError {
  return new InputError(
    "free_text_unsupported",
    `embedded/use-lite cannot answer ${what}: it chooses labels, yes or no, and scores, and cannot write text. Nothing was spent.`,
    { hint: "Ask for labels, or name a model that writes, such as openai/gpt-5-mini." },
  );
}
