/** The import of a job's input: rows are read as BigQuery loads JSON, and one bad row refuses all. */
import { placeOfUri, type GcsObjects } from "./gcs-objects.ts";
import { failureOf, RPC_CODES } from "./google-errors.ts";
import { objectMember } from "./google-json.ts";
import { promptTokens } from "./google-request.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { eachLine } from "./lines.ts";
import type { Settings } from "./settings.ts";

/** An input that was imported: where its rows lie, so that they can be read again in any order. */
export interface VertexPlan {
  readonly count: number;
  /** The files on disk, and for each row which of them holds it and where. */
  readonly paths: readonly string[];
  readonly files: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** Estimated, for the budget of enqueued tokens. */
  readonly promptTokens: number;
}

/** Why an input was not imported, as the error of its job. */
export interface ImportFailure {
  readonly code: number;
  readonly message: string;
}

/** One row of the input, taken apart. */
export interface VertexRow {
  readonly request: JsonObject;
  /** What stands beside the request, as it comes back: text that looks like a number is one then. */
  readonly siblings: JsonObject;
  /** The row's id, for counts and faults; null when it has none that is a text. */
  readonly customId: string | null;
}

// 200,000 requests in 1 GB. Source: Vertex's guide to batch prediction.
const MOST_ROWS = 200_000;
const MOST_BYTES = 1_000_000_000;

/** The plan for a job's input, or why there is none. */
export async function importInput(
  objects: GcsObjects,
  uris: readonly string[],
  settings: Settings,
): Promise<VertexPlan | ImportFailure> {
  const paths: string[] = [];
  const files: number[] = [];
  const offsets: number[] = [];
  const lengths: number[] = [];
  const types = new Map<string, string>();
  let tokens = 0;
  let bytes = 0;
  for (const [file, uri] of uris.entries()) {
    const place = placeOfUri(uri);
    const object = place === null ? null : objects.find(place);
    if (object === null) return failed("NOT_FOUND", `The Cloud Storage file ${uri} was not found.`);
    paths.push(object.file.path);
    bytes += object.file.bytes;
    const problem = await eachLine(object.file.path, ({ bytes: line, offset, number }) => {
      const text = line.toString("utf8");
      if (text.trim() === "") return null;
      const row = parseJson(text.replace(/^\uFEFF/, ""));
      const found = isJsonObject(row) ? breach(row, types) : "it is not a JSON object";
      if (found !== null) return refused(`${uri}, row ${String(number)}: ${found}`);
      tokens += promptTokens(rowOf(row).request);
      files.push(file);
      offsets.push(offset);
      lengths.push(line.length);
      return null;
    });
    if (problem !== null) return problem;
  }
  const most = settings.limits.maxRequests ?? MOST_ROWS;
  const mostBytes = settings.limits.maxBytes ?? MOST_BYTES;
  const count = files.length;
  if (count === 0) return refused("the input holds no requests");
  if (count > most) return refused(`the input has more than ${String(most)} requests`);
  if (bytes > mostBytes) return refused(`the input is larger than ${String(mostBytes)} bytes`);
  return {
    ...{ count, paths, promptTokens: tokens },
    files: Uint32Array.from(files),
    offsets: Float64Array.from(offsets),
    lengths: Uint32Array.from(lengths),
  };
}

function refused(problem: string): ImportFailure {
  return failed("INVALID_ARGUMENT", `Failed to import data: ${problem}.`);
}

function failed(name: string, message: string): ImportFailure {
  return { code: RPC_CODES[name] ?? 2, message };
}

/** The error of a job for which there was no room. */
export function noRoom(): ImportFailure {
  const { message } = failureOf(429, "Resource exhausted. Please try again later.").error;
  return failed("RESOURCE_EXHAUSTED", message);
}

const DEEPEST = 15;

/** Why a row would not load, null when it does; the types of what it holds are added to those seen before. */
function breach(row: JsonObject, types: Map<string, string>): string | null {
  const waiting: { readonly value: unknown; readonly path: string; readonly depth: number }[] = [
    { value: row, path: "", depth: 0 },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path, depth } = next;
    if (value === null) continue;
    const type = Array.isArray(value) ? "REPEATED" : typeof value;
    if ((types.get(path) ?? type) !== type) return `the field ${path} has changed its type`;
    types.set(path, type);
    if (Array.isArray(value)) {
      for (const one of value as readonly unknown[])
        waiting.push({ value: one, path: `${path}[]`, depth });
    } else if (isJsonObject(value)) {
      const members = Object.entries(value);
      if (members.length === 0) return `the record ${path} has no fields`;
      if (depth > DEEPEST) return `the record ${path} is nested deeper than ${String(DEEPEST)}`;
      for (const [name, inner] of members) {
        if (/[$\s]/.test(name)) return `invalid field name "${name}"`;
        waiting.push({ value: inner, path: `${path}.${name}`, depth: depth + 1 });
      }
    }
  }
  return null;
}

const NUMERIC = /^-?\d+(?:\.\d+)?$/;

/** The row a line holds. */
export function rowOf(parsed: unknown): VertexRow {
  const row = isJsonObject(parsed) ? parsed : {};
  const siblings = Object.entries(row)
    .filter(([name]) => name !== "request")
    .map(([name, value]) => [
      name,
      typeof value === "string" && NUMERIC.test(value) ? Number(value) : value,
    ]);
  const id = row["custom_id"] ?? row["key"] ?? row["id"];
  return {
    request: objectMember(row, "request"),
    siblings: Object.fromEntries(siblings) as JsonObject,
    customId: typeof id === "string" ? id : null,
  };
}
