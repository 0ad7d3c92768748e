/** Model names become providers. */

import { InputError } from "../core/errors.ts";
import type { Params } from "../core/request.ts";
import { didYouMean } from "../core/suggest.ts";
import type { BatchProvider } from "./provider.ts";
import { keyFromEnvironment } from "./secrets.ts";

/** A model spelt out: its provider by name or as an object of one's own, and how to reach it. */
export interface ModelSpec {
  readonly provider: string | BatchProvider;
  readonly model: string;
  /** The provider's address; else `<PROVIDER>_BASE_URL`, else its own. */
  readonly baseUrl?: string;
  /** The key; else the provider's environment variable. Never stored. */
  readonly apiKey?: string;
  /** Extra fields for every request body. */
  readonly params?: Params;
  /** How long a new batch may take to appear in the provider's list, in milliseconds. */
  readonly settleMs?: number;
}

/** A model as `provider/model`, or spelt out. */
export type ModelRef = `${string}/${string}` | ModelSpec;

/** A provider ready for use, and the model's name there. */
export interface OpenedModel {
  readonly provider: BatchProvider;
  readonly model: string;
  readonly params: Params;
}

const PROVIDERS = ["openai", "anthropic", "google", "embedded"] as const;
const EMBEDDED_MODELS = ["use-lite"] as const;

/**
 * The provider of a model, with what it needs loaded.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`, `missing_key`, `base_url_invalid`; nothing was sent.
 */
export async function openModel(ref: ModelRef): Promise<OpenedModel> {
  const spec = typeof ref === "string" ? splitName(ref) : ref;
  const provider =
    typeof spec.provider === "string" ? await namedProvider(spec.provider, spec) : spec.provider;
  return { provider, model: spec.model, params: spec.params ?? {} };
}

function splitName(name: string): ModelSpec {
  const slash = name.indexOf("/");
  if (slash > 0 && slash < name.length - 1)
    return { provider: name.slice(0, slash), model: name.slice(slash + 1) };
  throw new InputError(
    "unknown_model",
    `${JSON.stringify(name)} is not a model name. Nothing was sent.`,
    { hint: "Write provider/model, as in openai/gpt-5-mini or embedded/use-lite." },
  );
}

async function namedProvider(name: string, spec: ModelSpec): Promise<BatchProvider> {
  switch (name) {
    case "openai":
      return await openOpenAi(spec);
    case "anthropic":
      return await openAnthropic(spec);
    case "google":
      return await openGoogle(spec);
    case "embedded":
      return await openEmbedded(spec);
    default:
      throw new InputError(
        "unknown_provider",
        `There is no provider named ${JSON.stringify(name)}. Nothing was sent.`,
        { hint: didYouMean(name, PROVIDERS) },
      );
  }
}

async function openOpenAi(spec: ModelSpec): Promise<BatchProvider> {
  const { openaiBaseUrl, openaiProvider } = await import("./openai.ts");
  const apiKey = spec.apiKey ?? keyFromEnvironment("OPENAI_API_KEY", "openai");
  return openaiProvider({
    apiKey,
    baseUrl: openaiBaseUrl(spec.baseUrl),
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}

async function openAnthropic(spec: ModelSpec): Promise<BatchProvider> {
  const { anthropicBaseUrl, anthropicProvider } = await import("./anthropic.ts");
  const apiKey = spec.apiKey ?? keyFromEnvironment("ANTHROPIC_API_KEY", "anthropic");
  return anthropicProvider({
    apiKey,
    baseUrl: anthropicBaseUrl(spec.baseUrl),
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}

async function openGoogle(spec: ModelSpec): Promise<BatchProvider> {
  const { googleBaseUrl, googleKey, googleProvider } = await import("./google.ts");
  return googleProvider({
    apiKey: spec.apiKey ?? googleKey(),
    baseUrl: googleBaseUrl(spec.baseUrl),
    model: spec.model,
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}

async function openEmbedded(spec: ModelSpec): Promise<BatchProvider> {
  if (!EMBEDDED_MODELS.some((model) => model === spec.model))
    throw new InputError(
      "unknown_model",
      `There is no embedded model named ${JSON.stringify(spec.model)}. Nothing was sent.`,
      { hint: didYouMean(spec.model, EMBEDDED_MODELS) },
    );
  // Taken in silence they would seem to do something.
  const ignored = (["baseUrl", "settleMs", "apiKey"] as const).find(
    (name) => spec[name] !== undefined,
  );
  if (ignored !== undefined)
    throw new InputError(
      "option_unsupported",
      `embedded/use-lite runs on this machine and has no use for ${ignored}. Nothing was sent.`,
      {
        hint: "Leave out --base-url and --settle, or name the model of the provider that is meant.",
      },
    );
  const { embeddedProvider } = await import("./embedded.ts");
  return embeddedProvider();
}
