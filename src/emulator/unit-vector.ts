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
  // Plain loops: the callbacks of `from` and `reduce` take most of the time of an embeddings batch.
  const raw = new Float64Array(dimensions);
  let squares = 0;
  for (let at = 0; at < dimensions; at += 1) {
    const value = next() * 2 - 1;
    raw[at] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares) || 1;
  const vector = new Float32Array(dimensions);
  for (let at = 0; at < dimensions; at += 1) vector[at] = (raw[at] ?? 0) / length;
  return vector;
}

/** The members of `vector` as base64 of little-endian 32-bit floats. */
export function base64OfFloats(vector: readonly number[] | Float32Array): string {
  const bytes = Buffer.alloc(vector.length * 4);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes.toString("base64");
}
