/** Mistral's request lines: OpenAI's chat and embeddings, with the model on the job and some names of its own. */

import { asRecord } from "./json-values.ts";
import type { RequestLines } from "./openai-dialect.ts";

// Source: the types of Mistral's SDK for chat completions and embeddings.
const OWN_NAMES: ReadonlyMap<string, string> = new Map([
  ["seed", "random_seed"],
  ["dimensions", "output_dimension"],
]);

/** The same lines as Mistral reads them: without a model, which its jobs name once for all of them. */
export function mistralLines(lines: RequestLines): RequestLines {
  return {
    ...lines,
    encode(request, customId) {
      const line = JSON.parse(lines.encode(request, customId)) as Record<string, unknown>;
      const named = Object.entries(asRecord(line["body"]) ?? {})
        .filter(([name]) => name !== "model")
        .map(([name, value]) => [OWN_NAMES.get(name) ?? name, value]);
      return JSON.stringify({ ...line, body: Object.fromEntries(named) as object });
    },
  };
}
