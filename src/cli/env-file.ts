/** Variables from a `.env` file, told of by their names alone. */

import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { InputError } from "../index.ts";

const USUAL = ".env";
const MOST_NAMED = 8;

/**
 * Puts the variables of a file into the environment, those that are set there already left alone; gives
 * a sentence with the names of those it put, null where there were none.
 *
 * Without a file's name that is `.env` in the working directory, which need not exist.
 *
 * @throws {InputError} `env_file_unreadable`
 */
export async function loadEnvironment(named: string | undefined): Promise<string | null> {
  const path = named ?? USUAL;
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (named === undefined && (code === "ENOENT" || code === "EISDIR")) return null;
    throw new InputError(
      "env_file_unreadable",
      `The file of variables ${JSON.stringify(path)} cannot be read: ${code}. Nothing was sent.`,
      { hint: "Check the path, or leave --env-file out.", cause },
    );
  });
  if (text === null) return null;
  const put: string[] = [];
  for (const [name, value] of Object.entries(parseEnv(text))) {
    if (value === undefined || process.env[name] !== undefined) continue;
    process.env[name] = value;
    put.push(name);
  }
  if (put.length === 0) return null;
  const more = put.length > MOST_NAMED ? `, and ${String(put.length - MOST_NAMED)} more` : "";
  return `from ${path}: ${put.slice(0, MOST_NAMED).join(", ")}${more}`;
}
