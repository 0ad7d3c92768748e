/** Keys come from the environment only, and never leave in a message. */

import { InputError } from "../core/errors.ts";

const SHORTEST_SECRET = 6;

/** The text with every given secret replaced by `[redacted]`, wherever it stands. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets)
    // Something shorter is no key and would black out ordinary words.
    if (secret.length >= SHORTEST_SECRET) clean = clean.replaceAll(secret, "[redacted]");
  return clean;
}

/**
 * The key in an environment variable.
 *
 * @throws {InputError} `missing_key` that names the variable; nothing was sent.
 */
export function keyFromEnvironment(variable: string, provider: string): string {
  const key = process.env[variable]?.trim();
  if (key !== undefined && key !== "") return key;
  throw new InputError(
    "missing_key",
    `${provider} needs a key in the environment variable ${variable}, which is not set. Nothing was sent.`,
    {
      hint: `export ${variable}=… and run the same command again, or use --model embedded/use-lite, which needs no key.`,
    },
  );
}
