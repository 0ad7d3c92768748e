/** Which model is asked. */

import { InputError, type ModelRef, type ModelSpec } from "../index.ts";
import type { EnrichFlags } from "./flags.ts";

/** The environment variable that names a model for every command. */
export const MODEL_VARIABLE = "BATCHFRAME_MODEL";

const FREE_MODEL = "embedded/use-lite";

/** A model, its name, and why it was taken when no flag named it. */
export interface ModelChoice {
  readonly model: ModelRef;
  readonly name: string;
  readonly why: string | null;
}

/**
 * The model the flags name, else the environment, else, where labels are to be chosen, the one inside
 * the package: it costs nothing, needs no key and sends no row anywhere, so it is never a surprise.
 *
 * @throws {InputError} `model_missing`
 */
export function chooseModel(flags: EnrichFlags): ModelChoice {
  if (flags.model !== undefined) return choice(flags.model, null, flags);
  const named = process.env[MODEL_VARIABLE]?.trim() ?? "";
  if (named !== "") return choice(named, `named by ${MODEL_VARIABLE}`, flags);
  if (flags.labels !== undefined)
    return choice(
      FREE_MODEL,
      "the default for labels: free and local; name another with --model",
      flags,
    );
  throw new InputError("model_missing", "No model is named. Nothing was sent.", {
    hint: `Name one with --model or ${MODEL_VARIABLE}, such as openai/gpt-5-mini; with --labels the free model inside the package is enough.`,
  });
}

function choice(name: string, why: string | null, flags: EnrichFlags): ModelChoice {
  return { name, why, model: modelRef(name, flags) };
}

function modelRef(name: string, { baseUrl, settle }: EnrichFlags): ModelRef {
  const slash = name.indexOf("/");
  // A name that is none is passed on as it is, to be refused in the words of the one who knows the names.
  if (slash <= 0 || slash === name.length - 1) return name as Extract<ModelRef, string>;
  const spec: ModelSpec = { provider: name.slice(0, slash), model: name.slice(slash + 1) };
  return {
    ...spec,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(settle === undefined ? {} : { settleMs: settle }),
  };
}
