/** Gemini's embeddings: what is refused, what comes back, in a batch or live. */
import { answerTo } from "./answering.ts";
import { badRequest, failureOf, type GoogleFailure } from "./google-errors.ts";
import { messageOf, type Executed, type Execution } from "./google-execute.ts";
import { listMember, member, objectMember } from "./google-json.ts";
import { malformedMember } from "./google-members.ts";
import { promptTokens, textOfContent } from "./google-request.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { after, type Soon } from "./soon.ts";
import { unitVector } from "./unit-vector.ts";
import type { World } from "./world.ts";

/** Why `request` is no EmbedContentRequest at all, or null. */
export function malformedEmbed(request: unknown): string | null {
  return malformedMember(request, "EmbedContentRequest", "request");
}

const MAX_DIMENSIONS = 3072;
const TASK_TYPES: ReadonlySet<unknown> = new Set([
  ...["TASK_TYPE_UNSPECIFIED", "RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "SEMANTIC_SIMILARITY"],
  ...["CLASSIFICATION", "CLUSTERING", "QUESTION_ANSWERING", "FACT_VERIFICATION"],
  "CODE_RETRIEVAL_QUERY",
]);

function refusesEmbed(request: JsonObject): GoogleFailure | null {
  const { content } = request;
  const parts = listMember(objectMember(request, "content"), "parts");
  if (content === undefined || parts.length === 0)
    return badRequest("* EmbedContentRequest.content: contents is not specified");
  if (parts.some((part) => !isJsonObject(part) || typeof part["text"] !== "string"))
    return badRequest("The content of an embedding must be text.");
  if (textOfContent(content) === "") return badRequest("The text content is empty.");
  const dimensions = member(request, "outputDimensionality");
  const isLength =
    Number.isInteger(dimensions) && Number(dimensions) >= 1 && Number(dimensions) <= MAX_DIMENSIONS;
  if (dimensions !== undefined && !isLength)
    return badRequest(`output_dimensionality must be between 1 and ${String(MAX_DIMENSIONS)}.`);
  const task = member(request, "taskType");
  return task === undefined || TASK_TYPES.has(task)
    ? null
    : badRequest(`Invalid value at 'task_type': ${JSON.stringify(task)}`);
}

/**
 * Like `execute`, for one vector: gets the answer and gives what is left to do. The answerer is asked
 * in the form of an embeddings request; vectors it does not give follow from the text.
 */
export function executeEmbed(world: World, execution: Execution): Soon<() => Executed> {
  const { model, request, customId, target } = execution;
  const failing = world.faults.strike("failRows", target);
  if (failing !== null) {
    const failure = failureOf(failing.status ?? 500, "The request could not be processed.");
    return () => ({ failure });
  }
  const broken = malformedEmbed(request);
  const refused = broken === null ? refusesEmbed(request) : badRequest(broken);
  if (refused !== null) return () => ({ failure: refused });
  const input = textOfContent(request["content"]);
  const wanted = member(request, "outputDimensionality");
  const dimensions = typeof wanted === "number" ? wanted : world.settings.embeddingDimensions;
  const body = { model, input, ...(wanted === undefined ? {} : { dimensions }) };
  const asked = { endpoint: `/v1/models/${model}:embedContent`, body, customId };
  const answering = answerTo(world, asked, (message) => ({ error: { message } }));
  return after(answering, (answer) => {
    const { error } = answer;
    if (error !== undefined)
      return () => ({ failure: failureOf(error.status, messageOf(error.body)) });
    return () => {
      const tokens = answer.usage?.promptTokens ?? promptTokens(request);
      const cache = { read: 0, written: 0, writtenHour: 0 };
      const used = { promptTokens: tokens, cache, completionTokens: 0 };
      world.ledger.bill({ customId, body: request, ...used });
      const values = Array.from(answer.embeddings?.[0] ?? unitVector(input, dimensions));
      const withUsage = world.faults.strike("noUsage", target) === null;
      return {
        response: { embedding: { values }, ...(withUsage ? { tokenCount: String(tokens) } : {}) },
      };
    };
  });
}
