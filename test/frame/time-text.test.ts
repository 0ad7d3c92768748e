import fc from "../property.ts";
import pl from "nodejs-polars";
import type { Series } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { TimeUnit } from "../../src/frame/cell-type.ts";
import {
  dateText,
  durationText,
  intervalText,
  knownZone,
  timestampText,
  timeText,
} from "../../src/frame/time-text.ts";

const textsOf = (series: Series): unknown[] => series.cast(pl.Utf8).toArray();
const jsonOf = (series: Series): string[] => {
  const frame = pl.DataFrame([series.alias("v")]);
  const json = frame.select(
    pl
      .struct([pl.col("v")])
      .struct.jsonEncode()
      .alias("j"),
  );
  return (json.getColumn("j").toArray() as string[]).map(
    (text) => (JSON.parse(text) as { v: string }).v,
  );
};
const integers = (values: readonly bigint[]): Series => pl.Series("v", new BigInt64Array(values));

// polars itself stops at what chrono can hold; years of five digits are inside.
const counts = (perSecond: bigint): fc.Arbitrary<bigint[]> =>
  fc.array(fc.bigInt({ min: -60_000_000_000n * perSecond, max: 270_000_000_000n * perSecond }), {
    minLength: 20,
    maxLength: 20,
  });
const units: readonly [Exclude<TimeUnit, "s">, bigint][] = [
  ["ms", 1000n],
  ["us", 1_000_000n],
  ["ns", 30_000_000n],
];

describe("timestamps", () => {
  it.each(units)("in %s print as polars prints them", (unit, perSecond) => {
    fc.assert(
      fc.property(counts(perSecond), (values) => {
        for (const zone of [null, "UTC", "Europe/Rome", "America/St_Johns", "Asia/Kathmandu"]) {
          const series = integers(values).cast(pl.Datetime(unit, zone ?? undefined));
          const own = (style: "column" | "nested") =>
            values.map((value) => timestampText(value, { unit, zone }, style));
          // Offsets of before 1970 differ by seconds between versions of the time zone database.
          const isSure = zone === null || zone === "UTC" || values.every((value) => value >= 0n);
          if (!isSure) continue;
          expect(own("column")).toEqual(textsOf(series));
          expect(own("nested")).toEqual(jsonOf(series));
        }
      }),
      { numRuns: 12 },
    );
  });

  it("have the offset of their day, and of a zone that is an offset", () => {
    const at = (day: string, zone: string) =>
      timestampText(BigInt(Date.parse(day)), { unit: "ms", zone }, "column");
    expect(at("2024-01-31T22:30:00Z", "Europe/Rome")).toBe("2024-01-31 23:30:00.000+01:00");
    expect(at("2024-07-31T22:30:00Z", "Europe/Rome")).toBe("2024-08-01 00:30:00.000+02:00");
    expect(at("2024-01-31T22:30:00Z", "-03:30")).toBe("2024-01-31 19:00:00.000-03:30");
    expect(at("2024-01-31T22:30:00Z", "+00:00")).toBe("2024-01-31 22:30:00.000+00:00");
  });

  it("in seconds have no fraction", () => {
    expect(timestampText(-1n, { unit: "s", zone: null }, "column")).toBe("1969-12-31 23:59:59");
  });

  it("of a zone nobody knows are told in UTC", () => {
    expect(knownZone("Europe/Rome")).toBe("Europe/Rome");
    expect(knownZone("Middle/Earth")).toBe("UTC");
  });
});

describe("dates, times and durations", () => {
  it("print as polars prints them", () => {
    const days = fc.array(fc.integer({ min: -700_000, max: 3_000_000 }), { minLength: 30 });
    fc.assert(
      fc.property(days, (values) => {
        const series = pl.Series("v", values, pl.Int32).cast(pl.Date);
        expect(values.map(dateText)).toEqual(textsOf(series));
      }),
      { numRuns: 12 },
    );
    const times = fc.array(fc.bigInt({ min: 0n, max: 86_399_999_999_999n }), { minLength: 20 });
    fc.assert(
      fc.property(times, (values) => {
        const series = integers(values).cast(pl.Time);
        expect(values.map((value) => timeText(value, "ns"))).toEqual(jsonOf(series));
      }),
      { numRuns: 12 },
    );
    const spans = fc.array(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), { minLength: 20 });
    fc.assert(
      fc.property(spans, (values) => {
        const series = integers(values).cast(pl.Duration("us"));
        expect(values.map((value) => durationText(value, "us"))).toEqual(jsonOf(series));
      }),
      { numRuns: 12 },
    );
  });

  it("reach beyond the years a Date can hold: 400 years have 146,097 days, and so repeat", () => {
    const days = fc.integer({ min: -3_000_000, max: 3_000_000 });
    fc.assert(
      fc.property(days, fc.integer({ min: -5000, max: 5000 }), (day, cycles) => {
        const date = new Date(day * 86_400_000);
        const year = date.getUTCFullYear() + 400 * cycles;
        const sign = year < 0 ? "-" : year > 9999 ? "+" : "";
        const digits = String(Math.abs(year)).padStart(4, "0");
        const rest = date.toISOString().slice(-20, -14);
        expect(dateText(day + cycles * 146_097)).toBe(`${sign}${digits}${rest}`);
      }),
    );
    expect(dateText(200_000_000)).toMatch(/^\+5/);
  });

  it.each([
    ["P0D", 0, 0, 0n],
    ["P1M2DT3.5S", 1, 2, 3_500_000_000n],
    ["P-2D", 0, -2, 0n],
    ["PT-0.000000001S", 0, 0, -1n],
  ] as const)("print the interval %s", (text, months, days, nanoseconds) => {
    expect(intervalText(months, days, nanoseconds)).toBe(text);
  });
});
