/** What flags hold: text or a file's text, labels, and parameters. */

import { readFile } from "node:fs/promises";
import { InputError, headOfFile, type OutputOption, type Params } from "../index.ts";

/**
 * The text of a flag: itself, or for `@file` the file's content without its last line break.
 *
 * @throws {InputError} `prompt_file_unreadable`
 */
export async function textOf(flag: string, value: string): Promise<string> {
  if (!value.startsWith("@")) return value;
  const path = value.slice(1);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
    return text.replace(/\r?\n$/, "");
  } catch (cause) {
    const why = cause instanceof TypeError ? "it is not UTF-8" : reason(cause);
    throw new InputError(
      "prompt_file_unreadable",
      `${flag} names the file ${JSON.stringify(path)}, which cannot be read: ${why}. Nothing was sent.`,
      { hint: `A text that begins with @ is taken as a file's name; check the path.`, cause },
    );
  }
}

function reason(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  return code === "ENOENT" ? "there is no such file" : code === "" ? String(cause) : code;
}

const MOST_LABELS = 1000;

type LabelsOption = Extract<OutputOption, { readonly labels: unknown }>;

/**
 * Labels from a comma-separated list, or from a CSV file with the columns `label` and `description`.
 *
 * @throws {InputError} `labels_invalid`, and what a damaged file throws.
 */
export async function labelsOf(value: string): Promise<LabelsOption> {
  if (value.startsWith("@")) return await labelsFrom(value.slice(1));
  const [first = "", ...rest] = value.split(",").map((label) => label.trim());
  return { labels: [first, ...rest] };
}

async function labelsFrom(path: string): Promise<LabelsOption> {
  const { columns, rows } = await headOfFile(path, MOST_LABELS);
  const label = columns.indexOf("label");
  const description = columns.indexOf("description");
  if (label < 0)
    throw invalid(
      `${path} has no column named "label"`,
      `Its header must be: label,description — it is: ${columns.join(",")}`,
    );
  const labels = new Map<string, string>();
  for (const row of rows) {
    const name = (row[label] ?? "").trim();
    if (labels.has(name)) throw invalid(`${path} gives the label ${JSON.stringify(name)} twice`);
    labels.set(name, description < 0 ? "" : (row[description] ?? ""));
  }
  const [first = "", ...rest] = labels.keys();
  // A list keeps its order whatever the names are; an object moves names like "1" to its front.
  if ([...labels.values()].every((text) => text.trim() === "")) return { labels: [first, ...rest] };
  return { labels: Object.fromEntries(labels) };
}

function invalid(problem: string, hint?: string): InputError {
  return new InputError("labels_invalid", `${problem}. Nothing was sent.`, {
    hint: hint ?? "Give each label one line.",
  });
}

/** Parameters from `key=value` pairs; a value that is JSON is taken as JSON, any other as text. */
export function paramsOf(pairs: readonly string[]): Params {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return [pair.slice(0, at), jsonOrText(pair.slice(at + 1))] as const;
    }),
  );
}

function jsonOrText(text: string): Params[string] {
  try {
    return JSON.parse(text) as Params[string];
  } catch {
    return text;
  }
}
