/** The value of `--schema`: a short form, a JSON Schema, or a file that holds one of these or a schema of a library. */

import { readFile } from "node:fs/promises";
import { extname, resolve as absolute } from "node:path";
import { pathToFileURL } from "node:url";
import { InputError } from "../core/errors.ts";
import type { OutputOption } from "./form.ts";
import { isStandardSchema, type StandardSchema } from "./standard-schema.ts";

const MODULES: ReadonlySet<string> = new Set([".ts", ".mts", ".js", ".mjs"]);

/** A library's schema that can be loaded again from where it came from. */
export interface SourcedSchema extends StandardSchema {
  /** An absolute path, `#` and the export's name. */
  readonly "~source": string;
}

/** Where a library's schema can be loaded from again by {@link schemaOption}; null for one that only the calling code has. */
export function sourceOf(output: OutputOption): string | null {
  if (!isStandardSchema(output) || !("~source" in output)) return null;
  return typeof output["~source"] === "string" ? output["~source"] : null;
}

/**
 * The output option a text stands for: a short form; JSON that begins with `{`; the path of a `.json`
 * file that holds a JSON Schema; or `./schema.ts#name`, an export (`default` when left out) that is
 * any output option. Paths are relative to the working directory, and `@` before one changes nothing.
 *
 * A module is run as it is loaded: name only files that are trusted.
 *
 * @throws {InputError} `schema_file_unreadable`, `schema_export_missing`, `schema_invalid`; nothing was sent.
 */
export async function schemaOption(text: string): Promise<Exclude<OutputOption, undefined>> {
  const value = text.trim();
  if (value.startsWith("{")) return { jsonSchema: parsed(value, "The text of the schema") };
  const [path = "", name = "default"] = value.replace(/^@/, "").split("#");
  if (MODULES.has(extname(path))) return await exportOf(path, name);
  if (extname(path) !== ".json") return text;
  const content = await readFile(path, "utf8").catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  return { jsonSchema: parsed(content, path) };
}

function parsed(content: string, what: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(content) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new InputError("schema_invalid", `${what} is not JSON: ${problem}. Nothing was sent.`, {
      hint: "Give a JSON Schema, or fields such as: topic: billing|bug, score: float.",
      cause,
    });
  }
}

async function exportOf(path: string, name: string): Promise<Exclude<OutputOption, undefined>> {
  const file = absolute(path);
  const exports = await import(pathToFileURL(file).href).then(
    (module: unknown) => module as Readonly<Record<string, unknown>>,
    (cause: unknown) => {
      throw unreadable(path, cause);
    },
  );
  const value = exports[name];
  const isObject = typeof value === "object" && value !== null;
  if (typeof value !== "string" && !isObject && !isStandardSchema(value))
    throw new InputError(
      "schema_export_missing",
      `${path} exports no schema named ${JSON.stringify(name)}. Nothing was sent.`,
      { hint: `It exports: ${Object.keys(exports).join(", ") || "nothing"}.` },
    );
  if (!isStandardSchema(value)) return optionOfExport(value);
  return sourced(value, `${file}#${name}`);
}

/** A JSON Schema may be exported as it is; every other option is told by its members. */
function optionOfExport(value: string | object): Exclude<OutputOption, undefined> {
  if (typeof value === "string") return value;
  const isOption = ["labels", "jsonSchema", "embedding"].some((name) => name in value);
  const option = isOption ? value : { jsonSchema: value };
  return option as Exclude<OutputOption, undefined>;
}

function sourced(schema: StandardSchema, source: string): SourcedSchema {
  return { "~standard": schema["~standard"], "~source": source };
}

function unreadable(path: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError(
    "schema_file_unreadable",
    `The schema file ${JSON.stringify(path)} cannot be loaded: ${why}. Nothing was sent.`,
    { hint: "Check the path; a module must run by itself, as `node FILE` does.", cause },
  );
}
