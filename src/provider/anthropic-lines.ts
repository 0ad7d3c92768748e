/** Anthropic's batch format: request lines out. Results are read in anthropic-replies.ts. */

import type { Request } from "../core/request.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import { messageSettings } from "./anthropic-settings.ts";
import { conversationOf, withTurn, type Turn } from "./anthropic-turns.ts";
import { asRecord } from "./json-values.ts";

/** The protocol version the lines are written for: the later `2026-10-21` refuses every sampling parameter. */
export const ANTHROPIC_VERSION = "2023-06-01";

/**
 * One request of a batch, as it stands in the create call's list: `{custom_id, params}`, the id first.
 *
 * `params` of the request go in last, so they win; their `output_config` is merged with ours.
 *
 * @throws {InputError} for what the model or its batches cannot be asked or given: every request would
 * fail with it. Nothing was sent.
 */
export function encodeMessageLine(request: Request, customId: string): string {
  const { model, messages, params, promptCache } = request;
  const settings = messageSettings(request);
  const { system, turns } = conversationOf(messages, promptCache);
  const config = { ...asRecord(settings["output_config"]), ...asRecord(params["output_config"]) };
  const body = {
    model,
    ...settings,
    ...(system.length === 0 ? {} : { system }),
    messages: turns,
    ...params,
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
  };
  return JSON.stringify({ custom_id: customId, params: body });
}

/** The failures {@link amendMessageLine} can do something about; there always is a cap that can be raised. */
export function amendableFailures(): ReadonlySet<RowErrorCode> {
  return new Set(["invalid_output", "truncated"]);
}

/**
 * The same request asked again: after a cut-off answer with twice the token cap, after an unusable
 * one with last words of the user's that say what was wrong with it.
 */
export function amendMessageLine(line: string, customId: string, failure: RequestFailure): string {
  const { params } = JSON.parse(line) as {
    params: Record<string, unknown> & { max_tokens: number; messages: readonly Turn[] };
  };
  if (failure.code === "truncated")
    return JSON.stringify({
      custom_id: customId,
      params: { ...params, max_tokens: params.max_tokens * 2 },
    });
  const content = `Your last answer could not be used. ${failure.message} Answer again, only in the form asked for.`;
  const messages = withTurn(params.messages, { role: "user", content });
  return JSON.stringify({ custom_id: customId, params: { ...params, messages } });
}
