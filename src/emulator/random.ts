/** Choices that look random and follow wholly from a seed. */
import { hash } from "node:crypto";

/** What a choice depends on besides the seed. */
export type DrawKey = string | number;

/** A number in [0, 1) that is always the same for the same seed and keys. */
export function draw(seed: number, ...keys: readonly DrawKey[]): number {
  return digest(seed, keys).readUIntBE(0, 6) / 2 ** 48;
}

/** A whole number in [0, 2^32) that is always the same for the same seed and keys. */
export function drawInteger(seed: number, ...keys: readonly DrawKey[]): number {
  return digest(seed, keys).readUInt32BE(8);
}

/** An endless source of numbers in [0, 1) that follows from `seed`. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** The numbers 0 to `count` - 1 in an order that follows from `seed`. */
export function shuffledOrder(count: number, seed: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const next = randomSource(seed);
  for (let last = count - 1; last > 0; last -= 1) {
    const other = Math.floor(next() * (last + 1));
    const held = order[last] ?? 0;
    order[last] = order[other] ?? 0;
    order[other] = held;
  }
  return order;
}

function digest(seed: number, keys: readonly DrawKey[]): Buffer {
  return hash("sha1", `${String(seed)}\u0000${keys.join("\u0000")}`, "buffer");
}
