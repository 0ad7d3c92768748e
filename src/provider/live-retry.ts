/** When a live request is asked again, and after how long. Pure. */

import type { Exchange } from "./live-http.ts";
import { retryAfterMs } from "./retry-after.ts";

/** Why a request that was sent has no usable answer, as far as asking again is concerned. */
export type Trouble = "crowded" | "failed" | "timed_out";

/**
 * What kept a request from being answered; null when it was answered or refused for good.
 *
 * 408, 409, 425, 429 and 5xx may pass, except 501 and 505, which speak of what a server cannot do; 529
 * is Anthropic's word for overload. A reply
 * with 2xx that is no JSON was spoilt on its way.
 */
export function troubleOf(exchange: Exchange, isJson: boolean): Trouble | null {
  if (exchange.kind === "timed_out") return "timed_out";
  if (exchange.kind !== "answered") return "failed";
  const { status } = exchange;
  if (status === 429 || status === 503 || status === 529) return "crowded";
  if (status === 501 || status === 505) return null;
  if (status === 408 || status === 409 || status === 425 || status >= 500) return "failed";
  return status < 300 && !isJson ? "failed" : null;
}

// A slow answer is likely to be slow again; a crowded server says nothing about the request at all.
const MOST_TRIES: Readonly<Record<Trouble, number>> = { crowded: 10, failed: 5, timed_out: 2 };

/** Whether a request that was tried so often, with this trouble at the last, is tried once more. */
export function isTriedAgain(trouble: Trouble, tries: number): boolean {
  return tries < MOST_TRIES[trouble];
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * The wait before the next try: doubled each time up to half a minute and shortened at random by up
 * to a half, so that many do not come back together; never shorter than the server asked for.
 */
export function backoffMs(tries: number, askedMs: number | undefined, random: number): number {
  const doubled = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
  return Math.max(askedMs ?? 0, doubled * (1 - random / 2));
}

/** The wait a refusal asks for in its headers, in milliseconds. */
export function askedWaitMs(exchange: Exchange): number | undefined {
  return exchange.kind === "answered" ? retryAfterMs(exchange.header) : undefined;
}

// A limit that is counted by the day says so in its refusals; these headers are only a hint.
const LONGEST_HINT_MS = 60_000;

/** The headers of one limit: how much of it is left, and when it is whole again. */
export interface LimitHeader {
  readonly counts: "requests" | "tokens";
  readonly remaining: string;
  /** Holds a duration (`1m2s`, seconds) or a date. */
  readonly reset: string;
}

/** The headers of OpenAI's protocol. */
export const OPENAI_LIMITS: readonly LimitHeader[] = (["requests", "tokens"] as const).map(
  (counts) => ({
    counts,
    remaining: `x-ratelimit-remaining-${counts}`,
    reset: `x-ratelimit-reset-${counts}`,
  }),
);

/**
 * How long to hold back all requests because the server says that a limit is used up, in
 * milliseconds: no request is left, or fewer tokens than a request takes.
 */
export function usedUpForMs(
  header: (name: string) => string | null,
  tokensOfARequest: number,
  limits: readonly LimitHeader[] = OPENAI_LIMITS,
): number {
  return limits.reduce((longest, { counts, remaining, reset }) => {
    const left = header(remaining);
    const needed = counts === "requests" ? 1 : tokensOfARequest;
    if (left === null || !(Number(left) < needed)) return longest;
    const resetMs = untilMs(header(reset) ?? "");
    return Math.max(longest, Math.min(resetMs ?? 0, LONGEST_HINT_MS));
  }, 0);
}

/** The milliseconds until a duration is over or a date has come; null for what is neither. */
function untilMs(text: string): number | null {
  const duration = durationMs(text);
  if (duration !== null) return duration;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

const DURATION = /^(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$/;

/** The milliseconds in `1h2m3.5s`, `20ms` or a bare number of seconds; null for anything else. */
export function durationMs(text: string): number | null {
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  const match = text === "" ? null : DURATION.exec(text);
  if (match === null) return null;
  const [hours = 0, minutes = 0, seconds = 0, milliseconds = 0] = match
    .slice(1)
    .map((part: string | undefined) => Number(part ?? 0));
  return hours * 3_600_000 + minutes * 60_000 + seconds * 1000 + milliseconds;
}
