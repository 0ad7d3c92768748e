/** How much one of Anthropic's models may think. */

import type { Reasoning } from "../core/call-settings.ts";
import type { JsonObject } from "../core/hash.ts";
import { alwaysThinks, thinkingMode } from "./anthropic-models.ts";
import { unsupportedSetting } from "./refusals.ts";

/** What a request says about thinking. */
export interface Thinking {
  /** The `thinking` member; null where there is nothing to say. */
  readonly thinking: JsonObject | null;
  /** The `effort` of `output_config`; null where it is not named. */
  readonly effort: string | null;
  /** The tokens thought may take of `max_tokens`; 0 when the model is not told to think. */
  readonly roomTokens: number;
}

// What a level may spend where models think against a budget only (3.7 to 4.5).
const BUDGETS = { low: 1024, medium: 4096, high: 16_384 } as const;
const LEAST_BUDGET = 1024;

/**
 * A budget is `thinking: {type: "enabled", budget_tokens}`. A level is adaptive thinking with that
 * `effort` where the model has it (4.6 and later), else a budget: low 1024 tokens, medium 4096, high
 * 16384. `none` is `{type: "disabled"}`. Source: Anthropic's guides to thinking and effort.
 *
 * @throws {InputError} `setting_unsupported`: for `minimal`, which the API has no word for; for a
 * budget below 1024 or on 4.7 and later; for `none` on Fable and Mythos; for any thinking before 3.7.
 */
export function thinkingOf(reasoning: Reasoning | undefined, model: string): Thinking {
  const off = { thinking: null, effort: null, roomTokens: 0 };
  if (reasoning === undefined) return off;
  const mode = thinkingMode(model);
  const refused = (why: string): Error => unsupportedSetting(nameOf(reasoning), "anthropic", why);
  if (reasoning === "none") {
    if (alwaysThinks(model)) throw refused(`${model} always thinks`);
    return mode === "none" ? off : { ...off, thinking: { type: "disabled" } };
  }
  if (reasoning === "minimal") throw refused("the least it knows is low");
  if (mode === "none") throw refused(`${model} does not think`);
  if (typeof reasoning === "string" && mode !== "budget")
    return { thinking: { type: "adaptive" }, effort: reasoning, roomTokens: BUDGETS.high };
  if (mode === "adaptive") throw refused(`${model} takes levels only (low, medium, high)`);
  const budget = typeof reasoning === "string" ? BUDGETS[reasoning] : reasoning.budgetTokens;
  if (!Number.isSafeInteger(budget) || budget < LEAST_BUDGET)
    throw refused(`a budget is a whole number of tokens from ${String(LEAST_BUDGET)}`);
  const thinking = { type: "enabled", budget_tokens: budget };
  return { thinking, effort: null, roomTokens: budget };
}

function nameOf(reasoning: Reasoning): string {
  return typeof reasoning === "string"
    ? `reasoning ${JSON.stringify(reasoning)}`
    : `reasoning of ${String(reasoning.budgetTokens)} tokens`;
}
