/** Which model is asked. */

import { InputError, resolveModel, type ModelRef } from "../index.ts";
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
 * @throws {InputError} `model_missing`, `unknown_model`, `unknown_provider`
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

/**
 * Another model beside the one chosen. The address, the key and the settling time the flags give are the chosen
 * one's, and hold for the other where both are one provider's.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`
 */
export function otherModel(name: string, chosen: ModelChoice, flags: EnrichFlags): ModelRef {
  const named = resolveModel(name);
  const { baseUrl, apiKeyEnv, settle, endpoint } = flags;
  if (named.provider !== resolveModel(chosen.name).provider) return named;
  return {
    ...named,
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
    ...(settle === undefined ? {} : { settleMs: settle }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}

function choice(name: string, why: string | null, flags: EnrichFlags): ModelChoice {
  return { name, why, model: modelRef(name, flags) };
}

/** @throws {InputError} `unknown_model`, `unknown_provider` */
function modelRef(name: string, flags: EnrichFlags): ModelRef {
  const { baseUrl, apiKeyEnv, settle, endpoint } = flags;
  return {
    ...resolveModel(name),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }),
    ...(settle === undefined ? {} : { settleMs: settle }),
    ...(endpoint === undefined ? {} : { endpoint }),
  };
}
