/** Embeddings: what is refused, what is counted, what comes back. */
import type { Answer } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import type { Composed, ComposeContext, OpenAiEndpoint } from "./openai-endpoint.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { tokensOf } from "./tokens.ts";
import { base64OfFloats, unitVector } from "./unit-vector.ts";

const MAX_INPUTS = 2048;
const MAX_INPUT_TOKENS = 8192;
const MAX_REQUEST_TOKENS = 300_000;

/** `/v1/embeddings`. */
export const embeddingsEndpoint: OpenAiEndpoint = {
  url: "/v1/embeddings",
  inputCount: (body) => inputsOf(body).length,
  promptTokens: (body) =>
    inputsOf(body).reduce<number>((sum, input) => sum + inputTokens(input), 0),
  chatForm: (body) => body,
  refuses,
  textual: false,
  compose,
};

/** The inputs of one request: texts, or token lists, one or many. */
function inputsOf(body: JsonObject): readonly unknown[] {
  const input = body["input"];
  if (!Array.isArray(input)) return input === undefined ? [] : [input];
  return input.every((item) => typeof item === "number") && input.length > 0 ? [input] : input;
}

function inputTokens(input: unknown): number {
  if (Array.isArray(input)) return input.length;
  return typeof input === "string" ? tokensOf(input) : 0;
}

function refuses(body: JsonObject): OpenAiFailure | null {
  const inputs = inputsOf(body);
  if (body["input"] === undefined) {
    const message = "Missing required parameter: 'input'.";
    return badRequest(message, "input", "missing_required_parameter");
  }
  if (inputs.length === 0 || inputs.some((input) => inputTokens(input) === 0)) {
    return badRequest("'$.input' is invalid. Please check the API reference.", "input");
  }
  if (inputs.length > MAX_INPUTS) {
    return badRequest(`'$.input' has more than ${String(MAX_INPUTS)} members.`, "input");
  }
  const most = Math.max(...inputs.map(inputTokens));
  const total = inputs.reduce<number>((sum, input) => sum + inputTokens(input), 0);
  if (most > MAX_INPUT_TOKENS || total > MAX_REQUEST_TOKENS) {
    const message = `This model's maximum context length is ${String(MAX_INPUT_TOKENS)} tokens, however you requested ${String(most)} tokens. Please reduce your prompt.`;
    return badRequest(message, "input", "context_length_exceeded");
  }
  return refusesForm(body);
}

function dimensionsAsked(body: JsonObject): number | null {
  // Mistral has another name for it.
  const wanted = body["dimensions"] ?? body["output_dimension"];
  return typeof wanted === "number" ? wanted : null;
}

function refusesForm(body: JsonObject): OpenAiFailure | null {
  const { encoding_format: format = "float" } = body;
  if (format !== "float" && format !== "base64") {
    const message = `Invalid value: '${String(format)}'. Supported values are: 'float' and 'base64'.`;
    return badRequest(message, "encoding_format", "invalid_value");
  }
  const dimensions = dimensionsAsked(body) ?? 1;
  if (Number.isInteger(dimensions) && dimensions >= 1) return null;
  const message = `Invalid value for 'dimensions': ${String(dimensions)} is not a whole number above 0.`;
  return badRequest(message, "dimensions", "integer_below_min_value");
}

function compose(answer: Answer, context: ComposeContext): Composed {
  const inputs = inputsOf(context.body);
  const dimensions = dimensionsAsked(context.body) ?? context.settings.embeddingDimensions;
  const base64 = context.body["encoding_format"] === "base64";
  const data = inputs.map((input, index) => {
    const text = typeof input === "string" ? input : JSON.stringify(input);
    const vector = answer.embeddings?.[index] ?? unitVector(text, dimensions);
    const embedding = base64 ? base64OfFloats(vector) : Array.from(vector);
    return { object: "embedding", index, embedding };
  });
  const counted = inputs.reduce<number>((sum, input) => sum + inputTokens(input), 0);
  const tokens = answer.usage?.promptTokens ?? counted;
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  const body = {
    object: "list",
    data,
    model: context.model,
    ...(context.withUsage ? { usage } : {}),
  };
  return { body, usage: { input: tokens, cached: 0, output: 0, reasoning: 0 } };
}
