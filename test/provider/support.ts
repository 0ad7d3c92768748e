/** What the tests of several providers share. */

import type { AnswerForm } from "../../src/core/form.ts";
import type { Request, RequestSpec } from "../../src/core/request.ts";
import type { Batch, Submission } from "../../src/provider/provider.ts";

/** A batch made in the test, with what it was made of. */
export type Sent = Submission & Batch;

/** What a plain run asks, in a form. */
export function spec(form: AnswerForm = { kind: "text" }): RequestSpec {
  return { model: "m", params: {}, form, settings: {}, promptCache: null };
}

/** A request with one message of the user's. */
export function request(text: string, differing: Partial<Request> = {}): Request {
  const messages = [{ role: "user", content: text }] as const;
  return { ...spec(), messages, cells: [], ...differing };
}
