/** The execution of one request, in a batch or live: answered, spoiled, counted, billed. */
import type { Answer } from "./answer.ts";
import { answerTo } from "./answering.ts";
import { spoiled } from "./content-faults.ts";
import type { Target } from "./fault-state.ts";
import type { JsonObject } from "./json.ts";
import { chatEndpoint } from "./openai-chat.ts";
import { embeddingsEndpoint } from "./openai-embeddings.ts";
import type { OpenAiEndpoint, RequestUsage } from "./openai-endpoint.ts";
import { badRequest, failureOfStatus, type OpenAiFailure } from "./openai-errors.ts";
import { cachedTokens } from "./openai-prompt-cache.ts";
import { responsesEndpoint } from "./openai-responses.ts";
import { hexId } from "./fingerprint.ts";
import { after, type Soon } from "./soon.ts";
import type { World } from "./world.ts";

/** The endpoints this emulator executes. */
export const ENDPOINTS: readonly OpenAiEndpoint[] = [
  chatEndpoint,
  responsesEndpoint,
  embeddingsEndpoint,
];

/** A request to execute. */
export interface Execution {
  readonly endpoint: OpenAiEndpoint;
  readonly body: JsonObject;
  /** Null for a live call. */
  readonly customId: string | null;
  readonly target: Target;
}

/** How an execution ended; `usage` is null when it failed and nothing was billed. */
export interface Executed {
  readonly status: number;
  readonly body: unknown;
  readonly usage: RequestUsage | null;
}

/**
 * Gets the answer to one request and gives what is left to do: to spoil, count and bill it.
 *
 * The answers of many requests may come in any order; finishing them in the order of the rows keeps
 * faults that strike a number of times the same from run to run. Neither part throws; the request
 * is billed when it is finished, unless it failed.
 */
export function execute(world: World, execution: Execution): Soon<() => Executed> {
  const { endpoint, body, target } = execution;
  const failing = world.faults.strike("failRows", target);
  if (failing !== null) return () => failed(failureOfStatus(failing.status ?? 500));
  const refused = endpoint.refuses(body, world.settings) ?? unknownModel(world, body["model"]);
  if (refused !== null) return () => failed(refused);
  const form = endpoint.chatForm(body);
  const { customId } = execution;
  const answering = answerTo(
    world,
    { endpoint: endpoint.url, body: form, customId },
    answererFailed,
  );
  return after(answering, (answer) => {
    const { error } = answer;
    if (error !== undefined) return () => ({ ...error, usage: null });
    return () => finish(world, execution, { answer, form });
  });
}

function answererFailed(message: string): unknown {
  return { error: failureOfStatus(500, message).error };
}

interface Answered {
  readonly answer: Answer;
  /** The request as chat completions would put it. */
  readonly form: JsonObject;
}

function finish(world: World, execution: Execution, { answer, form }: Answered): Executed {
  const { endpoint, body, customId, target } = execution;
  const said = endpoint.textual ? spoiled(answer, world.faults, target) : answer;
  const composed = endpoint.compose(said, {
    settings: world.settings,
    body,
    form,
    cached: endpoint.textual ? cachedTokens(world, form) : 0,
    id: hexId(world.settings.seed, 32, "execution", ...target.key),
    createdS: Math.floor(world.nowMs() / 1000),
    model: reportedModel(world, body["model"]),
    withUsage: world.faults.strike("noUsage", target) === null,
  });
  const { input, cached, output } = composed.usage;
  const cache = { read: cached, written: 0, writtenHour: 0 };
  world.ledger.bill({ customId, body, promptTokens: input, cache, completionTokens: output });
  return { status: 200, body: composed.body, usage: composed.usage };
}

/** The name under which answers report `model`. */
export function reportedModel(world: World, model: unknown): string {
  return `${String(model)}${world.faults.current().modelSnapshot ?? ""}`;
}

/** A 404 when `model` is not among the models that exist, a 400 when it is no name, else null. */
export function unknownModel(world: World, model: unknown): OpenAiFailure | null {
  if (typeof model !== "string" || model === "") {
    return badRequest("you must provide a model parameter", "model");
  }
  if (world.settings.models?.includes(model) ?? true) return null;
  const message = `The model \`${model}\` does not exist or you do not have access to it.`;
  const error = { message, type: "invalid_request_error", param: null, code: "model_not_found" };
  return { status: 404, error };
}

function failed(failure: OpenAiFailure): Executed {
  return { status: failure.status, body: { error: failure.error }, usage: null };
}
