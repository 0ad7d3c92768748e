/** How many failures a run may have before it is not worth going on with. */

import { InputError } from "./errors.ts";
import type { RequestFailure, RowErrorCode } from "./result.ts";

/** So many failures, or so many per cent of what is asked: `10`, `"5%"`. */
export type MaxFailures = number | `${number}%`;

/** The most of `asked` that may fail. */
export function mostFailures(limit: MaxFailures, asked: number): number {
  if (typeof limit === "number") return limit;
  return Math.floor((asked * Number.parseFloat(limit)) / 100);
}

/**
 * The limit as it was given.
 *
 * @throws {InputError} `option_invalid` for anything but a whole number from 0 on, or 0 to 100 per cent.
 */
export function checkedMaxFailures(limit: MaxFailures | undefined): MaxFailures | null {
  if (limit === undefined) return null;
  const isCount = typeof limit === "number" && Number.isSafeInteger(limit) && limit >= 0;
  if (isCount || isShare(String(limit))) return limit;
  throw new InputError(
    "option_invalid",
    `maxFailures must be a whole number from 0 on or a share such as "5%"; it is ${JSON.stringify(limit)}. Nothing was sent.`,
  );
}

function isShare(text: string): boolean {
  return /^\d{1,3}(\.\d+)?%$/.test(text) && Number.parseFloat(text) <= 100;
}

/** Whether no more of a run's rows failed than may, of those that were asked. */
export function isWithinFailures(
  limit: MaxFailures,
  { total, skipped, failed }: Readonly<Record<"total" | "skipped" | "failed", number>>,
): boolean {
  return failed <= mostFailures(limit, total - skipped);
}

/**
 * How many requests may fail alike, before any is answered, where nobody has said how many may fail: enough that
 * it is no accident of the first rows, and few enough to cost next to nothing.
 */
export const MOST_ALIKE = 20;

// These come of the provider's time and room, or of one row's length, whatever is asked.
const PASSING: ReadonlySet<RowErrorCode> = new Set([
  ...(["missing", "expired", "cancelled", "rate_limited", "too_long"] as const),
]);

/** Whether asking the same again would fail the same: then many such failures alike have one cause. */
export function isFatal({ code, retryable }: RequestFailure): boolean {
  return !retryable && !PASSING.has(code);
}

const MOST_OF_A_MESSAGE = 200;

/** What a failure is told apart by: its code and message, without the numbers and ids in which alike ones differ. */
export function causeOf({ code, message }: Pick<RequestFailure, "code" | "message">): string {
  const said = message.replaceAll(/\b[\w-]*\d[\w-]*\b/g, "#").slice(0, MOST_OF_A_MESSAGE);
  return `${code}: ${said}`;
}
