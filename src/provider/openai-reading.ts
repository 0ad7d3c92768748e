/** What is left of a reply's body once it has been read, whatever endpoint it came from. */

import type { ToolCall } from "../core/call-settings.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import { parseJson } from "./json-values.ts";

/** An object whose members nobody has looked at. */
export type Unread = Readonly<Record<string, unknown>>;

/** A usable answer, or why there is none. */
export type Reading =
  | {
      readonly text: string;
      readonly toolCalls?: readonly ToolCall[];
      readonly embedding?: Float32Array;
    }
  | { readonly failure: RequestFailure };

/** An answer that is of no use; asking again unchanged would not help. */
export function unusable(code: RowErrorCode, message: string): Reading {
  return { failure: { code, message, retryable: false } };
}

/** What was said and which calls were wished: an answer when there is either of them. */
export function spoken(text: string | null, toolCalls: readonly ToolCall[]): Reading {
  if (toolCalls.length > 0) return { text: text ?? "", toolCalls };
  return text === null ? unusable("invalid_output", "The reply holds no text.") : { text };
}

/** A wished call; arguments that are no JSON stay text. */
export function toolCall(name: string, written: string): ToolCall {
  const parsed = parseJson(written);
  return { name, arguments: parsed === null && written.trim() !== "null" ? written : parsed };
}
