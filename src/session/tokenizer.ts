/** Counting tokens: exactly for OpenAI's models, about as well as characters tell for all others. */

/** What a model's tokens are counted by. */
export interface CountedBy {
  /** How far a sum of such counts may be off, as a share. */
  readonly error: number;
  /** Whether it is the model's own tokenizer. */
  readonly isExact: boolean;
}

/** Counts the tokens of texts for one model. */
export interface TokenCounter extends CountedBy {
  readonly count: (text: string) => number;
}

// A token such as `<|endoftext|>` in a cell is text to the model's host as well, and counted as such.
const AS_TEXT = { disallowedSpecial: new Set<string>() };

// What is left when the tokenizer is the model's own: the words its host puts around messages and schemas.
const EXACT_ERROR = 0.03;
const GUESS_ERROR = 0.3;

// Tokens for each one that is estimated, by what providers' published counts come to on the same texts.
const FACTORS: Readonly<Record<string, number>> = { anthropic: 1.25 };

/** What the tokens of a model are counted by, without loading it. */
export function countsBy(provider: string, model: string): CountedBy {
  const isExact = encodingOf(provider, model) !== null;
  return { error: isExact ? EXACT_ERROR : GUESS_ERROR, isExact };
}

/** The counter for a model, loaded when it is asked for: the tables of OpenAI's are large. */
export async function tokenCounter(provider: string, model: string): Promise<TokenCounter> {
  const by = countsBy(provider, model);
  const encoding = encodingOf(provider, model);
  if (encoding !== null) {
    const { countTokens } =
      encoding === "o200k"
        ? await import("gpt-tokenizer/encoding/o200k_base")
        : await import("gpt-tokenizer/encoding/cl100k_base");
    return { ...by, count: (text) => countTokens(text, AS_TEXT) };
  }
  const { estimateTokenCount } = await import("tokenx");
  const factor = FACTORS[provider] ?? 1.1;
  return { ...by, count: (text) => Math.ceil(estimateTokenCount(text) * factor) };
}

const OPENAI_HOSTS = new Set(["openai", "azure"]);

/** The encoding of a model; null for one that is not OpenAI's, or that nobody here knows. */
function encodingOf(provider: string, model: string): "o200k" | "cl100k" | null {
  if (/(^|\/)gpt-oss/.test(model)) return "o200k";
  if (!OPENAI_HOSTS.has(provider)) return null;
  const name = model.replace(/^ft:/, "");
  if (/^(gpt-4o|gpt-4\.\d|gpt-[5-9]|chatgpt-4o|o[1-9])/.test(name)) return "o200k";
  return /^(gpt-4|gpt-3\.5|text-embedding-)/.test(name) ? "cl100k" : null;
}

/** Whether a model thinks before it answers unless it is told not to, as far as its name tells. */
export function thinksByItself(provider: string, model: string): boolean {
  if (/(^|\/)gpt-oss/.test(model)) return true;
  if (OPENAI_HOSTS.has(provider)) return /^(o[1-9]|gpt-[5-9])(?!.*chat)/.test(model);
  return (
    ["google", "vertex"].includes(provider) && /gemini-(2\.5|[3-9])(?!.*flash-lite)/.test(model)
  );
}
