/** Gemini's batch file format: request lines out. Replies are read in google-replies.ts. */

import type { JsonObject } from "../core/hash.ts";
import type { Params, Request, RequestSpec } from "../core/request.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import { GEMINI_SCHEMA_DIALECT, type SchemaDialect } from "../core/schema-dialect.ts";
import { embedRequest } from "./google-embed.ts";
import { conversation } from "./google-parts.ts";
import { generateSettings } from "./google-settings.ts";
import { asRecord } from "./json-values.ts";
import { unsupportedSetting } from "./refusals.ts";

// The members of a GenerateContentRequest itself, in both spellings; all others belong to its generationConfig.
const TOP_LEVEL = new Set([
  ...["contents", "tools", "labels", "store"],
  ...["systemInstruction", "system_instruction", "toolConfig", "tool_config"],
  ...["safetySettings", "safety_settings", "cachedContent", "cached_content"],
  ...["serviceTier", "service_tier"],
]);

const CONFIGS = ["generationConfig", "generation_config"] as const;

/**
 * One line of a batch input file: `{key, request}`, the key first; the request is a
 * GenerateContentRequest, or an EmbedContentRequest where a vector is asked for. The model is not in
 * the line: a batch has one, in the URL of its creation. Source: Gemini Batch guide.
 *
 * @throws {InputError} for a part or a setting that Gemini has no place for; nothing was sent.
 */
export function encodeGenerateLine(request: Request, customId: string): string {
  const body =
    request.form.kind === "embedding"
      ? embedRequest(request, "google")
      : generateRequest(request, "google", GEMINI_SCHEMA_DIALECT);
  return JSON.stringify({ key: customId, request: body });
}

/**
 * A GenerateContentRequest, without its model.
 *
 * System messages become `systemInstruction`, the assistant's role `model`. `params` go into
 * `generationConfig` (`topK`, `thinkingConfig`, …), unless they name a member of the request itself
 * (`tools`, `toolConfig`, `safetySettings`, `cachedContent`, `systemInstruction`, `serviceTier`,
 * `labels`, `store`, `contents`); `generationConfig` itself is merged. They go in last, so they win.
 *
 * @throws {InputError} `part_unsupported`, `setting_unsupported` or `output_unsupported`, in the words
 * of `provider`; nothing was sent.
 */
export function generateRequest(
  request: Request,
  provider: string,
  dialect?: SchemaDialect,
): JsonObject {
  const { members, config } = sorted(request.params);
  const asked = generateSettings(request, provider, dialect);
  const said = conversation(request.messages, provider);
  if (said.systemInstruction !== undefined && asked.members["cachedContent"] !== undefined)
    throw unsupportedSetting(
      "promptCache.content",
      provider,
      "the system's instruction must be in the cached content",
    );
  const generationConfig = { ...asked.config, ...config };
  return {
    ...said,
    ...asked.members,
    ...(Object.keys(generationConfig).length === 0 ? {} : { generationConfig }),
    ...members,
  };
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

/** The failures {@link amendGenerateLine} can do something about: a cut-off answer only where the run sets a cap, nothing about a vector. */
export function amendableGenerateFailures({
  params,
  settings,
  form,
}: Pick<RequestSpec, "params" | "settings" | "form">): ReadonlySet<RowErrorCode> {
  if (form.kind === "embedding") return new Set();
  const { config } = sorted(params);
  const isCapped =
    settings.maxTokens !== undefined || CAPS.some((cap) => typeof config[cap] === "number");
  return isCapped ? new Set(["invalid_output", "truncated"]) : new Set(["invalid_output"]);
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
  return JSON.stringify({
    ...parsed,
    key: customId,
    request: amendedRequest(parsed.request, failure),
  });
}

/** A GenerateContentRequest changed so that this failure may not happen again. */
export function amendedRequest(
  request: KeyedLine["request"],
  failure: RequestFailure,
): Readonly<Record<string, unknown>> {
  return failure.code === "truncated"
    ? { ...request, generationConfig: withTwiceTheCap(request["generationConfig"]) }
    : { ...request, contents: [...request.contents, correction(failure)] };
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
