/** Drawing at random, repeatably: the same seed gives the same draw on every machine. */

import { contentHash } from "./hash.ts";

/**
 * Gives `count` positions below `total`, each set of so many as likely as any other, in increasing order;
 * all of them where there are no more.
 */
export function drawn(total: number, count: number, seed: string): Uint32Array {
  const random = randomOf(seed);
  const positions = new Uint32Array(Math.min(total, count));
  let taken = 0;
  // Each position is taken with the probability that what is still wanted has among what is left.
  for (let at = 0; taken < positions.length; at++)
    if (random() * (total - at) < positions.length - taken) positions[taken++] = at;
  return positions;
}

/** Numbers from 0 up to 1 that follow from the seed alone (sfc32 over a hash of it). */
export function randomOf(seed: string): () => number {
  const hash = contentHash(seed);
  let [a = 0, b = 0, c = 0, d = 0] = [0, 8, 16, 24].map((at) =>
    Number.parseInt(hash.slice(at, at + 8), 16),
  );
  return () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
}
