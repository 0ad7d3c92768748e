/** How hard a server is asked live: what a user may say about it. */

import { InputError } from "../core/errors.ts";

/** Bounds of requests asked one by one; each is left out for what is usual. Batches know nothing of them. */
export interface Pacing {
  /** The most requests under way at once. */
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  /** Tokens of prompts and answers together, a minute. */
  readonly tokensPerMinute?: number;
  /** The most time one answer may take, in milliseconds. */
  readonly requestTimeoutMs?: number;
}

const NAMES = [
  "concurrency",
  "requestsPerMinute",
  "tokensPerMinute",
  "requestTimeoutMs",
] as const satisfies readonly (keyof Pacing)[];

/**
 * The bounds that were given, and nothing else.
 *
 * @throws {InputError} `option_invalid` for one that is no whole number above 0; nothing was sent.
 */
export function pacingOf(given: Pacing): Pacing {
  const told = NAMES.filter((name) => given[name] !== undefined);
  for (const name of told) {
    const value = given[name] ?? 0;
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new InputError(
      "option_invalid",
      `${name} is ${String(value)}; it must be a whole number above 0. Nothing was sent.`,
      { hint: `Give another, or leave out ${name}.` },
    );
  }
  return Object.fromEntries(told.map((name) => [name, given[name]]));
}

/**
 * Refuses bounds where there are no live requests that they could hold.
 *
 * @throws {InputError} `option_unsupported`, naming the first that was given; nothing was sent.
 */
export function refusePacing(given: Pacing, who: string): void {
  const name = NAMES.find((one) => given[one] !== undefined);
  if (name === undefined) return;
  throw new InputError(
    "option_unsupported",
    `${name} is a bound of requests asked one by one, and ${who} asks none so. Nothing was sent.`,
    { hint: `Leave out ${name}.` },
  );
}
