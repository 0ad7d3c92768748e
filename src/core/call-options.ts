/** Options that are checked and read alike wherever requests are made. */

import type { CallSettings } from "./call-settings.ts";
import { InputError } from "./errors.ts";

const CALL_SETTINGS: readonly (keyof CallSettings)[] = [
  "maxTokens",
  "temperature",
  "topP",
  "seed",
  "stop",
  "reasoning",
  "tools",
  "toolChoice",
];

/**
 * The settings of the call among some options; what was left out stays out, as if it had never been named.
 *
 * @throws {InputError} `option_invalid`
 */
export function callSettings(options: CallSettings): CallSettings {
  checkPositive("maxTokens", options.maxTokens);
  return Object.fromEntries(
    CALL_SETTINGS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

/**
 * Refuses a number that is no whole one above 0; one that was left out is none.
 *
 * @throws {InputError} `option_invalid`
 */
export function checkPositive(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return;
  throw new InputError(
    "option_invalid",
    `${name} must be a whole number above 0; it is ${String(value)}. Nothing was sent.`,
  );
}
