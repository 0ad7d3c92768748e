/** What Anthropic's models take, by their names. */

/**
 * How a model can be made to think: not at all, against a budget, as it sees fit, or in both ways.
 *
 * Budgets began with 3.7, adaptive thinking with 4.6; 4.7 and later refuse budgets. Names that are not
 * Anthropic's own (a gateway's alias) count as able to do both. Source: Anthropic's thinking guide.
 */
export type ThinkingMode = "none" | "budget" | "adaptive" | "both";

/** See {@link ThinkingMode}. */
export function thinkingMode(model: string): ThinkingMode {
  const version = versionOf(model);
  if (version === null || version === 406) return "both";
  if (version < 307) return "none";
  return version < 406 ? "budget" : "adaptive";
}

/** Whether thinking cannot be turned off: Fable and Mythos. Source: Anthropic's adaptive thinking guide. */
export function alwaysThinks(model: string): boolean {
  return /^claude-(?:fable|mythos)-/.test(model);
}

/**
 * Whether a model takes sampling parameters: Opus before 4.7, other families before 5, and every name
 * that is not Anthropic's own. Source: Anthropic's migration notes, Nov 2026.
 */
export function takesSampling(model: string): boolean {
  const version = versionOf(model);
  if (version === null) return true;
  return version < (model.startsWith("claude-opus-") ? 407 : 500);
}

/**
 * Whether a model answers by a schema in `output_config.format`: from 4.5 on, and every name that is
 * not Anthropic's own. Source: Anthropic's structured outputs guide.
 */
export function takesFormat(model: string): boolean {
  const version = versionOf(model);
  return version === null || version >= 405;
}

/** The version in a model's name as a whole number, 405 for 4.5; null when there is none. */
function versionOf(model: string): number | null {
  const [, major, minor = "0"] =
    /^claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)/.exec(model) ?? [];
  return major === undefined ? null : Number(major) * 100 + Number(minor);
}
