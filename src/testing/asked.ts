/** What the suite asks. */

import type { Request } from "../core/request.ts";

/** A request for free text with one message of the user's, and whatever differs from that. */
export function plainRequest(text: string, differing: Partial<Request> = {}): Request {
  return {
    model: "m",
    params: {},
    form: { kind: "text" },
    settings: {},
    promptCache: null,
    messages: [{ role: "user", content: text }],
    cells: [text],
    ...differing,
  };
}
