/** What a request endpoint of OpenAI's API has to be able to do, in batches and live. */
import type { Answer } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import type { OpenAiFailure } from "./openai-errors.ts";
import type { Settings } from "./settings.ts";

/** Tokens of one executed request, in the words of a batch's usage. */
export interface RequestUsage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly reasoning: number;
}

/** What a composed body should carry besides the answer. */
export interface ComposeContext {
  readonly settings: Settings;
  readonly body: JsonObject;
  /** The body as chat completions would put it: {@link OpenAiEndpoint.chatForm} of it. */
  readonly form: JsonObject;
  /** How many prompt tokens come from the cache. */
  readonly cached: number;
  /** 32 hexadecimal digits that name this execution. */
  readonly id: string;
  readonly createdS: number;
  /** The model's name as it is reported. */
  readonly model: string;
  readonly withUsage: boolean;
}

/** A response body and what it cost. */
export interface Composed {
  readonly body: JsonObject;
  readonly usage: RequestUsage;
}

/** One endpoint, such as chat completions. */
export interface OpenAiEndpoint {
  /** As a batch names it, such as `/v1/chat/completions`. */
  readonly url: string;
  /** How many embedding inputs a body holds; 0 for other endpoints. */
  readonly inputCount: (body: JsonObject) => number;
  readonly promptTokens: (body: JsonObject) => number;
  /** The body of a chat completions request that asks the same, which answerers read; other bodies as they are. */
  readonly chatForm: (body: JsonObject) => JsonObject;
  /** Why the provider would refuse to execute this body, or null. */
  readonly refuses: (body: JsonObject, settings: Settings) => OpenAiFailure | null;
  /** Whether answers are text, which content faults can spoil. */
  readonly textual: boolean;
  readonly compose: (answer: Answer, context: ComposeContext) => Composed;
}
