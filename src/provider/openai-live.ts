/** OpenAI's protocol asked live: the lines of each host's batches, one by one. */

import { asRecord, parseJson, textOf } from "./json-values.ts";
import type { LiveForm } from "./live-form.ts";
import { invalidRequest, readRequest, replyLine } from "./live-replies.ts";
import { OPENAI_LIMITS } from "./live-retry.ts";
import type { ChatDialect } from "./openai-dialect.ts";
import { endpointAt } from "./openai-lines.ts";

/** The lines of OpenAI's own batches. */
export const OPENAI_LIVE: LiveForm = {
  read: readRequest,
  write: replyLine,
  invalid: invalidRequest,
  limitHeaders: OPENAI_LIMITS,
  requestIdHeader: "x-request-id",
};

/** The lines of a host's batches; `model` is what they leave to the batch to name, null where each names its own. */
export function hostForm(dialect: ChatDialect, model: string | null): LiveForm {
  if (dialect.layout === "routed") return OPENAI_LIVE;
  return {
    ...OPENAI_LIVE,
    read: (line) => {
      const parsed = asRecord(parseJson(line));
      const body = asRecord(parsed?.["body"]) ?? asRecord(parsed?.["params"]);
      if (body === null) return { refused: "The line is no request: it has no body." };
      const path = endpointAt(dialect, parsed).replace(/^\/v1(?=\/)/, "");
      const customId = textOf(parsed?.["custom_id"]);
      return { customId, path, body: model === null ? body : { model, ...body } };
    },
  };
}
