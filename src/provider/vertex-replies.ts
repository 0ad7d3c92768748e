/** Vertex's batch file format: reply lines in. */

import { STATUS_CODES } from "node:http";
import type { RequestFailure, Result } from "../core/result.ts";
import type { LinePlaces } from "./alike-lines.ts";
import { RESPONSE_PLACES, resultOf } from "./google-replies.ts";
import { rowFailure, statusOf, type GoogleStatus } from "./google-status.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";

/**
 * Reads one line of a predictions file; never throws.
 *
 * A line holds the echo of its request and a `response`, or a `status` that is not empty and says in
 * text why there is none. Rows that failed are not billed.
 */
export function parseVertexLine(line: string): Result {
  const reply = asRecord(parseJson(line));
  if (reply === null) return failed(null, broken("The reply line is not JSON."));
  const customId = idOf(reply["custom_id"]);
  const status = statusOfRow(reply["status"]) ?? statusOf(reply["error"]);
  if (status !== null) return failed(customId, rowFailure(status));
  const response = asRecord(reply["response"]);
  if (response === null) return failed(customId, broken("The reply holds no response."));
  return resultOf(customId, response);
}

/** Where reply lines differ though they say the same: the response as Gemini's, and every text of the request. */
export const PREDICTION_PLACES: LinePlaces = {
  ...RESPONSE_PLACES,
  custom_id: "customId",
  processed_time: "nothing",
  "request.*": "echo",
};

/** An id that looked like a number has been made one on its way. */
function idOf(value: unknown): string | null {
  return typeof value === "number" ? String(value) : textOf(value);
}

const HTTP_CODES = new Map(
  Object.entries(STATUS_CODES).map(([code, phrase]) => [phrase?.toLowerCase(), Number(code)]),
);

/**
 * What the text of a `status` means; null where it is empty.
 *
 * It begins with the phrase of an HTTP status, and mostly holds the error the model's API gave, as JSON.
 */
function statusOfRow(value: unknown): GoogleStatus | null {
  const text = textOf(value)?.trim() ?? "";
  if (text === "") return statusOf(asRecord(value));
  const json = asRecord(parseJson(text.slice(Math.max(0, text.indexOf("{")))));
  const told = statusOf(asRecord(json?.["error"]) ?? json);
  if (told !== null) return told;
  const phrase = text.split(":")[0]?.trim().toLowerCase();
  const code = HTTP_CODES.get(phrase) ?? Number(/\b[45]\d\d\b/.exec(text)?.[0] ?? 500);
  return statusOf({ code, message: text });
}

function failed(customId: string | null, failure: RequestFailure): Result {
  return { status: "failed", customId, failure, usage: null };
}

function broken(message: string): RequestFailure {
  return { code: "provider_error", message, retryable: true };
}
