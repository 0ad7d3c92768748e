import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { drawn } from "../../src/core/draw.ts";

describe("a draw", () => {
  it("has as many different positions as asked for, in order, and the same for the same seed", () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.string(), (total, count, seed) => {
        const positions = [...drawn(total, count, seed)];
        expect(positions).toHaveLength(Math.min(total, count));
        expect(
          positions.every((at, index) => at < total && at > (positions[index - 1] ?? -1)),
        ).toBe(true);
        expect([...drawn(total, count, seed)]).toEqual(positions);
      }),
    );
  });

  it("is as likely to take any one position as any other, and any pair", () => {
    const singles = new Uint32Array(12);
    const pairs = new Map<string, number>();
    const seeds = 12_000;
    for (let seed = 0; seed < seeds; seed++) {
      const positions = drawn(12, 4, `seed ${String(seed)}`);
      for (const at of positions) singles[at] = (singles[at] ?? 0) + 1;
      for (const a of positions)
        for (const b of positions)
          if (a < b)
            pairs.set(
              `${String(a)} ${String(b)}`,
              (pairs.get(`${String(a)} ${String(b)}`) ?? 0) + 1,
            );
    }
    // Five standard deviations either way.
    for (const count of singles)
      expect(Math.abs(count - seeds / 3)).toBeLessThan(5 * Math.sqrt((seeds * 2) / 9));
    expect(pairs.size).toBe(66);
    for (const count of pairs.values())
      expect(Math.abs(count - seeds / 11)).toBeLessThan(5 * Math.sqrt((seeds * 10) / 121));
  });
});
