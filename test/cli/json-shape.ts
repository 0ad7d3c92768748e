/** Holds what commands really print to json-output.schema.json. */

import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Ended } from "../setup/spawned.ts";

/** The schema as it ships. */
export const schema = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../json-output.schema.json", import.meta.url)), "utf8"),
) as Readonly<{ definitions: Readonly<Record<string, object>> }>;

// A member that the schema does not tell of is a mistake here, though none to those who read a later version.
const ajv = addFormats.default(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(closed(schema) as object, "output");

/** The schema in which no object has members beside those it tells of. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (typeof part !== "object" || part === null) return part;
  const inner = Object.fromEntries(Object.entries(part).map(([name, it]) => [name, closed(it)]));
  const isObject = inner["type"] === "object" && "properties" in inner;
  return isObject ? { additionalProperties: false, ...inner } : inner;
}

/** The definition of what a command line prints. */
export function definitionOf([first = "", second = ""]: readonly string[]): string {
  if (first === "cache" && second.startsWith("-")) return "cache-info";
  return ["batches", "cache", "review"].includes(first) ? `${first}-${second}` : first;
}

/** What is wrong with an output by a definition; null where nothing is. */
export function wrongWith(definition: string, output: unknown): string | null {
  const validate: ValidateFunction | undefined = ajv.getSchema(`output#/definitions/${definition}`);
  if (validate === undefined) return `there is no definition of ${definition}`;
  return validate(output)
    ? null
    : `${definition}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(output)}`;
}

/** What a command that has ended printed with these words, once all of it is as the schema says. @throws where it is not */
export function asTheSchemaSays(words: readonly string[], ended: Ended): Ended {
  // Half a line is no fault of a process that was killed.
  if (ended.signal !== null) return ended;
  const wrong = [...outputsOf(words, ended), ...eventsOf(words, ended)];
  if (wrong.length > 0) throw new Error(`${words.join(" ")}: ${wrong.join("\n")}`);
  return ended;
}

function outputsOf(words: readonly string[], { stdout }: Ended): readonly string[] {
  if (!words.includes("--json") || stdout.trim() === "") return [];
  const definition = definitionOf(words);
  // Replies and results are lines whatever the flags say, and rows go where -o - says.
  const isLines = definition === "failures" && !words.includes("-o");
  if (definition === "batches-results" && !words.includes("-o")) return [];
  const texts = isLines && !stdout.startsWith("{\n") ? stdout.trim().split("\n") : [stdout];
  return texts.flatMap((text) => {
    const output = JSON.parse(text) as object;
    return wrongWith("error" in output && !("row" in output) ? "failed" : definition, output) ?? [];
  });
}

function eventsOf(words: readonly string[], { stderr }: Ended): readonly string[] {
  if (words[words.indexOf("--progress") + 1] !== "json") return [];
  return stderr
    .trim()
    .split("\n")
    .filter((text) => text !== "")
    .flatMap((text) => {
      const line = JSON.parse(text) as { readonly event: string };
      return wrongWith(`event-${line.event}`, line) ?? [];
    });
}
