/** How much a Gemini model may think: levels and budgets, by generation. */

import type { Reasoning } from "../core/call-settings.ts";
import type { JsonObject } from "../core/hash.ts";
import { unsupportedSetting } from "./refusals.ts";

/** The generation of a Gemini model by its name; null for names that do not tell, such as aliases and tuned models. */
export interface Generation {
  readonly version: number;
  readonly isPro: boolean;
}

/** Reads the generation from a name such as `gemini-2.5-pro` or `publishers/google/models/gemini-3-flash`. */
export function generationOf(model: string): Generation | null {
  const [, version] = /(?:^|\/)gemini-(\d+(?:\.\d+)?)(?:-|$)/.exec(model) ?? [];
  if (version === undefined) return null;
  return { version: Number(version), isPro: /-pro(?:-|$)/.test(model) };
}

// What the levels stand for on Gemini 2.5. Source: the table of reasoning efforts in Google's guide
// to its OpenAI-compatible interface.
const BUDGETS = { minimal: 1024, low: 1024, medium: 8192, high: 24_576 } as const;

/** The model that is to think, and the provider's name for messages. */
export interface Thinker {
  readonly model: string;
  readonly provider: string;
}

/**
 * The `thinkingConfig` of a request; null where there is nothing to say.
 *
 * A budget is `thinkingBudget`. From Gemini 3 on, and for names that do not tell their generation, a
 * level is `thinkingLevel`. Gemini 2.5 knows budgets only: minimal and low are 1024 tokens, medium
 * 8192, high 24576. `none` is a budget of 0. Source: Gemini's thinking guide.
 *
 * @throws {InputError} `setting_unsupported` for `none` where thinking cannot be turned off (2.5 Pro,
 * Gemini 3 and later), for `minimal` on a Pro of Gemini 3 or later, and for any thinking before 2.5.
 */
export function thinkingConfig(
  reasoning: Reasoning,
  { model, provider }: Thinker,
): JsonObject | null {
  const known = generationOf(model);
  const refused = (why: string): Error => {
    const name =
      typeof reasoning === "string" ? `reasoning ${JSON.stringify(reasoning)}` : "budget";
    return unsupportedSetting(name, provider, `${model} ${why}`);
  };
  if (known !== null && known.version < 2.5) {
    if (reasoning === "none") return null;
    throw refused("does not think");
  }
  if (typeof reasoning === "object") return { thinkingBudget: reasoning.budgetTokens };
  const isLater = known === null || known.version >= 3;
  if (reasoning === "none") {
    if (known !== null && (isLater || known.isPro)) throw refused("always thinks");
    return { thinkingBudget: 0 };
  }
  if (!isLater) return { thinkingBudget: BUDGETS[reasoning] };
  if (reasoning === "minimal" && known?.isPro === true) throw refused("knows low, medium and high");
  return { thinkingLevel: reasoning.toUpperCase() };
}
