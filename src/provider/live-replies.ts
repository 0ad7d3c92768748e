/** Live answers written as lines of an OpenAI batch output file, so that they are read like those of a batch. */

import { asRecord, parseJson, textOf } from "./json-values.ts";

/** What a request came to: an HTTP reply, whatever its status, or none at all. */
export type Answered =
  | { readonly status: number; readonly requestId: string | null; readonly body: unknown }
  | { readonly code: "connection_lost" | "request_timeout"; readonly message: string };

/** One request as a batch input line holds it. */
export interface LiveRequest {
  readonly customId: string | null;
  /** The path under the server's base URL, such as `/chat/completions`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/**
 * The reply line of one request: `{id, custom_id, response: {status_code, request_id, body}, error}`,
 * with `response` null where no reply came. Source: OpenAI batch guide.
 */
export function replyLine(customId: string | null, answered: Answered): string {
  const head = { id: `live_${customId ?? ""}`, custom_id: customId };
  if ("code" in answered) {
    const { code, message } = answered;
    return JSON.stringify({ ...head, response: null, error: { code, message } });
  }
  const { status, requestId, body } = answered;
  const response = { status_code: status, request_id: requestId, body };
  return JSON.stringify({ ...head, response, error: null });
}

const PATHS = ["/chat/completions", "/responses", "/embeddings"];

/** The request on a batch input line, or why it cannot be asked of a live server. */
export function readRequest(line: string): LiveRequest | { readonly refused: string } {
  const parsed = asRecord(parseJson(line));
  const customId = textOf(parsed?.["custom_id"]);
  const body = asRecord(parsed?.["body"]);
  const path = (textOf(parsed?.["url"]) ?? "").replace(/^\/v1(?=\/)/, "");
  if (body === null) return { refused: "The line is no request: it has no body." };
  if (!PATHS.includes(path))
    return { refused: `The line's url must be one of /v1${PATHS.join(", /v1")}.` };
  if (body["stream"] === true) return { refused: "Answers are not streamed; leave out stream." };
  return { customId, path, body };
}

/** An answer that says the request itself is at fault, in the words of OpenAI's errors. */
export function invalidRequest(message: string): Answered {
  const error = { message, type: "invalid_request_error", param: null, code: null };
  return { status: 400, requestId: null, body: { error } };
}
