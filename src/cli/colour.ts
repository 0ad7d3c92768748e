/** Colours, where they are wanted. */

import { styleText } from "node:util";

/** Ways to set words apart; each gives the text as it is where colours are off. */
export interface Colours {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  dim(text: string): string;
  strong(text: string): string;
}

/**
 * Whether a stream gets colours: a terminal does, unless `NO_COLOR` is set or `TERM` is `dumb`;
 * `FORCE_COLOR` other than 0 gives them to anything else as well. `NO_COLOR` wins.
 */
export function wantsColour(
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  const forced = environment["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  return isTerminal && environment["TERM"] !== "dumb";
}

/** The colours, or none. */
export function colours(on: boolean): Colours {
  const styled =
    (style: Parameters<typeof styleText>[0]) =>
    (text: string): string =>
      on ? styleText(style, text, { validateStream: false }) : text;
  return {
    good: styled("green"),
    bad: styled("red"),
    warn: styled("yellow"),
    dim: styled("dim"),
    strong: styled("bold"),
  };
}
