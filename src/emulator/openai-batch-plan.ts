/** The asynchronous validation of a batch's input file, up to its first fault. */
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { eachLine, type FileLine } from "./lines.ts";
import type { BatchProblem, BatchRequest } from "./openai-batch.ts";
import type { OpenAiEndpoint } from "./openai-endpoint.ts";
import { batchPurpose } from "./openai-files.ts";
import type { HostWorld } from "./openai-world.ts";
import { fingerprint } from "./fingerprint.ts";
import { endpointNamed, requestLine, type LineForm } from "./request-line.ts";

/** An input file that passed: where its lines lie, so that they can be read again in any order. */
export interface BatchPlan {
  readonly path: string;
  readonly endpoint: OpenAiEndpoint;
  readonly model: string;
  readonly count: number;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** Estimated, for the budget of enqueued tokens. */
  readonly promptTokens: number;
}

interface Scan {
  readonly world: HostWorld;
  readonly endpoint: OpenAiEndpoint;
  readonly url: string;
  readonly form: LineForm;
  readonly ids: Set<number>;
  model: string | null;
  promptTokens: number;
  inputs: number;
}

/** The plan for a batch, or the first problem found; later lines are not looked at. */
export async function validate(
  world: HostWorld,
  request: BatchRequest,
): Promise<{ readonly plan: BatchPlan } | { readonly problem: BatchProblem }> {
  const file = world.files.find(request.inputFileId, world.nowMs());
  const endpoint = endpointNamed(world.host, request.endpoint);
  if (file === null || endpoint === undefined) {
    const message = `Cannot find the input file ${request.inputFileId}, or you do not have access to it.`;
    return { problem: problem("invalid_request", message, "file_id") };
  }
  if (file.purpose !== batchPurpose(world)) {
    const message = `The input file ${file.id} has the purpose '${file.purpose}', not '${batchPurpose(world)}'.`;
    return { problem: problem("invalid_request", message, "file_id") };
  }
  const scan: Scan = {
    ...{ world, endpoint, url: request.endpoint, ids: new Set() },
    ...{ form: { host: world.host, model: request.model }, model: null },
    ...{ promptTokens: 0, inputs: 0 },
  };
  const offsets: number[] = [];
  const lengths: number[] = [];
  const found = await eachLine(file.path, (line) => {
    const problem = checkLine(scan, line);
    offsets.push(line.offset);
    lengths.push(line.bytes.length);
    return problem;
  });
  if (found !== null) return { problem: inWordsOf(world, found) };
  const model = scan.model;
  if (model === null) return { problem: problem("empty_file", "The input file is empty.", null) };
  if (file.bytes > world.settings.maxBytes) return { problem: tooLarge(world, model) };
  const { promptTokens } = scan;
  const where = { offsets: Float64Array.from(offsets), lengths: Uint32Array.from(lengths) };
  return {
    plan: { path: file.path, endpoint, model, count: offsets.length, ...where, promptTokens },
  };
}

/** The problem under the code that the host has for it. */
function inWordsOf({ host }: HostWorld, found: BatchProblem): BatchProblem {
  return { ...found, code: host.codes[found.code] ?? found.code };
}

function checkLine(scan: Scan, fileLine: FileLine): BatchProblem | null {
  const { number } = fileLine;
  const { maxRequests } = scan.world.settings;
  if (number > maxRequests) {
    const message = `The batch input file holds more than the ${String(maxRequests)} requests allowed. Please try again with a smaller batch.`;
    return problem("too_many_tasks", message, null);
  }
  const line = parseJson(fileLine.bytes.toString("utf8"));
  if (!isJsonObject(line)) {
    return problem("invalid_json_line", "This line is not parseable as valid JSON.", null, number);
  }
  const { customId, body } = requestLine(line, scan.form);
  return (
    checkMembers(scan, line, number) ??
    checkBody(scan, body, number) ??
    checkId(scan, customId, number)
  );
}

const MEMBERS = {
  routed: ["custom_id", "method", "url", "body"],
  body: ["custom_id", "body"],
  params: ["custom_id", "params"],
} as const;

function checkMembers(scan: Scan, line: JsonObject, number: number): BatchProblem | null {
  const { line: layout } = scan.world.host;
  for (const name of MEMBERS[layout]) {
    const value = line[name];
    const isBody = name === "body" || name === "params";
    if (isBody ? isJsonObject(value) : typeof value === "string" && value !== "") continue;
    const message = `Missing required parameter: '${name}'.`;
    return problem("missing_required_parameter", message, name, number);
  }
  if (layout !== "routed") return null;
  if (line["method"] !== "POST") {
    return problem("invalid_request", "The method must be 'POST'.", "method", number);
  }
  if (line["url"] === scan.url) return null;
  const message = `The URL provided for this request does not match the batch endpoint '${scan.url}'.`;
  return problem("invalid_url", message, "url", number);
}

function checkBody(scan: Scan, body: JsonObject, number: number): BatchProblem | null {
  const { model } = body;
  if (typeof model !== "string" || model === "") {
    return problem("invalid_request", "The request names no model.", "body.model", number);
  }
  if (!(scan.world.settings.models?.includes(model) ?? true)) {
    const message = `The provided model '${model}' does not exist or is not supported by the Batch API.`;
    return problem("model_not_found", message, "body.model", number);
  }
  scan.model ??= model;
  if (model !== scan.model && !scan.world.host.mixedModels) {
    const message = `The provided model '${model}' does not match the expected model '${scan.model}'. All requests of a batch must use the same model.`;
    return problem("mismatched_model", message, "body.model", number);
  }
  if (body["stream"] === true) {
    const message = "Streaming is not supported by the Batch API.";
    return problem("streaming_unsupported", message, "body.stream", number);
  }
  scan.promptTokens += scan.endpoint.promptTokens(body);
  scan.inputs += scan.endpoint.inputCount(body);
  const { maxEmbeddingInputs } = scan.world.settings;
  if (scan.inputs <= maxEmbeddingInputs) return null;
  const message = `The batch holds more than the ${String(maxEmbeddingInputs)} embedding inputs allowed.`;
  return problem("too_many_tasks", message, null);
}

function checkId(scan: Scan, customId: string, number: number): BatchProblem | null {
  const { maxIdLength } = scan.world.host;
  if (customId.length > maxIdLength) {
    const message = `The custom_id is longer than ${String(maxIdLength)} characters.`;
    return problem("invalid_request", message, "custom_id", number);
  }
  const key = fingerprint(customId);
  if (!scan.ids.has(key)) {
    scan.ids.add(key);
    return null;
  }
  const message = `The custom_id '${customId}' for this request is a duplicate of another request. The custom_id parameter must be unique for each request in a batch.`;
  return problem("duplicate_custom_id", message, "custom_id", number);
}

function tooLarge(world: HostWorld, model: string): BatchProblem {
  const limit = String(world.settings.maxBytes);
  const message = `The batch input file is larger than the ${limit} maximum for the ${model} model. Please try again with a smaller batch.`;
  return problem("invalid_request", message, "file_id");
}

function problem(
  code: string,
  message: string,
  param: string | null,
  line: number | null = null,
): BatchProblem {
  return { code, message, param, line };
}
