/** The `gguf` provider: a language model in a file on this machine, run in this process. */

import { resolve } from "node:path";
import { InputError } from "../core/errors.ts";
import type { Request } from "../core/request.ts";
import { GGUF_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { GGUF_PARAMS } from "./gguf-bodies.ts";
import {
  checkGguf,
  loadGguf,
  usualThreads,
  type GgufModel,
  type GgufSettings,
} from "./gguf-model.ts";
import { invalidRequest, readRequest, replyLine } from "./live-replies.ts";
import { slotsOf } from "./live-servers.ts";
import { localBatches, type LocalAnswerer } from "./local-engine.ts";
import { customIdOf } from "./local-journal.ts";
import type { ChatDialect } from "./openai-dialect.ts";
import { chatLines } from "./openai-lines.ts";
import type { BatchProvider } from "./provider.ts";

/** How the model is run; what is left out comes from the environment, else is as is usual. */
export type GgufOptions = Partial<GgufSettings>;

const GGUF_DIALECT: ChatDialect = {
  provider: "gguf",
  layout: "routed",
  maxTokens: "max_tokens",
  structured: "json_schema",
  schemas: GGUF_SCHEMA_DIALECT,
  settings: new Set(["maxTokens", "temperature", "topP", "seed", "stop"]),
  promptCacheKey: false,
  images: false,
  files: false,
  embeddings: "float",
  responses: false,
};

// Models say they were trained for far more than fits in memory beside them.
const CONTEXT_TOKENS = 8192;

/**
 * The `gguf` provider for the model file at a path. The model is loaded when the first request is
 * asked, and let go when the provider is closed. It costs nothing and nothing leaves the machine.
 *
 * Answers with a schema are held to it by a grammar while they are written. BATCHFRAME_GGUF_GPU,
 * BATCHFRAME_GGUF_THREADS and BATCHFRAME_GGUF_CONTEXT (tokens; 8192) say how it is run: on the
 * processor alone unless told otherwise.
 *
 * @throws {InputError} `model_file_unreadable`, `package_missing`; nothing was asked.
 */
export async function ggufProvider(
  path: string,
  options: GgufOptions = {},
): Promise<BatchProvider> {
  await checkGguf(path);
  const gpu = process.env["BATCHFRAME_GGUF_GPU"]?.trim() ?? "";
  const lines = chatLines(GGUF_DIALECT);
  return {
    ...localBatches(
      answererOf(resolve(path), {
        concurrency: 1,
        gpu: gpu === "" || gpu === "false" ? false : gpu,
        threads: slotsOf(usualThreads(), "BATCHFRAME_GGUF_THREADS"),
        contextTokens: slotsOf(CONTEXT_TOKENS, "BATCHFRAME_GGUF_CONTEXT"),
        ...options,
      }),
    ),
    ...lines,
    encode: (request, customId) => {
      refuseParams(request);
      return lines.encode(request, customId);
    },
    id: "gguf",
    host: "this machine",
    free: true,
    limits: {
      maxRequestsPerBatch: 50_000,
      maxBytesPerBatch: 200_000_000,
      maxBytesPerRequest: 100_000_000,
      maxBatchesInFlight: 1,
    },
    requestsPerChunk: 1000,
  };
}

function refuseParams({ params }: Request): void {
  const unknown = Object.keys(params).find((name) => !GGUF_PARAMS.has(name));
  if (unknown === undefined) return;
  throw new InputError(
    "params_unsupported",
    `A GGUF model has no parameter ${JSON.stringify(unknown)}. Nothing was asked.`,
    { hint: `It takes ${[...GGUF_PARAMS].join(", ")}.` },
  );
}

function answererOf(path: string, settings: GgufSettings): LocalAnswerer {
  let model: Promise<GgufModel> | undefined;
  return {
    groupsAtOnce: settings.concurrency,
    linesAtOnce: () => 1,
    answer: async function* ([line = ""], { cut }) {
      const request = readRequest(line);
      if ("refused" in request) {
        yield [replyLine(customIdOf(line), invalidRequest(request.refused))];
        return;
      }
      const ready = await (model ??= loadGguf(path, settings));
      const answered = await ready.answer(request, cut);
      if (answered !== null) yield [replyLine(request.customId, answered)];
    },
    close: async () => {
      // A model that could not be loaded has said so already, to who asked it.
      const ready = await model?.catch(() => undefined);
      await ready?.close();
    },
  };
}
