import fc from "../property.ts";
import pl from "nodejs-polars";
import type { DataType } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { decimalText, floatText, signedBigEndian, uuidText } from "../../src/frame/number-text.ts";

/** How polars itself prints floats: prompts from a file and from a dataframe have to be the same. */
function polarsTexts(values: readonly number[], type: DataType): unknown[] {
  return pl
    .Series("v", [...values], type)
    .cast(pl.Utf8)
    .toArray();
}

describe("floatText", () => {
  it("prints every double as polars does", () => {
    const doubles = fc.array(fc.double(), { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(doubles, (values) => {
        expect(values.map((it) => floatText(it, 64))).toEqual(polarsTexts(values, pl.Float64));
      }),
      { numRuns: 100 },
    );
  });

  it("prints every 32-bit float as polars does", () => {
    const floats = fc.array(fc.float(), { minLength: 50, maxLength: 50 });
    fc.assert(
      fc.property(floats, (values) => {
        expect(values.map((it) => floatText(it, 32))).toEqual(polarsTexts(values, pl.Float32));
      }),
      { numRuns: 100 },
    );
  });

  it.each([1e15, 1e16, 1e17, 9_007_199_254_740_992, 0.0001, 0.000_01, 0.000_001, 1e-7, 1.5, 100])(
    "prints %d, near where exponents begin, as polars does",
    (value) => {
      expect(floatText(value, 64)).toBe(polarsTexts([value], pl.Float64)[0]);
      const single = Math.fround(value);
      expect(floatText(single, 32)).toBe(polarsTexts([single], pl.Float32)[0]);
    },
  );

  it("prints half-precision floats by their value", () => {
    expect([0.5, 65504, Math.fround(5.960464477539063e-8)].map((it) => floatText(it, 16))).toEqual([
      "0.5",
      "65504.0",
      "5.9604645e-8",
    ]);
  });
});

describe("decimalText", () => {
  it.each([
    [110n, 2, "1.10"],
    [-110n, 2, "-1.10"],
    [5n, 3, "0.005"],
    [-5n, 3, "-0.005"],
    [0n, 2, "0.00"],
    [7n, 0, "7"],
    [-7n, -2, "-700"],
    [0n, -2, "0"],
    [12_345_678_901_234_567_890_123n, 3, "12345678901234567890.123"],
  ])("puts the point of %s at scale %i", (unscaled, scale, text) => {
    expect(decimalText(unscaled, scale)).toBe(text);
  });

  it("loses no digit", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 1, max: 40 }), (unscaled, scale) => {
        expect(BigInt(decimalText(unscaled, scale).replace(".", ""))).toBe(unscaled);
      }),
    );
  });
});

describe("bytes", () => {
  it("are read as big-endian two's complement", () => {
    const read = (...bytes: number[]) => signedBigEndian(Uint8Array.from(bytes));
    expect([read(), read(0x7f), read(0x80), read(0xff, 0xfe), read(0x01, 0x00)]).toEqual([
      0n,
      127n,
      -128n,
      -2n,
      256n,
    ]);
  });

  it("are printed as a uuid", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, at) => at * 17);
    expect(uuidText(bytes)).toBe("00112233-4455-6677-8899-aabbccddeeff");
  });
});
