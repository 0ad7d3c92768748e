/** What Gemini's models refuse of well-formed requests: thinking, tools, pictures and cached content. */
import { badRequest, type GoogleFailure } from "./google-errors.ts";
import { listMember, member, objectMember } from "./google-json.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

/** The generation in a model's name, such as 2.5; null where it tells none. */
function generationOf(model: string): number | null {
  const version = /(?:^|\/)gemini-(\d+(?:\.\d+)?)(?:-|$)/.exec(model)?.[1];
  return version === undefined ? null : Number(version);
}

/** Why `model` would not answer this request, or null. */
export function refusedByModel(model: string, request: JsonObject): GoogleFailure | null {
  return (
    refusesThinking(model, request) ??
    refusesTools(model, request) ??
    refusesCache(request) ??
    refusesParts(request)
  );
}

function refusesThinking(model: string, request: JsonObject): GoogleFailure | null {
  const config = objectMember(objectMember(request, "generationConfig"), "thinkingConfig");
  const budget = member(config, "thinkingBudget");
  const level = member(config, "thinkingLevel");
  const generation = generationOf(model) ?? 3;
  if (budget === undefined && level === undefined) return null;
  if (generation < 2.5) return badRequest("Thinking is not supported for this model.");
  if (budget !== undefined && level !== undefined)
    return badRequest("You can only set only one of thinking budget and thinking level.");
  if (level !== undefined && generation < 3)
    return badRequest("Thinking level is not supported for this model.");
  if (level !== undefined && !LEVELS.has(level))
    return badRequest(`Invalid value at 'generation_config.thinking_config.thinking_level'`);
  const alwaysThinks = generationOf(model) !== null && (generation >= 3 || /-pro\b/.test(model));
  return budget === 0 && alwaysThinks
    ? badRequest("Budget 0 is invalid. This model only works in thinking mode.")
    : null;
}

const LEVELS: ReadonlySet<unknown> = new Set(
  ["minimal", "low", "medium", "high"].flatMap((level) => [level, level.toUpperCase()]),
);

/** The functions a request declares. */
export function declarationsOf(request: JsonObject): readonly JsonObject[] {
  return listMember(request, "tools")
    .filter(isJsonObject)
    .flatMap((tool) => listMember(tool, "functionDeclarations"))
    .filter(isJsonObject);
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

function refusesTools(model: string, request: JsonObject): GoogleFailure | null {
  const declared = declarationsOf(request);
  const names = declared.map((declaration) => String(declaration["name"]));
  const odd = names.find((name) => !NAME.test(name));
  if (odd !== undefined)
    return badRequest(`Invalid function name. Must start with a letter or an underscore: ${odd}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return badRequest(`Duplicate function declaration found: ${twice}`);
  const isDouble = declared.some(
    (one) =>
      member(one, "parameters") !== undefined && member(one, "parametersJsonSchema") !== undefined,
  );
  if (isDouble)
    return badRequest(
      "Only one of parameters and parameters_json_schema may be set for a function.",
    );
  const config = objectMember(request, "generationConfig");
  const wantsJson = member(config, "responseMimeType") === "application/json";
  if (declared.length > 0 && wantsJson && (generationOf(model) ?? 3) < 3)
    return badRequest(
      "Function calling with a response mime type: 'application/json' is unsupported",
    );
  return refusesChoice(request, names);
}

const MODES: ReadonlySet<unknown> = new Set(["AUTO", "ANY", "NONE", "VALIDATED"]);

function refusesChoice(request: JsonObject, names: readonly string[]): GoogleFailure | null {
  const toolConfig = objectMember(request, "toolConfig");
  if (member(toolConfig, "functionCallingConfig") === undefined) return null;
  const config = objectMember(toolConfig, "functionCallingConfig");
  const mode = member(config, "mode") ?? "AUTO";
  if (names.length === 0 && mode !== "NONE")
    return badRequest("Function calling config is set without function_declarations.");
  if (!MODES.has(mode))
    return badRequest(
      `Invalid value at 'tool_config.function_calling_config.mode': ${JSON.stringify(mode)}`,
    );
  const allowed = listMember(config, "allowedFunctionNames").map(String);
  if (allowed.length > 0 && mode !== "ANY" && mode !== "VALIDATED")
    return badRequest(
      "Allowed function names should only be set when function calling mode is ANY.",
    );
  const stranger = allowed.find((name) => !names.includes(name));
  return stranger === undefined
    ? null
    : badRequest(`Allowed function name '${stranger}' is not among the function declarations.`);
}

function refusesCache(request: JsonObject): GoogleFailure | null {
  if (member(request, "cachedContent") === undefined) return null;
  const beside = ["systemInstruction", "tools", "toolConfig"].some(
    (name) => member(request, name) !== undefined,
  );
  return beside
    ? badRequest(
        "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
      )
    : null;
}

const MEDIA = /^(?:(?:image|audio|video|text)\/[\w.+-]+|application\/(?:pdf|json))$/;

function refusesParts(request: JsonObject): GoogleFailure | null {
  const system = objectMember(request, "systemInstruction");
  if (listMember(system, "parts").some((part) => isJsonObject(part) && part["text"] === undefined))
    return badRequest("system_instruction can only contain text.");
  const parts = listMember(request, "contents")
    .filter(isJsonObject)
    .flatMap((content) => listMember(content, "parts"));
  return parts.map(refusesPart).find((refused) => refused !== null) ?? null;
}

function refusesPart(part: unknown): GoogleFailure | null {
  if (!isJsonObject(part) || Object.keys(part).length === 0)
    return badRequest("* contents.parts: contents.parts must have one initialized field.");
  const inline = objectMember(part, "inlineData");
  const file = objectMember(part, "fileData");
  const isInline = member(part, "inlineData") !== undefined;
  const isFile = member(part, "fileData") !== undefined;
  const mimeType = member(isInline ? inline : file, "mimeType");
  if ((isInline || mimeType !== undefined) && (isInline || isFile) && !MEDIA.test(String(mimeType)))
    return badRequest(`Unsupported MIME type: ${String(mimeType)}`);
  const { data } = inline;
  if (isInline && !(typeof data === "string" && /^[A-Za-z0-9+/_-]+={0,2}$/.test(data)))
    return badRequest("Invalid value at 'inline_data.data': Base64 decoding failed.");
  const uri = member(file, "fileUri");
  if (isFile && !/^(?:https|gs):\/\//.test(String(uri)))
    return badRequest(`Unsupported file uri: ${String(uri)}`);
  return null;
}
