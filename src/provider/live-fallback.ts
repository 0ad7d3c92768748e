/** Learns once how a server takes structured output, and asks all other requests that way. */

import type { Ask } from "./live-ask.ts";
import type { ProviderWarning } from "./provider.ts";
import {
  blamesStructure,
  restructured,
  schemaAsked,
  weaker,
  type Structure,
} from "./live-structure.ts";

/** Told when something is asked in a weaker way than was meant. */
export type WarnLive = (warning: ProviderWarning) => void;

const WORDS: Readonly<Record<Structure, string>> = {
  json_schema: "structured output with a JSON Schema",
  json_object: "any JSON object, with the schema told in the prompt",
  prompt: "plain text, with the schema told in the prompt",
};

/**
 * The same way to ask, with fall-backs: while a server has not yet answered a request with a schema,
 * a 400 or 422 that blames how the schema was asked for makes this one and all later ones be asked in
 * a weaker way. A refused request was not answered and so costs nothing. `warn` is told once for
 * each step down; `host` is named in the message.
 */
export function askingStructured(ask: Ask, host: string, warn: WarnLive): Ask {
  let structure: Structure = "json_schema";
  let isProven = false;
  return async (request, stops) => {
    if (schemaAsked(request.body) === null) return await ask(request, stops);
    for (;;) {
      const asked = structure;
      const body = restructured(request.body, asked);
      const answered = await ask({ ...request, body }, stops);
      if (answered === null || "code" in answered) return answered;
      if (answered.status < 300 && asked === structure) isProven = true;
      const isRefused = answered.status === 400 || answered.status === 422;
      const next = weaker(asked);
      if (!isRefused || next === null || !blamesStructure(JSON.stringify(answered.body)))
        return answered;
      // Others that were under way at the same time may have learnt it already.
      if (asked !== structure) continue;
      if (isProven) return answered;
      structure = next;
      warn({
        code: "structured_output_unsupported",
        message: `${host} does not take ${WORDS[asked]}. It is asked for ${WORDS[next]} instead; answers are checked all the same.`,
      });
    }
  };
}
