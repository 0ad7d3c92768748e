/** Gemini's batch file format: request lines out. Replies are read in google-replies.ts. */

import { answerSchema } from "../core/form.ts";
import type { Params, Request } from "../core/request.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import { asRecord } from "./json-values.ts";

// The members of a GenerateContentRequest itself, in both spellings; all others belong to its generationConfig.
const TOP_LEVEL = new Set([
  ...["contents", "tools", "labels", "store"],
  ...["systemInstruction", "system_instruction", "toolConfig", "tool_config"],
  ...["safetySettings", "safety_settings", "cachedContent", "cached_content"],
  ...["serviceTier", "service_tier"],
]);

const CONFIGS = ["generationConfig", "generation_config"] as const;

/**
 * One line of a batch input file: `{key, request}`, the key first.
 *
 * System messages become `systemInstruction`, the assistant's role `model`. A form with a schema is
 * asked for by `responseMimeType` and `responseJsonSchema`. `params` go into `generationConfig`
 * (`temperature`, `maxOutputTokens`, `thinkingConfig`, …), unless they name a member of the request
 * itself (`tools`, `toolConfig`, `safetySettings`, `cachedContent`, `systemInstruction`,
 * `serviceTier`, `labels`, `store`, `contents`); `generationConfig` itself is merged. They go in
 * last, so they win. The model is not in the line: a batch has one, in the URL of its creation.
 * Source: Gemini Batch guide, and GenerateContentRequest in the SDK's types.
 */
export function encodeGenerateLine(request: Request, customId: string): string {
  const schema = answerSchema(request.form);
  const system = request.messages.filter(({ role }) => role === "system");
  const turns = request.messages.filter(({ role }) => role !== "system");
  const { members, config } = sorted(request.params);
  const generationConfig = {
    ...(schema === null
      ? {}
      : { responseMimeType: "application/json", responseJsonSchema: schema }),
    ...config,
  };
  const body = {
    contents: turns.map(({ role, content }) => ({
      role: role === "assistant" ? "model" : "user",
      parts: [{ text: content }],
    })),
    ...(system.length === 0
      ? {}
      : { systemInstruction: { parts: system.map(({ content }) => ({ text: content })) } }),
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    ...members,
  };
  return JSON.stringify({ key: customId, request: body });
}

/** Params by where they belong: beside `contents`, or in `generationConfig`. */
function sorted(params: Params): { readonly members: Params; readonly config: Params } {
  const entries = Object.entries(params).filter(([name]) => !isConfig(name));
  const given = CONFIGS.map((name) => asRecord(params[name]) ?? {}) as readonly Params[];
  return {
    members: Object.fromEntries(entries.filter(([name]) => TOP_LEVEL.has(name))),
    config: {
      ...Object.fromEntries(entries.filter(([name]) => !TOP_LEVEL.has(name))),
      ...given[0],
      ...given[1],
    },
  };
}

function isConfig(name: string): boolean {
  return CONFIGS.some((config) => config === name);
}

/** The same line under a new key; nothing else changes. */
export function readdressKeyedLine(line: string, customId: string): string {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ ...parsed, key: customId });
}

const CAPS = ["maxOutputTokens", "max_output_tokens"] as const;

/** The failures {@link amendGenerateLine} can do something about: a cut-off answer only where the run sets a cap. */
export function amendableGenerateFailures(params: Params): ReadonlySet<RowErrorCode> {
  const { config } = sorted(params);
  return CAPS.some((cap) => typeof config[cap] === "number")
    ? new Set(["invalid_output", "truncated"])
    : new Set(["invalid_output"]);
}

interface KeyedLine {
  readonly request: Readonly<Record<string, unknown>> & { readonly contents: readonly unknown[] };
}

/**
 * The same request asked again: after a cut-off answer with twice the token cap, after an unusable
 * one with a last message that says what was wrong with it.
 */
export function amendGenerateLine(line: string, customId: string, failure: RequestFailure): string {
  const parsed = JSON.parse(line) as KeyedLine;
  const request =
    failure.code === "truncated"
      ? { ...parsed.request, generationConfig: withTwiceTheCap(parsed.request["generationConfig"]) }
      : { ...parsed.request, contents: [...parsed.request.contents, correction(failure)] };
  return JSON.stringify({ ...parsed, key: customId, request });
}

function withTwiceTheCap(config: unknown): Readonly<Record<string, unknown>> {
  const doubled: Record<string, unknown> = { ...asRecord(config) };
  for (const cap of CAPS) {
    const tokens = doubled[cap];
    if (typeof tokens === "number") doubled[cap] = tokens * 2;
  }
  return doubled;
}

function correction(failure: RequestFailure): unknown {
  const text = `Your last answer could not be used. ${failure.message} Answer again, only in the form asked for.`;
  return { role: "user", parts: [{ text }] };
}
