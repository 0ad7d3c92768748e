/** The main thread's end of the embedding worker: starts it, queues texts to it, stops it. */

import { Worker } from "node:worker_threads";

import { ProviderError } from "../../core/errors.ts";
import { EMBEDDING_SIZE } from "./encoder.ts";
import type { WorkerReply, WorkerRequest } from "./worker.ts";

/** Texts sent to the worker in one message; concurrent callers take turns message by message. */
const TEXTS_PER_MESSAGE = 32;

interface Waiting {
  readonly resolve: (vectors: Float32Array) => void;
  readonly reject: (reason: ProviderError) => void;
}

/** A running worker. */
export interface WorkerClient {
  /** One unit vector of 512 floats for each text, in order. */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
  /** Stops the worker; texts still waiting are refused. Calling it again does nothing. */
  close(): Promise<void>;
}

const FREE = "The embedded model costs nothing; no money was spent.";

const stopped = (why: string): ProviderError =>
  new ProviderError("embedded_stopped", `The embedded model stopped: ${why}. ${FREE}`, {
    hint: "Open the model again and repeat the call.",
    retryable: true,
  });

const unreadable = (why: string): ProviderError =>
  new ProviderError(
    "embedded_model_unreadable",
    `The embedded model did not load: ${why}. ${FREE}`,
    {
      hint: "Reinstall batchframe; its package holds the model under models/use-lite.",
    },
  );

// The worker is a file of its own kind: .ts beside sources, .js beside compiled files.
function workerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./worker.${extension}`, import.meta.url);
}

/** Requests under way, by id; the worker keeps the process alive only while there are any. */
function openQueue(worker: Worker) {
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  const take = (id: number): Waiting | undefined => {
    const entry = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    return entry;
  };
  return {
    ask(texts: readonly string[]): Promise<Float32Array> {
      const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
      const request: WorkerRequest = { id: nextId, texts };
      nextId += 1;
      waiting.set(request.id, { resolve, reject });
      worker.ref();
      worker.postMessage(request);
      return promise;
    },
    receive(reply: WorkerReply): void {
      if (reply.kind === "vectors") take(reply.id)?.resolve(reply.vectors);
      if (reply.kind === "failed") take(reply.id)?.reject(stopped(reply.reason));
    },
    refuseAll(reason: ProviderError): void {
      for (const id of [...waiting.keys()]) take(id)?.reject(reason);
    },
  };
}

function cutVectors(block: Float32Array, count: number): Float32Array[] {
  // Copies, so that keeping one vector does not keep its whole block in memory.
  return Array.from({ length: count }, (_, at) =>
    block.slice(at * EMBEDDING_SIZE, (at + 1) * EMBEDDING_SIZE),
  );
}

/**
 * Starts the worker and waits until it holds the model. Throws `ProviderError` with code
 * `embedded_model_unreadable` when the model's files are missing or damaged.
 */
export async function startWorker(): Promise<WorkerClient> {
  const worker = new Worker(workerUrl(), { name: "batchframe use-lite" });
  const queue = openQueue(worker);
  const ready = Promise.withResolvers<undefined>();
  let end: ProviderError | undefined;
  const fail = (reason: ProviderError): void => {
    end ??= reason;
    ready.reject(end);
    queue.refuseAll(end);
  };
  worker.on("message", (reply: WorkerReply) => {
    if (reply.kind === "ready") ready.resolve(undefined);
    else if (reply.kind === "broken") fail(unreadable(reply.reason));
    else queue.receive(reply);
  });
  worker.on("error", (error) => {
    fail(stopped(error instanceof Error ? error.message : String(error)));
  });
  worker.on("exit", (code) => {
    fail(stopped(`its thread ended with code ${code}`));
  });
  const close = async (): Promise<void> => {
    end ??= stopped("it was closed");
    await worker.terminate();
  };
  try {
    await ready.promise;
  } catch (error) {
    await close();
    throw error;
  }
  worker.unref();
  return {
    async embed(texts) {
      if (end !== undefined) throw end;
      const parts: Promise<Float32Array[]>[] = [];
      for (let at = 0; at < texts.length; at += TEXTS_PER_MESSAGE) {
        const some = texts.slice(at, at + TEXTS_PER_MESSAGE);
        parts.push(queue.ask(some).then((block) => cutVectors(block, some.length)));
      }
      return (await Promise.all(parts)).flat();
    },
    close,
  };
}
