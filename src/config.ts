/** The configuration file: settings that every command takes as if they had been given as flags. */

import { existsSync } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { basename, extname, resolve as absolute } from "node:path";
import { pathToFileURL } from "node:url";
import { InputError } from "./core/errors.ts";
import { didYouMean } from "./core/suggest.ts";

/** What a setting may be: as after its flag, or, for labels, schemas and repeatable flags, a list or an object. */
export type Setting =
  string | number | boolean | readonly string[] | Readonly<Record<string, unknown>>;

/** Settings by the flag's name in camel case: `chunkRows` for `--chunk-rows`, `cache: false` for `--no-cache`. */
export interface ConfigSettings {
  /** `provider/model`. */
  readonly model?: string;
  readonly baseUrl?: string;
  readonly prompt?: string;
  readonly system?: string;
  readonly column?: string;
  readonly text?: string;
  /** A list, or each label with its description. */
  readonly labels?: string | readonly string[] | Readonly<Record<string, string>>;
  /** A short form, or a JSON Schema. */
  readonly schema?: string | Readonly<Record<string, unknown>>;
  readonly limit?: number;
  readonly meta?: string | readonly string[];
  readonly runDir?: string;
  readonly cacheFile?: string;
  readonly [flag: string]: Setting | undefined;
}

/** A configuration: settings for every command that has such a flag, and recipes by name. */
export interface BatchframeConfig {
  /** Settings that are taken together, where `--recipe` names them; before the others. */
  readonly recipes?: Readonly<Record<string, ConfigSettings>>;
  readonly [flag: string]: Setting | Readonly<Record<string, ConfigSettings>> | undefined;
}

/** A configuration and the file it stands in. */
export interface ConfigFile {
  /** As it was found or named. */
  readonly path: string;
  readonly settings: ConfigSettings;
  readonly recipes: Readonly<Record<string, ConfigSettings>>;
}

/**
 * The configuration as it is given, with its types checked where it is written:
 * `export default defineConfig({ … })` in `batchframe.config.ts`.
 */
export function defineConfig<const C extends BatchframeConfig & ConfigSettings>(config: C): C {
  return config;
}

const NAMES = ["batchframe.config.ts", "batchframe.config.json"] as const;

/**
 * The configuration that stands in a directory; null where there is none.
 *
 * A `.ts` file is run as it is loaded: it belongs to whoever may write into the directory.
 *
 * @throws {InputError} `config_invalid` for two of them, and what {@link readConfig} throws.
 */
export async function findConfig(
  directory: string,
  known?: readonly string[],
): Promise<ConfigFile | null> {
  const found = NAMES.map((name) => absolute(directory, name)).filter((path) => existsSync(path));
  const [path, other] = found;
  if (path === undefined) return null;
  if (other !== undefined)
    throw new InputError(
      "config_invalid",
      `${directory} has both ${NAMES.join(" and ")}. Nothing was sent.`,
      { hint: "Keep one of them." },
    );
  return await readConfig(path, known);
}

/**
 * The configuration in a file: the default export of a `.ts`, `.mts`, `.js` or `.mjs` module, or a JSON
 * object. With `known`, every setting must be one of these names.
 *
 * @throws {InputError} `config_unreadable` or `config_invalid`; nothing was sent.
 */
export async function readConfig(path: string, known?: readonly string[]): Promise<ConfigFile> {
  await access(path).catch((cause: unknown) => {
    throw new InputError(
      "config_unreadable",
      `There is no configuration file ${path}. Nothing was sent.`,
      {
        hint: "Check the path; a relative path counts from the folder the command runs in.",
        cause,
      },
    );
  });
  const value = extname(path) === ".json" ? await fromJson(path) : await fromModule(path);
  if (!isObject(value))
    throw invalid(path, "holds no object", "Write: export default defineConfig({ … })");
  const { recipes = {}, ...settings } = value;
  if (!isObject(recipes)) throw invalid(path, "has recipes that are no object of settings by name");
  for (const [name, recipe] of Object.entries(recipes))
    if (!isObject(recipe))
      throw invalid(path, `has a recipe ${JSON.stringify(name)} without settings`);
  for (const key of [settings, ...Object.values(recipes)].flatMap(namesOf))
    if (known?.includes(key) === false)
      throw invalid(
        path,
        `has a setting ${JSON.stringify(key)}, which there is not`,
        didYouMean(key, known),
      );
  return {
    path,
    settings: settings as ConfigSettings,
    recipes: recipes as Readonly<Record<string, ConfigSettings>>,
  };
}

/**
 * The settings of a recipe; the first file that has it counts.
 *
 * @throws {InputError} `recipe_unknown`, with near misses; nothing was sent.
 */
export function recipeOf(name: string, files: readonly ConfigFile[]): ConfigFile {
  const file = files.find(({ recipes }) => Object.hasOwn(recipes, name));
  const settings = file?.recipes[name];
  if (file !== undefined && settings !== undefined) return { ...file, settings };
  const known = files.flatMap(({ recipes }) => Object.keys(recipes));
  throw new InputError(
    "recipe_unknown",
    `There is no recipe ${JSON.stringify(name)}. Nothing was sent.`,
    {
      hint:
        files.length === 0
          ? `There is no ${NAMES[0]} here.`
          : didYouMean(name, known) ||
            `${files.map(({ path }) => path).join(" and ")} has no recipes.`,
    },
  );
}

async function fromJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function fromModule(path: string): Promise<unknown> {
  const module = await import(pathToFileURL(absolute(path)).href).then(
    (exports: unknown) => exports as Readonly<Record<string, unknown>>,
    (cause: unknown) => {
      throw unreadable(path, cause);
    },
  );
  return module["default"];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function namesOf(settings: unknown): readonly string[] {
  return isObject(settings) ? Object.keys(settings) : [];
}

function unreadable(path: string, cause: unknown): InputError {
  const why = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
  return new InputError(
    "config_unreadable",
    `The configuration ${path} cannot be loaded: ${why ?? ""}. Nothing was sent.`,
    { hint: unreadableHint(path, why ?? ""), cause },
  );
}

function unreadableHint(path: string, why: string): string {
  if (extname(path) === ".json") return "It must hold one JSON object of settings.";
  return why.includes("'batchframe'")
    ? "Install the package beside it, npm install batchframe; or export a plain object, without defineConfig."
    : `A module must run by itself, as node ${basename(path)} does.`;
}

function invalid(path: string, what: string, hint = ""): InputError {
  return new InputError("config_invalid", `The configuration ${path} ${what}. Nothing was sent.`, {
    ...(hint === "" ? {} : { hint }),
  });
}
