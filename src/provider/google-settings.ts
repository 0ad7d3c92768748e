/** The settings of a call as members of a GenerateContentRequest. */

import type { CallSettings, Tool, ToolChoice } from "../core/call-settings.ts";
import { InputError } from "../core/errors.ts";
import { answerSchema } from "../core/form.ts";
import type { Json, JsonObject } from "../core/hash.ts";
import type { RequestSpec } from "../core/request.ts";
import type { SchemaDialect } from "../core/schema-dialect.ts";
import { generationOf, thinkingConfig } from "./google-thinking.ts";
import { unsupportedSetting } from "./refusals.ts";
import { checkTools } from "./tool-checks.ts";

/** Every setting of a call that Gemini has a member for. */
export const GENERATE_SETTINGS: ReadonlySet<keyof CallSettings> = new Set([
  "maxTokens",
  "temperature",
  "topP",
  "seed",
  "stop",
  "reasoning",
  "tools",
  "toolChoice",
]);

// Source: GenerateContentRequest in the SDK's types.
const MOST_STOPS = 5;

/** What a request says beside its contents. */
export interface GenerateSettings {
  /** Members of the request itself. */
  readonly members: JsonObject;
  /** Members of its `generationConfig`. */
  readonly config: JsonObject;
}

/**
 * What the settings, the form and the prompt cache of a run ask for, without its params.
 *
 * A form with a schema is asked for by `responseMimeType` and `responseJsonSchema`; tools are
 * `functionDeclarations` with `parametersJsonSchema`, a choice is a `functionCallingConfig` (auto AUTO,
 * required ANY, none NONE, one tool ANY with its name allowed); `promptCache.content` is
 * `cachedContent`. `maxOutputTokens` counts thoughts too. Source: GenerateContentRequest in the SDK's types.
 *
 * @throws {InputError} `setting_unsupported` or `output_unsupported` for what the model cannot be
 * asked, in the words of `provider`; nothing was sent.
 */
export function generateSettings(
  spec: RequestSpec,
  provider: string,
  dialect?: SchemaDialect,
): GenerateSettings {
  const { model, form, settings, promptCache } = spec;
  const { maxTokens, temperature, topP, seed, stop, reasoning, tools = [], toolChoice } = settings;
  checkTools(settings);
  if ((stop ?? []).length > MOST_STOPS)
    throw unsupportedSetting(
      `stop of ${String(stop?.length)} texts`,
      provider,
      `it takes ${String(MOST_STOPS)} at most`,
    );
  const schema = answerSchema(form, dialect);
  const cachedContent = promptCache?.content;
  if (tools.length > 0 && schema !== null) refuseFormWithTools(model, provider);
  if (tools.length > 0 && cachedContent !== undefined)
    throw unsupportedSetting(
      "promptCache.content",
      provider,
      "tools must be in the cached content",
    );
  const thinking = reasoning === undefined ? null : thinkingConfig(reasoning, { model, provider });
  const config = {
    ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined || stop.length === 0 ? {} : { stopSequences: stop }),
    ...(thinking === null ? {} : { thinkingConfig: thinking }),
    ...(schema === null
      ? {}
      : { responseMimeType: "application/json", responseJsonSchema: schema }),
  };
  const members = {
    ...(tools.length === 0 ? {} : { tools: [{ functionDeclarations: tools.map(declaration) }] }),
    ...(toolChoice === undefined || tools.length === 0
      ? {}
      : { toolConfig: { functionCallingConfig: callingConfig(toolChoice) } }),
    ...(cachedContent === undefined ? {} : { cachedContent }),
  };
  return { members, config };
}

function declaration({ name, description, parameters }: Tool): Json {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    parametersJsonSchema: parameters,
  };
}

const MODES = { auto: "AUTO", required: "ANY", none: "NONE" } as const;

function callingConfig(choice: ToolChoice): Json {
  return typeof choice === "string"
    ? { mode: MODES[choice] }
    : { mode: "ANY", allowedFunctionNames: [choice.tool] };
}

/** Before Gemini 3, a request is refused that names functions and asks for JSON. Source: Gemini's structured output guide. */
function refuseFormWithTools(model: string, provider: string): void {
  const known = generationOf(model);
  if (known === null || known.version >= 3) return;
  throw new InputError(
    "output_unsupported",
    `${provider} cannot give answers in a form beside tools: ${model} takes either. Nothing was sent.`,
    { hint: "Leave out the tools or the output, or name a model from Gemini 3 on." },
  );
}
