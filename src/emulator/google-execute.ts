/** The execution of one generateContent request, in a batch or live: answered, spoiled, counted, billed. */
import type { Answer } from "./answer.ts";
import { answerTo } from "./answering.ts";
import { spoiled } from "./content-faults.ts";
import type { Target } from "./fault-state.ts";
import { cachedTokens } from "./google-caches.ts";
import { chatForm } from "./google-chat-form.ts";
import { badRequest, failureOf, type GoogleFailure } from "./google-errors.ts";
import { refusedByModel } from "./google-model-rules.ts";
import { composed } from "./google-reply.ts";
import { malformed, refuses } from "./google-request.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { hexId } from "./fingerprint.ts";
import { after, type Soon } from "./soon.ts";
import { callsOf } from "./tools-asked.ts";
import type { World } from "./world.ts";

/** A request to execute. */
export interface Execution {
  /** Without `models/`. */
  readonly model: string;
  readonly request: JsonObject;
  /** Null for a live call. */
  readonly customId: string | null;
  readonly target: Target;
}

/** How an execution ended: the response, or the failure, for which nothing is billed. */
export type Executed = { readonly response: JsonObject } | { readonly failure: GoogleFailure };

/**
 * Gets the answer to one request and gives what is left to do: to spoil, count and bill it. Neither
 * part throws. The answerer is asked in the form of chat completions.
 */
export function execute(world: World, execution: Execution): Soon<() => Executed> {
  const { model, request, customId, target } = execution;
  const failing = world.faults.strike("failRows", target);
  if (failing !== null) {
    const failure = failureOf(failing.status ?? 500, "The request could not be processed.");
    return () => ({ failure });
  }
  const broken = malformed(request);
  const refused =
    broken === null
      ? (refuses(request, world.settings) ?? refusedByModel(model, request))
      : badRequest(broken);
  if (refused !== null) return () => ({ failure: refused });
  const cache = cachedTokens(world, request);
  if ("failure" in cache) return () => cache;
  const body = chatForm(model, request);
  const asked = { endpoint: `/v1/models/${model}:generateContent`, body, customId };
  const answering = answerTo(world, asked, (message) => ({ error: { message } }));
  const { tokens } = cache;
  return after(answering, (answer) => {
    const { error } = answer;
    if (error !== undefined) {
      return () => ({ failure: failureOf(error.status, messageOf(error.body)) });
    }
    return () => ({ response: finish(world, execution, { answer, body, cachedTokens: tokens }) });
  });
}

interface Answered {
  readonly answer: Answer;
  /** The request as chat completions would put it. */
  readonly body: JsonObject;
  readonly cachedTokens: number;
}

function finish(world: World, execution: Execution, answered: Answered): JsonObject {
  const { model, request, customId, target } = execution;
  const said = spoiled(answered.answer, world.faults, target);
  const { response, usage } = composed(said, {
    request,
    calls: callsOf(said, answered.body),
    cachedTokens: answered.cachedTokens,
    responseId: hexId(world.settings.seed, 22, "execution", ...target.key),
    modelVersion: `${model}${world.faults.current().modelSnapshot ?? ""}`,
    withUsage: world.faults.strike("noUsage", target) === null,
  });
  const { input: promptTokens, output: completionTokens } = usage;
  const cache = {
    read: said.usage?.cachedTokens ?? answered.cachedTokens,
    written: 0,
    writtenHour: 0,
  };
  world.ledger.bill({ customId, body: request, promptTokens, cache, completionTokens });
  return response;
}

/** The words of an answerer's failure. */
export function messageOf(body: unknown): string {
  const error = isJsonObject(body) ? body["error"] : null;
  const message = isJsonObject(error) ? error["message"] : null;
  return typeof message === "string" ? message : "The request could not be processed.";
}
