/** Durations as flags take them. */

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

const LONGEST_MS = 7 * 24 * 3_600_000;

/** A duration such as `100ms`, `30s`, `5m` or `1.5h` in whole milliseconds; null when the text is none, or above a week. */
export function durationMs(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const ms = Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? ""] ?? Number.NaN));
  return ms <= LONGEST_MS ? ms : null;
}
