/** The model that comes inside the package: sentence embeddings on this machine, no key, no network. */

import { readFile } from "node:fs/promises";

import { ProviderError } from "../../core/errors.ts";
import { buildAnswerer, promptsOf } from "./answer.ts";
import type { TrainedHead } from "./answer.ts";
import type { EmbeddedAnswer, EmbeddedField } from "./field.ts";
import { startWorker } from "./worker-client.ts";

/** A loaded model. It owns a thread until closed, which does not keep an idle process alive. */
export interface UseLite extends AsyncDisposable {
  /**
   * One unit vector of 512 floats for each text, in order; the same text gives the same bits
   * whatever it is sent beside. Of each text 128 tokens count, about 100 English words; the rest is
   * ignored. Rejects with `ProviderError` code `embedded_stopped` once closed.
   */
  embed(texts: readonly string[]): Promise<Float32Array[]>;
  /** The field filled in for each text, in order. Rejects as `embed` does. */
  classify(texts: readonly string[], field: EmbeddedField): Promise<EmbeddedAnswer[]>;
  /** Ends the thread; calls under way are rejected. Calling it again does nothing. */
  close(): Promise<void>;
}

async function readTrained(name: string): Promise<unknown> {
  try {
    const file = new URL(`../../../models/use-lite/${name}`, import.meta.url);
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new ProviderError(
      "embedded_model_unreadable",
      `The embedded model did not load: models/use-lite/${name} cannot be read. The embedded model costs nothing; no money was spent.`,
      { hint: "Reinstall batchframe; its package holds the model under models/use-lite.", cause },
    );
  }
}

/**
 * What was trained on top of the embeddings, for `buildAnswerer`. Throws `ProviderError` code
 * `embedded_model_unreadable` when one of its two files is missing or damaged.
 */
export async function readSentimentHead(): Promise<TrainedHead> {
  const [head, topics] = await Promise.all([
    readTrained("sentiment-head.json"),
    readTrained("topics.json"),
  ]);
  return {
    ...(head as Omit<TrainedHead, "topics">),
    topics: topics as TrainedHead["topics"],
  };
}

/**
 * Loads the model into a thread of its own, so that the caller's event loop stays free: about 0.2 s
 * and 150 MB of memory. Nothing is downloaded. Throws `ProviderError` code
 * `embedded_model_unreadable` when the model's files are missing or damaged.
 */
export async function loadUseLite(): Promise<UseLite> {
  const [client, head] = await Promise.all([startWorker(), readSentimentHead()]);
  const close = (): Promise<void> => client.close();
  return {
    embed: (texts) => client.embed(texts),
    async classify(texts, field) {
      const prompts = await client.embed(promptsOf(field));
      const answer = buildAnswerer(field, { prompts, head });
      const vectors = await client.embed(texts);
      return vectors.map((vector, at) => answer(texts[at] ?? "", vector));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
