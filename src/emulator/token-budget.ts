/** The prompt tokens that batches of each model may have under way together. */
import type { BatchProblem } from "./openai-batch.ts";
import type { Settings } from "./settings.ts";
import type { Ledger } from "./stats.ts";

/** The budgets of one emulator. */
export interface TokenBudget {
  /** Takes `tokens` from the model's budget, or gives the problem when they do not fit. */
  take(model: string, tokens: number): BatchProblem | null;
  /** Gives back what was taken. */
  release(model: string, tokens: number): void;
}

/** Budgets of which nothing is taken yet; what is taken and given back is noted as under way. */
export function createTokenBudget(
  limits: Settings["enqueuedTokens"],
  { noteUnderWay }: Pick<Ledger, "noteUnderWay">,
): TokenBudget {
  const taken = new Map<string, number>();
  return {
    take(model, tokens) {
      const limit = (typeof limits === "number" ? limits : limits?.[model]) ?? Infinity;
      const now = (taken.get(model) ?? 0) + tokens;
      if (now > limit) return exceeded(model, limit);
      taken.set(model, now);
      noteUnderWay(1, tokens);
      return null;
    },
    release(model, tokens) {
      taken.set(model, (taken.get(model) ?? 0) - tokens);
      noteUnderWay(-1, -tokens);
    },
  };
}

function exceeded(model: string, limit: number): BatchProblem {
  const message = `Enqueued token limit reached for ${model} in organization org-emulator. Limit: ${limit.toLocaleString("en")} enqueued tokens. Please try again once some in_progress batches have been completed.`;
  return { code: "token_limit_exceeded", message, param: null, line: null };
}
