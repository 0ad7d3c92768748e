/** Arithmetic on embeddings. */

/** The sum of the products of two vectors: for unit vectors, their cosine. */
export const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

/** The vector seen from a centre and brought to length 1; a vector at the centre gives zeros. */
export function centred(vector: Float32Array, centre: readonly number[]): Float32Array {
  const moved = vector.map((value, at) => value - (centre[at] ?? 0));
  const length = Math.sqrt(dot(moved, moved));
  return length === 0 ? moved : moved.map((value) => value / length);
}

/** The sum of vectors of one size, brought to length 1; no vectors give none of any size. */
export function unitSum(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) vector.forEach((value, at) => (sum[at] = (sum[at] ?? 0) + value));
  return centred(sum, []);
}
