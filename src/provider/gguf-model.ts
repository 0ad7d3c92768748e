/** A GGUF model in this process: answers the bodies of chat completions and embeddings requests. */

import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { InputError } from "../core/errors.ts";
import {
  loadLlamaPackage,
  type Llama,
  type LlamaChat,
  type LlamaEmbedder,
  type LlamaGrammar,
  type LlamaModel,
  type LlamaPackage,
  type LlamaSequence,
} from "./gguf-package.ts";
import { embeddingReply, generatingOf, chatReply, turnsOf, type Counted } from "./gguf-bodies.ts";
import { grammarSchema } from "./gguf-grammar.ts";
import { schemaAsked } from "./live-structure.ts";
import { invalidRequest, type Answered, type LiveRequest } from "./live-replies.ts";

/** How the model is run. */
export interface GgufSettings {
  /** How many requests it works on at once. */
  readonly concurrency: number;
  /** `false` for the processor alone, else what node-llama-cpp calls the card: `auto`, `metal`, `cuda` or `vulkan`. */
  readonly gpu: string | false;
  readonly threads: number;
  /** The most tokens of a prompt and its answer together; the model's own limit holds as well. */
  readonly contextTokens: number;
}

/** A loaded model. */
export interface GgufModel {
  /** The answer to one request; null when `signal` was aborted first. */
  answer(request: LiveRequest, signal: AbortSignal): Promise<Answered | null>;
  close(): Promise<void>;
}

/**
 * The threads a model gets unless told otherwise: one fewer than there are cores, and a single one in
 * CI. Measured on two busy cores: 7 to 11 ms a prompt with one thread, 365 to 1,221 ms with two.
 */
export function usualThreads(): number {
  return process.env["CI"] === undefined ? Math.max(1, availableParallelism() - 1) : 1;
}

/**
 * Checks that a model could be loaded: its file is there and is GGUF, and the package that runs it is
 * installed. Loads no model.
 *
 * @throws {InputError} `model_file_unreadable`, `package_missing`.
 */
export async function checkGguf(path: string): Promise<void> {
  const magic = await firstBytes(path).catch((error: unknown) => String(error));
  if (magic !== "GGUF")
    throw new InputError(
      "model_file_unreadable",
      `${path} cannot be used as a GGUF model: ${magic.startsWith("Error") ? magic : "it is a file of another kind"}. Nothing was asked.`,
      { hint: "Write the path of a .gguf file behind gguf:, as in gguf:/models/qwen3-4b.gguf." },
    );
  await loadLlamaPackage();
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(4);
    await file.read(bytes, 0, bytes.length, 0);
    return bytes.toString("latin1");
  } finally {
    await file.close();
  }
}

/**
 * Loads a model; nothing is downloaded or compiled. It computes on threads of its own.
 *
 * Prompts of more tokens than the context holds are refused and never shortened. Answers are greedy
 * unless a request sets a temperature. Requests that begin alike share what was computed for the
 * beginning.
 *
 * @throws {InputError} `model_unusable` in the package's words, such as that memory does not suffice.
 */
export async function loadGguf(path: string, settings: GgufSettings): Promise<GgufModel> {
  const llamaPackage = await loadLlamaPackage();
  const { gpu, threads } = settings;
  const llama = await llamaPackage
    .getLlama({ build: "never", skipDownload: true, gpu, logLevel: "error", maxThreads: threads })
    .catch((cause: unknown) => unusable(path, cause));
  try {
    const model = await llama.loadModel({ modelPath: path });
    return loaded({ llamaPackage, llama, model, name: basename(path), settings });
  } catch (cause) {
    await llama.dispose();
    return unusable(path, cause);
  }
}

