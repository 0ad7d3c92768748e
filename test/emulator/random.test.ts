import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { hexId } from "../../src/emulator/fingerprint.ts";
import { draw, randomSource, shuffledOrder } from "../../src/emulator/random.ts";

describe("draw", () => {
  it("is the same for the same seed and keys and lies in [0, 1)", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.string()), (seed, keys) => {
        const value = draw(seed, ...keys);
        return value === draw(seed, ...keys) && value >= 0 && value < 1;
      }),
    );
  });

  it("tells keys apart that join to the same text", () => {
    expect(draw(1, "ab", "c")).not.toBe(draw(1, "a", "bc"));
    expect(hexId(1, 20, "ab", "c")).not.toBe(hexId(1, 20, "a", "bc"));
  });

  it("is spread evenly", () => {
    const values = Array.from({ length: 10_000 }, (_, index) => draw(3, "x", index));
    const low = values.filter((value) => value < 0.1).length;
    expect(low).toBeGreaterThan(850);
    expect(low).toBeLessThan(1150);
  });
});

describe("shuffledOrder", () => {
  it("holds every number once and follows from the seed", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer(), (count, seed) => {
        const order = shuffledOrder(count, seed);
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(count).keys()]);
        expect(shuffledOrder(count, seed)).toEqual(order);
      }),
    );
  });

  it("is another order for another seed", () => {
    expect(shuffledOrder(100, 1)).not.toEqual(shuffledOrder(100, 2));
  });
});

describe("randomSource", () => {
  it("stays in [0, 1) and does not repeat itself soon", () => {
    const next = randomSource(42);
    const values = Array.from({ length: 10_000 }, next);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(values).size).toBeGreaterThan(9_980);
  });
});
