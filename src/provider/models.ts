/** Model names become providers. */

import { InputError } from "../core/errors.ts";
import type { Params } from "../core/request.ts";
import { didYouMean } from "../core/suggest.ts";
import { HOSTS } from "./hosts.ts";
import { namedModel, type NamedModel } from "./model-names.ts";
import type { TextEndpoint } from "./openai-dialect.ts";
import { pacingOf, refusePacing, type Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { keyFromEnvironment } from "./secrets.ts";

/** A model spelt out: its provider by name or as an object of one's own, and how to reach it. */
export interface ModelSpec extends Pacing {
  readonly provider: string | BatchProvider;
  readonly model: string;
  /** The provider's address; else `<PROVIDER>_BASE_URL`, else its own. */
  readonly baseUrl?: string;
  /** The key; else the provider's environment variable. Never stored. */
  readonly apiKey?: string;
  /** The environment variable that holds the key, where that is not the provider's own; its name is stored. */
  readonly apiKeyEnv?: string;
  /** Which of two endpoints text is asked from, where the provider has both; chat completions when left out. */
  readonly endpoint?: TextEndpoint;
  /** Extra fields for every request body. */
  readonly params?: Params;
  /** How long a new batch may take to appear in the provider's list, in milliseconds. */
  readonly settleMs?: number;
}

/** A model as `provider/model`, by a name that one provider alone has (`gpt-5-mini`), or spelt out. */
export type ModelRef = string | ModelSpec;

/** A provider ready for use, and the model's name there. */
export interface OpenedModel {
  readonly provider: BatchProvider;
  readonly model: string;
  readonly params: Params;
}

const EMBEDDED_MODELS = ["use-lite"] as const;

/** How a provider is opened, and where its key is looked for. */
interface ProviderEntry {
  /** The environment variables that may hold the key, the first one first; none where no key is needed. */
  readonly keyVariables: readonly string[];
  /** The environment variables that may hold its address, the first one first; none where it has no other than its own. */
  readonly addressVariables?: readonly string[];
  readonly open: (spec: ModelSpec) => Promise<BatchProvider>;
}

const PROVIDERS: ReadonlyMap<string, ProviderEntry> = new Map<string, ProviderEntry>([
  ...[...HOSTS.values()].map((host): [string, ProviderEntry] => [
    host.id,
    {
      keyVariables: host.keyNeeded ? [host.keyVariable] : [],
      addressVariables: host.baseUrlVariables,
      open: async (spec) => await (await import("./open-host.ts")).openHost(host, spec),
    },
  ]),
  [
    "anthropic",
    {
      keyVariables: ["ANTHROPIC_API_KEY"],
      addressVariables: ["ANTHROPIC_BASE_URL"],
      open: openAnthropic,
    },
  ],
  [
    "google",
    {
      keyVariables: ["GOOGLE_API_KEY", "GEMINI_API_KEY"],
      addressVariables: ["GOOGLE_BASE_URL", "GOOGLE_GEMINI_BASE_URL"],
      open: openGoogle,
    },
  ],
  [
    "vertex",
    {
      keyVariables: [],
      addressVariables: ["VERTEX_BASE_URL", "GOOGLE_VERTEX_BASE_URL"],
      open: openVertex,
    },
  ],
  ["ollama", { keyVariables: [], addressVariables: ["OLLAMA_BASE_URL"], open: openOllama }],
  ["gguf", { keyVariables: [], open: openGguf }],
  ["embedded", { keyVariables: [], open: openEmbedded }],
  ["fireworks", { keyVariables: [], open: refuseFireworks }],
]);

/** Every environment variable that may hold a provider's key, with the provider, in the order of their names. */
export function keyVariables(): readonly (readonly [variable: string, provider: string])[] {
  return [...PROVIDERS]
    .flatMap(([provider, entry]) =>
      entry.keyVariables.map((variable): readonly [string, string] => [variable, provider]),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The provider of a model, with what it needs loaded.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`, `provider_unsupported`, `missing_key`,
 * `base_url_missing`, `base_url_invalid`; nothing was sent.
 * @throws {ProviderError} when a server that has to be asked whether it has batches does not answer.
 */
export async function openModel(ref: ModelRef): Promise<OpenedModel> {
  const spec: ModelSpec = typeof ref === "string" ? resolveModel(ref) : ref;
  const provider =
    typeof spec.provider === "string" ? await namedProvider(spec.provider, spec) : spec.provider;
  if (typeof spec.provider !== "string") refusePacing(spec, "a provider of one's own");
  return { provider, model: spec.model, params: spec.params ?? {} };
}

/**
 * The address a model is reached at, as it was given or as the environment names it now; null where that
 * is the provider's own. One of the environment's with a name, a password or a query in it gives null as well:
 * it may hold a secret, and what is given here is kept.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`; nothing was sent.
 */
export function addressOf(ref: ModelRef): string | null {
  const spec: ModelSpec = typeof ref === "string" ? resolveModel(ref) : ref;
  if (spec.baseUrl !== undefined) return spec.baseUrl;
  if (typeof spec.provider !== "string") return null;
  const { addressVariables = [] } = PROVIDERS.get(spec.provider) ?? {};
  const told = addressVariables.map((variable) => process.env[variable]?.trim() ?? "");
  const address = told.find((text) => text !== "");
  if (address === undefined || !URL.canParse(address)) return null;
  const { username, password, search } = new URL(address);
  return `${username}${password}${search}` === "" ? address : null;
}

/**
 * The provider and model a name means: `provider/model`, or the bare name of a model that one provider
 * alone has.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`; nothing was sent.
 */
export function resolveModel(name: string): NamedModel {
  return namedModel(name, [...PROVIDERS.keys()]);
}

async function namedProvider(name: string, spec: ModelSpec): Promise<BatchProvider> {
  const entry = PROVIDERS.get(name);
  if (entry !== undefined && !HOSTS.has(name)) refuseEndpoint(spec, name);
  if (entry !== undefined) return await entry.open(keyed(spec, name));
  throw new InputError(
    "unknown_provider",
    `There is no provider named ${JSON.stringify(name)}. Nothing was sent.`,
    { hint: didYouMean(name, [...PROVIDERS.keys()]) },
  );
}

/** With the key in the variable that was named. @throws {InputError} `missing_key` */
function keyed({ apiKeyEnv, ...spec }: ModelSpec, provider: string): ModelSpec {
  if (apiKeyEnv === undefined || spec.apiKey !== undefined) return spec;
  return { ...spec, apiKey: keyFromEnvironment(apiKeyEnv, provider) };
}

/** @throws {InputError} `option_unsupported` for an endpoint that only OpenAI's protocol has; hosts of it see for themselves. */
function refuseEndpoint({ endpoint }: ModelSpec, provider: string): void {
  if (endpoint !== "responses") return;
  throw new InputError(
    "option_unsupported",
    `${provider} has no responses endpoint. Nothing was sent.`,
    { hint: "Leave out endpoint, or name a model of another provider." },
  );
}

async function openOllama(spec: ModelSpec): Promise<BatchProvider> {
  const { baseUrl, apiKey, model } = spec;
  refuseOptions(spec, "ollama", ["settleMs", "endpoint"]);
  const { ollamaProvider } = await import("./ollama.ts");
  return ollamaProvider({
    model,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...pacingOf(spec),
  });
}

async function openGguf(spec: ModelSpec): Promise<BatchProvider> {
  refuseOptions(spec, "gguf", [
    "baseUrl",
    "apiKey",
    "settleMs",
    "endpoint",
    "requestsPerMinute",
    "tokensPerMinute",
    "requestTimeoutMs",
  ]);
  const { ggufProvider } = await import("./gguf.ts");
  const { concurrency } = pacingOf(spec);
  return await ggufProvider(spec.model, concurrency === undefined ? {} : { concurrency });
}

/** @throws {InputError} `option_unsupported`: taken in silence an option would seem to do something. */
function refuseOptions(
  spec: ModelSpec,
  provider: string,
  names: readonly (keyof ModelSpec)[],
): void {
  const ignored = names.find((name) => spec[name] !== undefined);
  if (ignored === undefined) return;
  throw new InputError(
    "option_unsupported",
    `${provider} has no use for ${ignored}. Nothing was sent.`,
    { hint: `Leave out ${ignored}, or name the model of the provider that is meant.` },
  );
}

/** @throws {InputError} `provider_unsupported`, always: where its batches leave their answers is not documented. */
function refuseFireworks({ model }: ModelSpec): Promise<BatchProvider> {
  const error = new InputError(
    "provider_unsupported",
    "Fireworks describes how its batch jobs are made, and not where they leave answers and failures, so rows could not be accounted for. Nothing was sent.",
    {
      hint: `Its models can be asked request by request: name compatible/${model} with --base-url https://api.fireworks.ai/inference/v1 and the key in COMPATIBLE_API_KEY.`,
    },
  );
  return Promise.reject(error);
}

async function openAnthropic(spec: ModelSpec): Promise<BatchProvider> {
  const { anthropicBaseUrl, anthropicProvider } = await import("./anthropic.ts");
  const apiKey = spec.apiKey ?? keyFromEnvironment("ANTHROPIC_API_KEY", "anthropic");
  return anthropicProvider({
    apiKey,
    baseUrl: anthropicBaseUrl(spec.baseUrl),
    pacing: pacingOf(spec),
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}

async function openGoogle(spec: ModelSpec): Promise<BatchProvider> {
  const { googleBaseUrl, googleKey, googleProvider } = await import("./google.ts");
  return googleProvider({
    apiKey: spec.apiKey ?? googleKey(),
    baseUrl: googleBaseUrl(spec.baseUrl),
    model: spec.model,
    pacing: pacingOf(spec),
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}

async function openVertex(spec: ModelSpec): Promise<BatchProvider> {
  const { openVertexProvider } = await import("./open-vertex.ts");
  return openVertexProvider(spec);
}

async function openEmbedded(spec: ModelSpec): Promise<BatchProvider> {
  if (!EMBEDDED_MODELS.some((model) => model === spec.model))
    throw new InputError(
      "unknown_model",
      `There is no embedded model named ${JSON.stringify(spec.model)}. Nothing was sent.`,
      { hint: didYouMean(spec.model, EMBEDDED_MODELS) },
    );
  // Taken in silence they would seem to do something.
  const ignored = (["baseUrl", "settleMs", "apiKey", "endpoint"] as const).find(
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
  refusePacing(spec, "embedded");
  const { embeddedProvider } = await import("./embedded.ts");
  return embeddedProvider();
}
