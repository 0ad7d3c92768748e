import fc from "../property.ts";
import { expect, it } from "vitest";
import { createCounts } from "../../src/emulator/counts.ts";

it("counts as a Map does, however many there are", () => {
  // Few different ones and many; numbers that agree in their last 32 bits among them.
  const print = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 2 ** 20 }).map((high) => high * 2 ** 32 + 7),
    fc.integer({ min: 1, max: 2 ** 52 }),
  );
  fc.assert(
    fc.property(fc.array(print, { maxLength: 5000, size: "max" }), (prints) => {
      const counts = createCounts();
      const map = new Map<number, number>();
      for (const one of prints) {
        expect(counts.raise(one)).toBe(map.get(one) ?? 0);
        map.set(one, (map.get(one) ?? 0) + 1);
      }
      expect(counts.size()).toBe(map.size);
      for (const [one, count] of map) expect(counts.of(one)).toBe(count);
      expect(counts.of(2 ** 52 + 1)).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it("stays correct while it grows by the hundred thousand", () => {
  const counts = createCounts();
  for (let round = 0; round < 3; round += 1)
    for (let at = 1; at <= 200_000; at += 1) counts.raise(at * 8191);
  expect(counts.size()).toBe(200_000);
  for (let at = 1; at <= 200_000; at += 97) expect(counts.of(at * 8191)).toBe(3);
});
