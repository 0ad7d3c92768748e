/** Options about what is told beside answers, and about long texts and prices, checked. */

import { checkPositive } from "./core/call-options.ts";
import type { LongTexts } from "./core/cut.ts";
import { InputError } from "./core/errors.ts";
import type { PriceOverrides } from "./core/price.ts";
import type { OnLong } from "./told-columns.ts";

const WAYS: readonly string[] = ["fail", "truncate", "chunk"] satisfies readonly OnLong[];

/** What is said of long texts. */
export interface LongOptions {
  readonly maxChars?: number;
  readonly onLong?: OnLong;
}

/**
 * What becomes of long texts; null where they may be of any length.
 *
 * @throws {InputError} `option_invalid` for a length that is none, for cutting without a length, and for
 * a template written as a function, which can cut its texts itself; nothing was sent.
 */
export function longTexts(
  { maxChars, onLong }: LongOptions,
  isTextTemplate: boolean,
): LongTexts | null {
  checkPositive("maxChars", maxChars);
  if (onLong !== undefined && !WAYS.includes(onLong))
    throw invalid(`onLong is ${JSON.stringify(onLong)}`, "It is fail, truncate or chunk.");
  if (maxChars === undefined) {
    if (onLong !== "truncate" && onLong !== "chunk") return null;
    throw invalid(
      "Long texts are to be cut, and nothing says what is long",
      "Say how many characters a cell may have with --max-chars (maxChars in code).",
    );
  }
  if (!isTextTemplate)
    throw invalid(
      "maxChars is about the cells of a text template, and this template is a function",
      "Cut the text in the function, or write the template as text.",
    );
  return { maxChars, onLong: onLong ?? "fail" };
}

/**
 * Refuses prices that are none.
 *
 * @throws {InputError} `option_invalid`; nothing was sent.
 */
export function checkPrices(prices: PriceOverrides | undefined): void {
  for (const [model, price] of Object.entries(prices ?? {}))
    for (const [name, value] of Object.entries(price))
      if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
        throw invalid(
          `The price ${name} of ${model} is ${String(value)}`,
          "Give US dollars for a million tokens, and batchShare as a share such as 0.5.",
        );
}

function invalid(problem: string, hint: string): InputError {
  return new InputError("option_invalid", `${problem}. Nothing was sent.`, { hint });
}
