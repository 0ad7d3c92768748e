/** What a command line leaves open, filled in: from the environment, then from configuration files. */

import { homedir } from "node:os";
import { join } from "node:path";
import {
  findConfig,
  InputError,
  readConfig,
  recipeOf,
  resolveModel,
  type ConfigFile,
  type ConfigSettings,
  type Setting,
} from "../index.ts";
import { loadEnvironment } from "./env-file.ts";
import { MODEL_VARIABLE } from "./model-choice.ts";
import { shortPath } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** The flags of a command whose words have been read. */
export interface OpenFlags {
  /** Every flag of the command, in camel case. */
  readonly names: ReadonlySet<string>;
  /** The flags of all commands. */
  readonly known: readonly string[];
  /** Whether a flag stands in the words, or has been taken. */
  isGiven(name: string): boolean;
  /** Sets a flag as if its value had been written after it; gives the advice of one that does not take it, else null. */
  take(name: string, value: Setting): string | null;
}

/** The flags that say where settings come from. */
export interface SourceFlags {
  readonly config?: string;
  readonly envFile?: string;
  readonly recipe?: string;
}

/**
 * Reads `.env` and the configuration files, and gives the command what its words leave open: the recipe
 * first, then the project's settings, then the user's. Tells by name where something came from.
 *
 * @throws {InputError} `env_file_unreadable`, `config_unreadable`, `config_invalid`, `recipe_unknown`.
 */
export async function fillIn(
  open: OpenFlags,
  flags: SourceFlags,
  terminal: Terminal,
): Promise<void> {
  const loaded = await loadEnvironment(flags.envFile);
  if (loaded !== null) terminal.say(terminal.colours.dim(loaded));
  const files = await configFiles(flags.config, open.known);
  const recipe = flags.recipe === undefined ? null : recipeOf(flags.recipe, files);
  const layers = [...(recipe === null ? [] : [recipe]), ...files];
  const told: string[] = [];
  for (const layer of layers) {
    const taken = take(open, layer, layer === recipe ? terminal : null);
    if (taken.length === 0) continue;
    const place = layer === recipe ? `recipe ${flags.recipe ?? ""}` : shortPath(layer.path);
    told.push(`${place}: ${taken.join(", ")}`);
  }
  if (told.length > 0) terminal.say(terminal.colours.dim(`settings from ${told.join(" · ")}`));
}

/** The files there are: the one that was named, or the project's; then the user's. */
async function configFiles(
  named: string | undefined,
  known: readonly string[],
): Promise<readonly ConfigFile[]> {
  const home = process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  const project =
    named === undefined ? await findConfig(process.cwd(), known) : await readConfig(named, known);
  const own = await findConfig(join(home, "batchframe"), known);
  return [project, own].flatMap((file) => file ?? []);
}

/** Takes those settings that nothing before has set; gives their names. */
function take(
  open: OpenFlags,
  { path, settings }: ConfigFile,
  terminal: Terminal | null,
): readonly string[] {
  const taken: string[] = [];
  refuseBoth(open, path, settings);
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    if (!open.names.has(key)) {
      // A project's settings are for all commands; a recipe was named for this one.
      terminal?.say(`This command has no flag for ${JSON.stringify(key)} of the recipe.`);
      continue;
    }
    if (open.isGiven(key) || isInEnvironment(key, settings)) continue;
    const advice = open.take(key, value);
    if (advice !== null)
      throw new InputError(
        "config_invalid",
        `The value of ${JSON.stringify(key)} in ${shortPath(path)} cannot be taken. Nothing was sent.`,
        { hint: advice },
      );
    taken.push(key);
  }
  return taken;
}

/** Refuses a file that says with two settings when failures stop a run: one of them would be passed over. */
function refuseBoth(open: OpenFlags, path: string, settings: ConfigSettings): void {
  const { failFast, maxFailures } = settings;
  if (failFast !== true || maxFailures === undefined) return;
  const isOpen = ["failFast", "maxFailures"].every(
    (name) => open.names.has(name) && !open.isGiven(name),
  );
  if (!isOpen) return;
  throw new InputError(
    "config_invalid",
    `${shortPath(path)} sets both "failFast" and "maxFailures", and only one of them can hold. Nothing was sent.`,
    { hint: '"failFast" is the same as "maxFailures": 0. Keep one of the two.' },
  );
}

/** Whether the environment says it, which counts more than a file. */
function isInEnvironment(key: string, { model }: ConfigSettings): boolean {
  const isSet = (name: string): boolean => (process.env[name] ?? "").trim() !== "";
  if (key === "model") return isSet(MODEL_VARIABLE);
  if (key !== "baseUrl") return false;
  const name = process.env[MODEL_VARIABLE] ?? model ?? "";
  const provider = name.includes("/") ? resolveModel(name).provider : "openai";
  return isSet(`${provider.toUpperCase()}_BASE_URL`);
}
