/** How many failures a run may have before it is not worth going on with. */

import { InputError } from "./errors.ts";

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
