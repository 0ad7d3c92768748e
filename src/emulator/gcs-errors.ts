/** Refusals in the form of Cloud Storage's JSON API. */
import { RefusedCall, type Reply } from "./http.ts";

const REASONS: Readonly<Record<number, string>> = {
  400: "invalid",
  404: "notFound",
  412: "conditionNotMet",
};

/** What to throw so that a call of Cloud Storage is answered with this failure. */
export function gcsRefusal(status: number, message: string): RefusedCall {
  const reason = REASONS[status] ?? "backendError";
  const errors = [{ message, domain: "global", reason }];
  const reply: Reply = { status, json: { error: { code: status, message, errors } } };
  return new RefusedCall(reply);
}
