/** What is written after a flag, as the value it stands for. */

import type { MaxFailures } from "../index.ts";
import { durationMs } from "./duration.ts";

/** Readers of values; each throws what was given for a text it cannot read. */
export interface FlagValues {
  /** Milliseconds. */
  readonly duration: (text: string) => number;
  /** How old something is, in milliseconds; unlike a wait it may be years. */
  readonly age: (text: string) => number;
  readonly countOrNone: (text: string) => number;
  readonly wholeNumber: (text: string) => number;
  readonly portNumber: (text: string) => number;
  readonly seedNumber: (text: string) => number;
  readonly number: (text: string) => number;
  /** A count from 0 on, or a share in per cent. */
  readonly maxFailures: (text: string) => MaxFailures;
  /** A share from 0 to 1. */
  readonly rate: (text: string) => number;
  /** Dollars. */
  readonly amount: (text: string) => number;
  /** A level of reasoning, or how many tokens it may take. */
  readonly reasoning: (text: string) => ReasoningValue;
  /** Two numbers with two dots between, the lower first. */
  readonly range: (text: string) => readonly [low: number, high: number];
  /** `key=value`, once more each time the flag is given. */
  readonly pairs: (text: string, before?: readonly string[]) => readonly string[];
  /** A text, once more each time the flag is given. */
  readonly texts: (text: string, before?: readonly string[]) => readonly string[];
}

/** What `--reasoning` holds. */
export type ReasoningValue = (typeof LEVELS)[number] | { readonly budgetTokens: number };

/** Older than any run: a hundred years. */
const OLDEST_MS = 36_525 * 24 * 3_600_000;

const LEVELS = ["none", "minimal", "low", "medium", "high"] as const;

/** The readers, with how a text that cannot be read is refused: `advice` says what to write instead. */
export function flagValues(refusal: (advice: string) => Error): FlagValues {
  const whole = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);
  const wholeNumber = (text: string): number => {
    const value = whole(text);
    if (value !== null && value > 0) return value;
    throw refusal("Write a whole number above 0.");
  };
  const numberFrom = (text: string, most: number, advice: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0 && value <= most) return value;
    throw refusal(advice);
  };
  const within = (text: string, most: number, advice: string): number => {
    const value = whole(text);
    if (value !== null && value <= most) return value;
    throw refusal(advice);
  };
  return {
    duration: (text) => {
      const ms = durationMs(text);
      if (ms !== null && ms > 0) return ms;
      throw refusal("Write a duration such as 500ms, 30s, 5m or 2h, of a week at most.");
    },
    age: (text) => {
      const ms = durationMs(text, OLDEST_MS);
      if (ms !== null && ms > 0) return ms;
      throw refusal("Write an age such as 12h, 30d or 365d.");
    },
    maxFailures: (text) => {
      const share = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1];
      if (share !== undefined && Number(share) <= 100) return `${Number(share)}%`;
      return within(text, Number.MAX_SAFE_INTEGER, "Write a whole number, or a share such as 5%.");
    },
    countOrNone: (text) => within(text, 999_999, "Write 0 or a whole number."),
    wholeNumber,
    portNumber: (text) => within(text, 65_535, "Write a port from 0 to 65535."),
    seedNumber: (text) => within(text, Number.MAX_SAFE_INTEGER, "Write a whole number."),
    number: (text) => numberFrom(text, Number.MAX_VALUE, "Write a number such as 0.7."),
    rate: (text) => numberFrom(text, 1, "Write a share from 0 to 1, such as 0.01."),
    amount: (text) =>
      numberFrom(text, Number.MAX_VALUE, "Write an amount in dollars, such as 1.25."),
    reasoning: (text) => {
      const level = LEVELS.find((name) => name === text);
      if (level !== undefined) return level;
      if ((whole(text) ?? 0) > 0) return { budgetTokens: Number(text) };
      throw refusal(`Write ${LEVELS.join(", ")}, or how many tokens it may take.`);
    },
    range: (text) => {
      const [low = "", high = "", ...more] = text.split("..").map((part) => part.trim());
      const range = [Number(low), Number(high)] as const;
      const isRange =
        low !== "" && high !== "" && more.length === 0 && range.every(Number.isFinite);
      if (isRange) return range;
      throw refusal("Write two numbers with two dots between, such as 0..10.");
    },
    pairs: (text, before = []) => {
      if (text.indexOf("=") > 0) return [...before, text];
      throw refusal("Write key=value, such as temperature=0.");
    },
    texts: (text, before = []) => [...before, text],
  };
}
