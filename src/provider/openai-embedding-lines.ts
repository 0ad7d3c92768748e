/** Embeddings: the body of a request, and the vector in a reply's body. */

import { textOfMessage, type Request } from "../core/request.ts";
import { asRecord } from "./json-values.ts";
import { unusable, type Reading, type Unread } from "./openai-reading.ts";
import { firstAttachment, unsupportedPart, unsupportedSetting } from "./refusals.ts";

/** The endpoint every embedding of a batch goes to. */
export const EMBEDDINGS_ENDPOINT = "/v1/embeddings";

/** Where an embedding is asked for, and how its vector is to be sent back. */
export interface EmbeddingDialect {
  readonly provider: string;
  readonly embeddings: "base64" | "float" | null;
}

/**
 * The body of a request for one vector. `params` go in last, so they win.
 *
 * @throws {InputError} `part_unsupported` or `setting_unsupported` for anything but one text.
 */
export function embeddingBody(request: Request, dialect: EmbeddingDialect): Unread {
  const { messages, form } = request;
  const part = firstAttachment(messages);
  if (part !== undefined)
    throw unsupportedPart(part, dialect.provider, "an embedding model reads text alone");
  if (messages.length > 1) {
    const given = messages.some(({ role }) => role === "system") ? "system" : "examples";
    throw unsupportedSetting(given, dialect.provider, "an embedding model reads one text alone");
  }
  const dimensions = form.kind === "embedding" ? form.dimensions : null;
  return {
    model: request.model,
    input: messages.map(textOfMessage).join(""),
    ...(dimensions === null ? {} : { dimensions }),
    encoding_format: dialect.embeddings ?? "float",
    ...request.params,
  };
}

/** The vector in a reply, sent as numbers or as base64 of little-endian 32-bit floats. */
export function readEmbedding(body: Unread): Reading {
  const data: readonly unknown[] = Array.isArray(body["data"]) ? body["data"] : [];
  if (data.length !== 1)
    return unusable("invalid_output", `The reply holds ${String(data.length)} vectors, not one.`);
  const vector = vectorOf(asRecord(data[0])?.["embedding"]);
  return vector === null
    ? unusable("invalid_output", "The reply's vector cannot be read.")
    : { text: "", embedding: vector };
}

function vectorOf(written: unknown): Float32Array | null {
  const vector = typeof written === "string" ? decoded(written) : listed(written);
  return vector?.every(Number.isFinite) === true && vector.length > 0 ? vector : null;
}

function listed(written: unknown): Float32Array | null {
  if (!Array.isArray(written)) return null;
  return written.every((value) => typeof value === "number") ? Float32Array.from(written) : null;
}

const FLOAT_BYTES = 4;

function decoded(base64: string): Float32Array | null {
  const bytes = Buffer.from(base64, "base64");
  // Node reads past characters that are no base64: then there are fewer bytes than there should be.
  const expected = Math.floor((base64.replace(/=+$/, "").length * 3) / 4);
  if (bytes.length !== expected || bytes.length % FLOAT_BYTES !== 0) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vector = new Float32Array(bytes.length / FLOAT_BYTES);
  for (let at = 0; at < vector.length; at++) vector[at] = view.getFloat32(at * FLOAT_BYTES, true);
  return vector;
}
