/** Gemini asked live, at the Gemini API or on Vertex AI: the lines of their batches, one by one. */

import { asRecord, parseJson, textOf } from "./json-values.ts";
import type { LiveForm } from "./live-form.ts";
import type { Answered } from "./live-replies.ts";

/** The lines of one of the two, which name the id each in its own way; replies are `{id, response}` or `{id, error}`. */
export function googleForm(id: "key" | "custom_id"): LiveForm {
  return {
    read: (line) => {
      const parsed = asRecord(parseJson(line));
      const body = asRecord(parsed?.["request"]);
      if (body === null) return { refused: "The line is no request: it holds none." };
      // Only what is to be embedded stands in one `content`.
      const path = "content" in body ? ":embedContent" : ":generateContent";
      return { customId: textOf(parsed?.[id]), path, body };
    },
    write: (customId, answered) => JSON.stringify({ [id]: customId, ...replyOf(answered) }),
    invalid: (message) => ({ status: 400, requestId: null, body: errorOf(400, message) }),
    limitHeaders: [],
    requestIdHeader: "",
  };
}

function replyOf(answered: Answered): object {
  if ("code" in answered)
    return errorOf(answered.code === "request_timeout" ? 504 : 503, answered.message);
  const { status, body } = answered;
  if (status < 300) return { response: body };
  const error = asRecord(asRecord(body)?.["error"]);
  // A gateway on the way answers in words of its own.
  if (error !== null && ("code" in error || "status" in error)) return { error };
  return errorOf(status, textOf(error?.["message"]) ?? "no message");
}

function errorOf(code: number, message: string): { readonly error: object } {
  return { error: { code, message } };
}
