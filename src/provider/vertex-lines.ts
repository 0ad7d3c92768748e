/** Vertex's batch file format: request lines out. Replies are read in vertex-replies.ts. */

import { InputError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/hash.ts";
import type { Request, RequestSpec } from "../core/request.ts";
import type { RequestFailure } from "../core/result.ts";
import { VERTEX_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { amendedRequest, generateRequest } from "./google-lines.ts";
import { GENERATE_SETTINGS } from "./google-settings.ts";
import { refuseUnsupported, type Capabilities } from "./refusals.ts";
import { importBreach } from "./vertex-import.ts";
import { inlinedSchema } from "./vertex-schema.ts";

const VERTEX: Capabilities = {
  provider: "vertex",
  settings: GENERATE_SETTINGS,
  promptCache: new Set(["content"]),
  forms: new Set(["text", "labels", "object"]),
};

/**
 * Checks what a run asks against what Vertex can be asked and what its importer takes: one row stands
 * for all, since only the texts and files in the rows differ, which have the same shape in each.
 *
 * @throws {InputError} `output_unsupported`, `setting_unsupported`, `schema_unsupported` or
 * `params_unsupported`; nothing was sent.
 */
export function checkVertex(spec: RequestSpec): void {
  refuseUnsupported(spec, VERTEX);
  const messages = [{ role: "user", content: "text" }] as const;
  const request = bodyOf({ ...spec, messages, cells: [] });
  const breach = importBreach({ custom_id: "a", request });
  if (breach === null) return;
  const { path, why } = breach;
  const message = `vertex cannot be given ${path}: ${why}. It would refuse the whole file. Nothing was sent.`;
  const isSchema = /schema|parameters/i.test(path);
  throw isSchema
    ? new InputError("schema_unsupported", message, {
        hint: "Change the schema there, or name a model of another provider.",
      })
    : new InputError("params_unsupported", message, {
        hint: "Change or leave out the parameter, or name a model of another provider.",
      });
}

/**
 * One line of a batch input file: `{custom_id, request}`, the id first. The id is no member the
 * service knows; what stands beside `request` comes back in the reply, as long as it does not look
 * like a number. The request is a GenerateContentRequest whose schemas hold no references.
 *
 * @throws {InputError} `part_unsupported` for an address that cannot be read; nothing was sent.
 */
export function encodeVertexLine(request: Request, customId: string): string {
  return JSON.stringify({ custom_id: customId, request: bodyOf(request) });
}

function bodyOf(request: Request): JsonObject {
  const body = generateRequest(request, "vertex", VERTEX_SCHEMA_DIALECT);
  const inlined = Object.entries(body).map(([name, value]) => [
    name,
    MAY_HOLD_SCHEMAS.has(name) && value !== undefined ? withInlined(value, name) : value,
  ]);
  return Object.fromEntries(inlined) as JsonObject;
}

const MAY_HOLD_SCHEMAS = new Set(["generationConfig", "tools"]);

const SCHEMAS = new Set([
  ...["responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"],
  ...["parameters", "parametersJsonSchema", "parameters_json_schema", "response"],
]);

/** The value with every schema in it inlined. */
function withInlined(value: Json, path: string): Json {
  if (Array.isArray(value))
    return (value as readonly Json[]).map((one, index) =>
      withInlined(one, `${path}[${String(index)}]`),
    );
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value as JsonObject).map(([name, inner]) => {
    const within = `${path}.${name}`;
    if (inner === undefined) return [name, inner];
    return [name, SCHEMAS.has(name) ? inlinedSchema(inner, within) : withInlined(inner, within)];
  });
  return Object.fromEntries(members) as JsonObject;
}

/** The same line under a new custom_id; nothing else changes. */
export function readdressVertexLine(line: string, customId: string): string {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ ...parsed, custom_id: customId });
}

interface VertexLine {
  readonly request: Parameters<typeof amendedRequest>[0];
}

/** The same request asked again in the way that a Gemini batch asks it again. */
export function amendVertexLine(line: string, customId: string, failure: RequestFailure): string {
  const parsed = JSON.parse(line) as VertexLine;
  const request = amendedRequest(parsed.request, failure);
  return JSON.stringify({ ...parsed, custom_id: customId, request });
}
