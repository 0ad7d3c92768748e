/** Dates, times, instants and durations as exact text, whatever their unit, year and zone. */

import type { TimeUnit } from "./cell-type.ts";

/** How many digits of a second's fraction a unit counts. */
const digitsOf: Readonly<Record<TimeUnit, number>> = { s: 0, ms: 3, us: 6, ns: 9 };

const secondsPerDay = 86_400n;

/** How many steps of the unit make a second. */
export function perSecond(unit: TimeUnit): bigint {
  return 10n ** BigInt(digitsOf[unit]);
}

/** Days since 1970-01-01 as `2024-01-31`; years beyond 9999 carry a sign, as ISO 8601 asks. */
export function dateText(days: number | bigint): string {
  const { year, month, day } = civilOf(Number(days));
  return `${yearText(year)}-${padded(month, 2)}-${padded(day, 2)}`;
}

/** Since midnight as `01:02:03`, with 3, 6 or 9 digits of a fraction where there is one. */
export function timeText(count: bigint, unit: TimeUnit): string {
  const { seconds, fraction } = split(count, unit);
  return clockText(seconds) + shortFraction(fraction, unit);
}

/**
 * A timestamp as `2024-01-31 23:59:59.123456`, with its zone's offset (`+01:00`) where it has a zone.
 *
 * `style` is `column` for a cell of its own (all digits of the unit) and `nested` for one inside JSON
 * (3, 6 or 9 digits where there is a fraction, and a `T` before the time where there is an offset).
 */
export function timestampText(
  count: bigint,
  type: { readonly unit: TimeUnit; readonly zone: string | null },
  style: "column" | "nested",
): string {
  const { seconds, fraction } = split(count, type.unit);
  const offset = type.zone === null ? null : zoneOffset(type.zone, seconds);
  const local = seconds + BigInt(offset?.seconds ?? 0);
  const ofDay = modulo(local, secondsPerDay);
  const date = dateText((local - ofDay) / secondsPerDay);
  const between = style === "nested" && offset !== null ? "T" : " ";
  const digits =
    style === "nested" ? shortFraction(fraction, type.unit) : fullFraction(fraction, type.unit);
  return `${date}${between}${clockText(ofDay)}${digits}${offset?.text ?? ""}`;
}

/** A duration in ISO 8601: `PT1.5S`, `-PT0.000001S`, and `P0D` for none. */
export function durationText(count: bigint, unit: TimeUnit): string {
  if (count === 0n) return "P0D";
  const { seconds, fraction } = split(count < 0n ? -count : count, unit);
  const digits = fullFraction(fraction, unit).replace(/\.?0*$/, "");
  return `${count < 0n ? "-" : ""}PT${seconds}${digits}S`;
}

/** Months, days and nanoseconds in ISO 8601: `P1M2DT3.5S`, each with a sign of its own. */
export function intervalText(months: number, days: number, nanoseconds: bigint): string {
  const ofDate = (months === 0 ? "" : `${months}M`) + (days === 0 ? "" : `${days}D`);
  if (nanoseconds === 0n) return ofDate === "" ? "P0D" : `P${ofDate}`;
  const time = durationText(nanoseconds < 0n ? -nanoseconds : nanoseconds, "ns").slice(1);
  return `P${ofDate}${nanoseconds < 0n ? time.replace("T", "T-") : time}`;
}

function split(count: bigint, unit: TimeUnit): { seconds: bigint; fraction: bigint } {
  const steps = perSecond(unit);
  const fraction = modulo(count, steps);
  return { seconds: (count - fraction) / steps, fraction };
}

function modulo(value: bigint, divisor: bigint): bigint {
  const rest = value % divisor;
  return rest < 0n ? rest + divisor : rest;
}

function fullFraction(fraction: bigint, unit: TimeUnit): string {
  return unit === "s" ? "" : `.${padded(fraction, digitsOf[unit])}`;
}

function shortFraction(fraction: bigint, unit: TimeUnit): string {
  const digits = padded(fraction, digitsOf[unit]).padEnd(9, "0");
  if (fraction === 0n) return "";
  if (digits.endsWith("000000")) return `.${digits.slice(0, 3)}`;
  return digits.endsWith("000") ? `.${digits.slice(0, 6)}` : `.${digits}`;
}

function clockText(seconds: bigint): string {
  const all = Number(seconds);
  return [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60]
    .map((part) => padded(part, 2))
    .join(":");
}

function padded(value: number | bigint, digits: number): string {
  return String(value).padStart(digits, "0");
}

function yearText(year: number): string {
  const digits = padded(Math.abs(year), 4);
  if (year < 0) return `-${digits}`;
  return year > 9999 ? `+${digits}` : digits;
}

/**
 * The proleptic Gregorian date of a day counted from 1970-01-01.
 *
 * Date objects end in the year 275760 and stored days do not. Years are counted from a first of March,
 * which puts the leap day at the end and makes months a straight line; 400 years have 146,097 days.
 */
function civilOf(days: number): { year: number; month: number; day: number } {
  const fromMarch0000 = days + 719_468;
  const era = Math.floor(fromMarch0000 / 146_097);
  const ofEra = fromMarch0000 - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) /
      365,
  );
  const ofYear =
    ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

interface Offset {
  readonly seconds: number;
  /** `+01:00`; with seconds (`+00:17:30`) where old local time had them. */
  readonly text: string;
}

const utc: Offset = { seconds: 0, text: "+00:00" };
const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, Offset>();

/** Offsets change on a quarter of an hour at the soonest, so one question answers for all of it. */
const secondsPerQuestion = 900n;
/** Beyond this the answers are asked anew: a bound on memory, not on exactness. */
const maxRemembered = 20_000;
/** What Intl can be asked about, in seconds from 1970. */
const intlReach = 8_640_000_000_000n;

function zoneOffset(zone: string, seconds: bigint): Offset {
  if (zone === "UTC" || zone === "Z" || zone === "+00:00") return utc;
  const slot = (seconds - modulo(seconds, secondsPerQuestion)) / secondsPerQuestion;
  const key = `${zone} ${slot}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  const inReach = seconds > intlReach ? intlReach : seconds < -intlReach ? -intlReach : seconds;
  const found = askedOffset(zone, Number(inReach));
  if (offsets.size >= maxRemembered) offsets.clear();
  offsets.set(key, found);
  return found;
}

function askedOffset(zone: string, seconds: number): Offset {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
    formats.set(zone, format);
  }
  const part = format.formatToParts(seconds * 1000).find(({ type }) => type === "timeZoneName");
  const [, sign, hours, minutes, rest] =
    /([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(part?.value ?? "") ?? [];
  if (sign === undefined) return utc;
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest ?? 0);
  return {
    seconds: sign === "-" ? -size : size,
    text: `${sign}${hours ?? ""}:${minutes ?? ""}${rest === undefined ? "" : `:${rest}`}`,
  };
}

/** The zone, or UTC in the place of one whose offsets nobody here knows: the instant stays the same. */
export function knownZone(zone: string): string {
  try {
    zoneOffset(zone, 0n);
    return zone;
  } catch (error) {
    if (error instanceof RangeError) return "UTC";
    throw error;
  }
}
