/** The settings of a call as params of Anthropic's Messages API. */

import type { CallSettings, Tool, ToolChoice } from "../core/call-settings.ts";
import { InputError } from "../core/errors.ts";
import { answerSchema } from "../core/form.ts";
import type { Json, JsonObject } from "../core/hash.ts";
import type { Params, RequestSpec } from "../core/request.ts";
import { ANTHROPIC_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { cacheMark, markedLast, type Block } from "./anthropic-cache.ts";
import { takesFormat, takesSampling } from "./anthropic-models.ts";
import { thinkingOf, type Thinking } from "./anthropic-thinking.ts";
import { unsupportedSetting } from "./refusals.ts";
import { checkTools } from "./tool-checks.ts";

/** The tool a model without structured output is made to call with its answer. */
export const ANSWER_TOOL = "answer";

// The API demands a cap; this is what its own examples use. Room to think comes on top of it.
const DEFAULT_MAX_TOKENS = 1024;

/**
 * What settings, form and prompt cache of a run ask for: `max_tokens` and whatever else is named.
 *
 * `max_tokens`, which the API demands and which counts thoughts too, is 1024 and the room to think when
 * it is not given. A form with a schema is `output_config.format`; on models before 4.5, which lack
 * it, it is the input of a tool named `answer` that the model is made to call.
 *
 * @throws {InputError} `setting_unsupported`, `output_unsupported`, `schema_unsupported` or
 * `params_unsupported` for what every request would fail with; nothing was sent.
 */
export function messageSettings(spec: RequestSpec): JsonObject {
  const { model, params, form, settings } = spec;
  checkParams(model, params);
  checkTools(settings);
  const thinking = thinkingOf(settings.reasoning, model);
  checkSampling(model, settings, thinking);
  const schema = answerSchema(form, ANTHROPIC_SCHEMA_DIALECT);
  const isForced = schema !== null && !takesFormat(model);
  if (isForced) checkForced(spec, thinking);
  const config = {
    ...(thinking.effort === null ? {} : { effort: thinking.effort }),
    ...(schema === null || isForced ? {} : { format: { type: "json_schema", schema } }),
  };
  return {
    max_tokens: maxTokens(spec, thinking),
    ...(settings.temperature === undefined ? {} : { temperature: settings.temperature }),
    ...(settings.topP === undefined ? {} : { top_p: settings.topP }),
    ...((settings.stop ?? []).length === 0 ? {} : { stop_sequences: settings.stop }),
    ...(thinking.thinking === null ? {} : { thinking: thinking.thinking }),
    ...(isForced ? answerTool(schema, spec) : toolMembers(spec, thinking)),
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
  };
}

function maxTokens({ settings, params }: RequestSpec, { roomTokens, thinking }: Thinking): number {
  const given = params["max_tokens"] ?? settings.maxTokens;
  const most = typeof given === "number" ? given : DEFAULT_MAX_TOKENS + roomTokens;
  if (thinking?.["type"] === "enabled" && most <= roomTokens)
    throw unsupportedSetting(
      `maxTokens of ${String(most)}`,
      "anthropic",
      `it must be more than the ${String(roomTokens)} tokens that may go into thinking`,
    );
  return most;
}

function checkSampling(model: string, settings: CallSettings, { roomTokens }: Thinking): void {
  const { temperature, topP } = settings;
  const name = temperature === undefined ? "topP" : "temperature";
  if (temperature === undefined && topP === undefined) return;
  if (!takesSampling(model))
    throw unsupportedSetting(name, "anthropic", `${model} no longer takes it, at any value`);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 1))
    throw unsupportedSetting(`temperature of ${String(temperature)}`, "anthropic", "it is 0 to 1");
  // Source: the thinking guide.
  if (roomTokens > 0 && (temperature ?? 1) !== 1)
    throw unsupportedSetting("temperature", "anthropic", "a model that thinks has its own");
  if (roomTokens > 0 && (topP ?? 1) < 0.95)
    throw unsupportedSetting("topP", "anthropic", "a model that thinks takes 0.95 to 1");
}

function toolMembers(spec: RequestSpec, { roomTokens }: Thinking): JsonObject {
  const { tools = [], toolChoice } = spec.settings;
  if (tools.length === 0) return {};
  if (tools.some(({ name }) => name === ANSWER_TOOL))
    throw unsupportedSetting(
      `tool named ${JSON.stringify(ANSWER_TOOL)}`,
      "anthropic",
      "answers of older models come by that name",
    );
  const isForced = toolChoice === "required" || typeof toolChoice === "object";
  if (isForced && roomTokens > 0)
    throw unsupportedSetting("toolChoice", "anthropic", "a model that thinks cannot be forced");
  return {
    tools: marked(tools.map(toolOf), spec),
    ...(toolChoice === undefined ? {} : { tool_choice: choiceOf(toolChoice) }),
  };
}

function toolOf({ name, description, parameters }: Tool): Block {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: parameters,
  };
}

const CHOICES = { auto: "auto", required: "any", none: "none" } as const;

function choiceOf(choice: ToolChoice): Json {
  return typeof choice === "string"
    ? { type: CHOICES[choice] }
    : { type: "tool", name: choice.tool };
}

function marked(tools: readonly Block[], { promptCache }: RequestSpec): readonly Block[] {
  return promptCache?.tools === true ? markedLast(tools, cacheMark(promptCache)) : tools;
}

/** A form on a model that can only be made to call a tool. */
function checkForced({ model, settings }: RequestSpec, { roomTokens }: Thinking): void {
  const beside =
    (settings.tools ?? []).length > 0 ? "tools" : roomTokens > 0 ? "reasoning" : undefined;
  if (beside === undefined) return;
  throw new InputError(
    "output_unsupported",
    `anthropic cannot give answers in a form beside ${beside} from ${model}, which is made to call a tool for it. Nothing was sent.`,
    { hint: `Leave out ${beside} or the output, or name a model from 4.5 on.` },
  );
}

function answerTool(schema: Json, spec: RequestSpec): JsonObject {
  const tool = { name: ANSWER_TOOL, description: "Gives the answer.", input_schema: schema };
  return {
    tools: marked([tool], spec),
    tool_choice: { type: "tool", name: ANSWER_TOOL, disable_parallel_tool_use: true },
  };
}

const SAMPLING = ["temperature", "top_p", "top_k"] as const;
// Source: Message Batches reference. Each would fail every request of the batch.
const LIVE_ONLY = ["stream", "speed"] as const;

function checkParams(model: string, params: Params): void {
  const live = LIVE_ONLY.find((name) => params[name] !== undefined && params[name] !== false);
  if (live !== undefined) throw unsupported(live, "Anthropic's batches do not take it.");
  const sampling = SAMPLING.find((name) => params[name] !== undefined);
  if (sampling !== undefined && !takesSampling(model))
    throw unsupported(sampling, `${model} no longer takes ${SAMPLING.join(", ")}, at any value.`);
}

function unsupported(param: string, why: string): InputError {
  return new InputError(
    "params_unsupported",
    `The parameter ${param} cannot be sent: ${why} Nothing was sent.`,
    { hint: `Leave ${param} out of the params and run the command again.` },
  );
}
