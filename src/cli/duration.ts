/** Durations as flags take them. */

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 24 * 3_600_000,
};

/** A week: no wait is longer, and no timer of the platform takes more than three of them. */
const LONGEST_WAIT_MS = 7 * 24 * 3_600_000;

/** A duration such as `100ms`, `30s`, `5m`, `1.5h` or `2d` in whole milliseconds; null when the text is none, or above the longest, which is a week where nobody says. */
export function durationMs(text: string, longestMs = LONGEST_WAIT_MS): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const ms = Math.round(Number(match[1]) * (UNITS_MS[match[2] ?? ""] ?? Number.NaN));
  return ms <= longestMs ? ms : null;
}
