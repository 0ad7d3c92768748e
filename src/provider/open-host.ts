/** Opens a host of OpenAI's protocol: with batches where it has them, else asked live. */

import { InputError } from "../core/errors.ts";
import { baseUrlFrom } from "./base-url.ts";
import type { HostProfile } from "./host-profile.ts";
import type { TextEndpoint } from "./openai-dialect.ts";
import { pacingOf, type Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { keyFromEnvironment } from "./secrets.ts";

/** What a user says about a host; what is left out comes from the environment or the host's profile. */
export interface HostWishes extends Pacing {
  readonly model: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly endpoint?: TextEndpoint;
  readonly settleMs?: number;
}

/**
 * The provider of a host.
 *
 * A server that is not known to have batches is asked first. One without them is asked request by
 * request, with the batch played by this process.
 *
 * @throws {InputError} `missing_key`, `base_url_missing`, `base_url_invalid`, `option_unsupported`; nothing was sent.
 * @throws {ProviderError} when a server that has to be asked first does not answer.
 */
export async function openHost(profile: HostProfile, wishes: HostWishes): Promise<BatchProvider> {
  const apiKey = wishes.apiKey ?? keyOf(profile);
  const baseUrl = hostBaseUrl(profile, wishes.baseUrl);
  const { endpoint } = wishes;
  const asked = endpoint === undefined ? {} : { endpoint };
  if (profile.probed) {
    const { hasBatches } = await import("./batch-probe.ts");
    const { auth } = profile;
    if (!(await hasBatches({ baseUrl, apiKey, auth, isOpenAi: false }))) {
      const { liveProvider } = await import("./live.ts");
      // The engine in this process reads OpenAI's lines, whatever the host's own batches would be.
      const dialect = { ...profile.dialect, layout: "routed" } as const;
      const { maxBatchesInFlight: atOnce } = profile.limits;
      const bounded = atOnce === null ? {} : { concurrency: atOnce };
      const pacing = { ...bounded, ...pacingOf(wishes) };
      return liveProvider({ id: profile.id, baseUrl, apiKey, dialect, ...asked, ...pacing });
    }
  }
  const { hostProvider } = await import("./openai-host.ts");
  const settle = wishes.settleMs === undefined ? {} : { settleMs: wishes.settleMs };
  const pacing = pacingOf(wishes);
  return hostProvider(profile, {
    apiKey,
    baseUrl,
    model: wishes.model,
    pacing,
    ...asked,
    ...settle,
  });
}

function keyOf({ id, keyVariable, keyNeeded }: HostProfile): string | null {
  if (keyNeeded) return keyFromEnvironment(keyVariable, id);
  const key = process.env[keyVariable]?.trim() ?? "";
  return key === "" ? null : key;
}

/**
 * The address to use: the one given, else the environment's, else the host's own; continued with the
 * host's path where official clients leave that out too.
 *
 * @throws {InputError} `base_url_missing` where there is none, `base_url_invalid`; nothing was sent.
 */
export function hostBaseUrl(profile: HostProfile, given: string | undefined): string {
  const { id, baseUrlVariables, baseUrl, versionPath } = profile;
  const told = baseUrlVariables.map((variable) => process.env[variable]?.trim() ?? "");
  const address = given ?? told.find((text) => text !== "") ?? baseUrl;
  const [variable] = baseUrlVariables;
  const example = id === "azure" ? "https://RESOURCE.openai.azure.com" : "http://127.0.0.1:8000/v1";
  if (address === null)
    throw new InputError(
      "base_url_missing",
      `${id} has no address of its own: every user has another. Nothing was sent.`,
      { hint: `Give it with --base-url or in ${variable}, such as ${example}.` },
    );
  const url = new URL(baseUrlFrom({ given: address, variable, own: address, example }));
  const isWhole = url.search !== "" || /\/v\d+[a-z]*\d*\/?$/.test(url.pathname);
  if (versionPath === null || isWhole) return address;
  return `${address.replace(/\/+$/, "")}${versionPath}`;
}