function unusable(path: string, cause: unknown): never {
  throw new InputError("model_unusable", `${path} cannot be run: ${reasonOf(cause)}`, {
    hint: "Try a smaller model, a smaller BATCHFRAME_GGUF_CONTEXT, or another BATCHFRAME_GGUF_GPU.",
    cause,
  });
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

interface Parts {
  readonly llamaPackage: LlamaPackage;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly name: string;
  readonly settings: GgufSettings;
}

/** A place where one conversation at a time goes on. */
interface Seat {
  readonly chat: LlamaChat;
  readonly sequence: LlamaSequence;
}

function loaded(parts: Parts): GgufModel {
  const { llama, model, name, settings } = parts;
  const contextTokens = Math.min(settings.contextTokens, model.trainContextSize);
  const grammars = new Map<string, Promise<LlamaGrammar>>();
  let room: Promise<{ readonly seats: Seat[]; readonly contextTokens: number }> | undefined;
  let embedder: Promise<LlamaEmbedder> | undefined;

  const grammarFor = (schema: unknown): Promise<LlamaGrammar> => {
    const key = JSON.stringify(schema);
    const known = grammars.get(key) ?? llama.createGrammarForJsonSchema(grammarSchema(schema));
    grammars.set(key, known);
    return known;
  };
  const chat = async ({ body }: LiveRequest, signal: AbortSignal): Promise<Answered | null> => {
    const turns = turnsOf(body["messages"]);
    if (turns === null) return invalidRequest("The last message must be the user's, in text.");
    room ??= seatsFor(parts, contextTokens);
    const { seats, contextTokens: most } = await room.catch((cause: unknown) =>
      unusable(name, cause),
    );
    const seat = seats.pop();
    if (seat === undefined) throw new Error("More requests at once than the model was loaded for.");
    try {
      const { contextText } = seat.chat.chatWrapper.generateContextState({ chatHistory: turns });
      const promptTokens = contextText.tokenize(model.tokenizer).length;
      if (promptTokens >= most) return tooLong(promptTokens, most);
      const schema = schemaAsked(body);
      const grammar = schema === null ? null : await grammarFor(schema).catch(reasonOf);
      if (typeof grammar === "string") return invalidRequest(`The schema is refused: ${grammar}`);
      const before = seat.sequence.tokenMeter.getState();
      const { response, metadata } = await seat.chat.generateResponse(turns, {
        ...generatingOf(body, most - promptTokens),
        ...(grammar === null ? {} : { grammar }),
        signal,
      });
      const { usedOutputTokens } = seat.sequence.tokenMeter.diff(before);
      const counted: Counted = { promptTokens, completionTokens: usedOutputTokens };
      return chatReply({ name, text: response, stopReason: metadata.stopReason, counted });
    } finally {
      seats.push(seat);
    }
  };
  const embed = async ({ body }: LiveRequest): Promise<Answered> => {
    const text = body["input"];
    if (typeof text !== "string" || text === "")
      return invalidRequest("The input must be one text that is not empty.");
    embedder ??= model.createEmbeddingContext({
      contextSize: contextTokens,
      threads: settings.threads,
    });
    const embedding = await embedder.catch((cause: unknown) => unusable(name, cause));
    const tokens = embedding.calculateInputLength(text);
    if (tokens > contextTokens) return tooLong(tokens, contextTokens);
    const { vector } = await embedding.getEmbeddingFor(text);
    const wanted = body["dimensions"];
    return wanted === undefined || wanted === vector.length
      ? embeddingReply({ name, vector, tokens })
      : invalidRequest(`The model's vectors have ${String(vector.length)} dimensions.`);
  };

  return {
    answer: async (request, signal) => {
      try {
        if (request.path === "/embeddings") return await embed(request);
        return await chat(request, signal);
      } catch (error) {
        if (signal.aborted) return null;
        if (error instanceof InputError) throw error;
        return { status: 500, requestId: null, body: { error: { message: reasonOf(error) } } };
      }
    },
    close: () => llama.dispose(),
  };
}

async function seatsFor(
  { llamaPackage, model, settings }: Parts,
  contextTokens: number,
): Promise<{ readonly seats: Seat[]; readonly contextTokens: number }> {
  const { concurrency, threads } = settings;
  const context = await model.createContext({
    contextSize: { max: contextTokens },
    sequences: concurrency,
    threads,
  });
  const seats = Array.from({ length: concurrency }, () => {
    const sequence = context.getSequence();
    return { sequence, chat: new llamaPackage.LlamaChat({ contextSequence: sequence }) };
  });
  return { seats, contextTokens: context.contextSize };
}

function tooLong(tokens: number, most: number): Answered {
  const message = `The prompt has ${String(tokens)} tokens, and the model is run with room for ${String(most)}, its answer included.`;
  const error = { message, type: "invalid_request_error", code: "context_length_exceeded" };
  return { status: 400, requestId: null, body: { error } };
}
