/** Whose model a name means. */

import { InputError } from "../core/errors.ts";
import { didYouMean, nearMisses } from "../core/suggest.ts";

/** A model's name taken apart: the provider, and the name there. */
export interface NamedModel {
  readonly provider: string;
  readonly model: string;
}

// Names that one provider alone uses. Open weights that many hosts serve, such as gpt-oss, are not among them.
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o\d+(?:-|$)|text-embedding-(?:3-|ada))/, "openai"],
  [/^claude-/, "anthropic"],
  [/^gemini-/, "google"],
  [/^(?:mistral|ministral|codestral|magistral|pixtral|devstral)-/, "mistral"],
  [/^use-lite$/, "embedded"],
];

// Hosts of open weights, whose models' names hold a slash themselves.
const HOSTS_OF_MANY = ["parasail", "together", "groq", "compatible"];

/**
 * The provider and model a name means: `provider/model`, `gguf:` and the path of a file, or the bare
 * name of a model that one provider alone has, such as `gpt-5-mini` or `claude-haiku-4-5`.
 *
 * @throws {InputError} `unknown_provider` for a slip in a provider's name, `unknown_model` for a name
 * that could be anyone's; the hint lists what it may be. Nothing was sent.
 */
export function namedModel(name: string, providers: readonly string[]): NamedModel {
  const file = /^gguf:(.+)$/s.exec(name)?.[1];
  if (file !== undefined) return { provider: "gguf", model: file };
  const slash = name.indexOf("/");
  if (slash > 0 && slash < name.length - 1) {
    const provider = name.slice(0, slash);
    if (providers.includes(provider)) return { provider, model: name.slice(slash + 1) };
    throw nobodys(name, provider, providers);
  }
  const owner = slash < 0 ? OWNERS.find(([pattern]) => pattern.test(name))?.[1] : undefined;
  if (owner !== undefined) return { provider: owner, model: name };
  throw new InputError(
    "unknown_model",
    `${JSON.stringify(name)} is not a model name. Nothing was sent.`,
    { hint: hintForBare(name, providers) },
  );
}

function nobodys(name: string, provider: string, providers: readonly string[]): InputError {
  if (nearMisses(provider, providers).length > 0)
    return new InputError(
      "unknown_provider",
      `There is no provider named ${JSON.stringify(provider)}. Nothing was sent.`,
      { hint: didYouMean(provider, providers) },
    );
  return new InputError(
    "unknown_model",
    `${JSON.stringify(name)} does not say which provider runs it: ${JSON.stringify(provider)} is none. Nothing was sent.`,
    { hint: `Did you mean ${inFrontOf(name)}? Every provider: ${providers.join(", ")}.` },
  );
}

function hintForBare(name: string, providers: readonly string[]): string {
  const how = "Write provider/model, as in openai/gpt-5-mini or embedded/use-lite.";
  const [meant] = nearMisses(name, providers);
  if (meant !== undefined) return `${how} For ${meant} write ${meant}/MODEL.`;
  return /^[A-Za-z0-9][\w.:-]+$/.test(name) ? `${how} It may be ${inFrontOf(name)}.` : how;
}

function inFrontOf(name: string): string {
  const candidates = HOSTS_OF_MANY.map((host) => JSON.stringify(`${host}/${name}`));
  return `${candidates.slice(0, -1).join(", ")} or ${candidates.at(-1) ?? ""}`;
}
