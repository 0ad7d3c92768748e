/** Where a provider is reached: as told, as the environment says, or at its own address. */

import { InputError } from "../core/errors.ts";

/** The places an address may come from, and what one looks like. */
export interface BaseUrlSources {
  readonly given: string | undefined;
  /** The environment variable that may hold one. */
  readonly variable: string;
  /** The provider's own. */
  readonly own: string;
  /** One as a user might write it, for the hint. */
  readonly example: string;
}

/**
 * The address to use: the one given, else the environment's, else the provider's own.
 *
 * @throws {InputError} `base_url_invalid`; nothing was sent.
 */
export function baseUrlFrom({ given, variable, own, example }: BaseUrlSources): string {
  const fromEnvironment = process.env[variable]?.trim() ?? "";
  const url = given ?? (fromEnvironment === "" ? own : fromEnvironment);
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new InputError(
    "base_url_invalid",
    `The base URL ${JSON.stringify(url)} is not an http or https address. Nothing was sent.`,
    { hint: `Give one like ${example} with --base-url.` },
  );
}
