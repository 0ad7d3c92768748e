/** Embeddings of nothing but the text's hash. */
import { drawInteger, randomSource } from "./random.ts";

/**
 * A vector of length 1 in `dimensions` dimensions that follows from `text` alone.
 *
 * Equal texts have equal vectors; the vectors of different texts are as good as unrelated. Every
 * member is exactly a 32-bit float.
 */
export function unitVector(text: string, dimensions: number): Float32Array {
  const next = randomSource(drawInteger(0, "embedding", text));
  const raw = Float64Array.from({ length: dimensions }, () => next() * 2 - 1);
  const length = Math.sqrt(raw.reduce((sum, value) => sum + value * value, 0)) || 1;
  return Float32Array.from(raw, (value) => value / length);
}

/** The members of `vector` as base64 of little-endian 32-bit floats. */
export function base64OfFloats(vector: readonly number[] | Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
