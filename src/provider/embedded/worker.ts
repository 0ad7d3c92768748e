/** The thread that holds the model: reads its files, then answers lists of texts with vectors. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";

import { buildEncoder, EMBEDDING_SIZE } from "./encoder.ts";
import { buildTokenizer } from "./tokenizer.ts";
import type { Piece } from "./tokenizer.ts";
import { ModelFileError } from "./weights.ts";
import type { Manifest, Weights } from "./weights.ts";

/** What the worker is asked: vectors for some texts. */
export interface WorkerRequest {
  readonly id: number;
  readonly texts: readonly string[];
}

/**
 * What the worker says: that it is ready, that it cannot be, or the vectors of a request, one after
 * another in the order of its texts.
 */
export type WorkerReply =
  | { readonly kind: "ready" }
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "vectors"; readonly id: number; readonly vectors: Float32Array<ArrayBuffer> }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };

// The same three levels up from src/provider/embedded and from dist/provider/embedded.
const modelFile = (name: string): URL =>
  new URL(`../../../models/use-lite/${name}`, import.meta.url);

function readWeights(): Weights {
  const manifest = JSON.parse(readFileSync(modelFile("manifest.json"), "utf8")) as Manifest;
  const bytes = new Uint8Array(readFileSync(modelFile("weights.bin")));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  // A half-copied or line-ending-converted file would answer, wrongly.
  if (sha256 !== manifest.sha256) {
    throw new ModelFileError("models/use-lite/weights.bin is not the file its manifest describes");
  }
  return { manifest, bytes };
}

function loadModel(): (texts: readonly string[]) => Float32Array<ArrayBuffer> {
  const vocabulary = JSON.parse(readFileSync(modelFile("vocabulary.json"), "utf8")) as Piece[];
  const tokenize = buildTokenizer(vocabulary);
  const encode = buildEncoder(readWeights());
  return (texts) => {
    const vectors = new Float32Array(texts.length * EMBEDDING_SIZE);
    encode(texts.map((text) => tokenize(text))).forEach((vector, at) => {
      vectors.set(vector, at * EMBEDDING_SIZE);
    });
    return vectors;
  };
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function serve(port: NonNullable<typeof parentPort>): void {
  const say = (reply: WorkerReply): void => {
    port.postMessage(reply, reply.kind === "vectors" ? [reply.vectors.buffer] : []);
  };
  try {
    const embed = loadModel();
    port.on("message", ({ id, texts }: WorkerRequest) => {
      try {
        say({ kind: "vectors", id, vectors: embed(texts) });
      } catch (error) {
        say({ kind: "failed", id, reason: reasonOf(error) });
      }
    });
    say({ kind: "ready" });
  } catch (error) {
    say({ kind: "broken", reason: reasonOf(error) });
  }
}

if (parentPort !== null) serve(parentPort);
