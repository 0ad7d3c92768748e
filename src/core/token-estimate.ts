/** Token estimates: what requests that have not been answered are expected to use. */

/** The least, the likeliest and the most that something may come to. */
export interface Band {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

/** Tokens of the prompts and answers of some requests; how far the prompts' may be off as a share, 0.02 for two per cent. */
interface Tokens {
  readonly inputTokens: number;
  readonly inputError: number;
  readonly outputTokens: Band;
  /** For how long prompts are to be kept in the provider's cache: at worst all of them are written there. Left out where nobody asks for it. */
  readonly kept?: "minutes" | "hour";
}

/** What requests are expected to use, all tokens whole numbers. */
export interface TokenEstimate extends Tokens {
  /** The part of it by prompts so long that the model's price is another; left out where there are none. */
  readonly long?: Tokens;
}

/** A band of nothing. */
export const NOTHING: Band = { low: 0, expected: 0, high: 0 };

/** The estimate of no requests at all. */
export const NO_TOKENS: TokenEstimate = { inputTokens: 0, inputError: 0, outputTokens: NOTHING };

/** The sum of two bands: lows with lows, highs with highs, so that it is never too narrow. */
export function addBands(a: Band, b: Band): Band {
  return { low: a.low + b.low, expected: a.expected + b.expected, high: a.high + b.high };
}

/** A band with each of its figures changed alike. */
export function mapBand(band: Band, change: (figure: number) => number): Band {
  return { low: change(band.low), expected: change(band.expected), high: change(band.high) };
}

/** What two lots of requests are expected to use together. */
export function addEstimates(a: TokenEstimate, b: TokenEstimate): TokenEstimate {
  const sum = addTokens(a, b);
  if (a.long === undefined && b.long === undefined) return sum;
  return { ...sum, long: addTokens(a.long ?? NO_TOKENS, b.long ?? NO_TOKENS) };
}

function addTokens(a: Tokens, b: Tokens): Tokens {
  const inputTokens = a.inputTokens + b.inputTokens;
  const off = a.inputTokens * a.inputError + b.inputTokens * b.inputError;
  return {
    inputTokens,
    inputError: inputTokens === 0 ? 0 : off / inputTokens,
    outputTokens: addBands(a.outputTokens, b.outputTokens),
    ...longerKept(a, b),
  };
}

function longerKept(a: Tokens, b: Tokens): Pick<Tokens, "kept"> {
  const kept = a.kept === "hour" ? a.kept : (b.kept ?? a.kept);
  return kept === undefined ? {} : { kept };
}

/** What one of `requests` requests is expected to use on average; not rounded. */
export function averageEstimate(estimate: TokenEstimate, requests: number): TokenEstimate {
  return mapEstimate(estimate, (tokens) => tokens / requests);
}

/** What so many requests are expected to use, each of them `each`; rounded up. */
export function scaleEstimate(each: TokenEstimate, requests: number): TokenEstimate {
  return mapEstimate(each, (tokens) => Math.ceil(tokens * requests));
}

function mapEstimate(estimate: TokenEstimate, change: (tokens: number) => number): TokenEstimate {
  const { long } = estimate;
  const changed = mapTokens(estimate, change);
  return long === undefined ? changed : { ...changed, long: mapTokens(long, change) };
}

function mapTokens(
  { inputTokens, inputError, outputTokens, kept }: Tokens,
  change: (tokens: number) => number,
): Tokens {
  return {
    ...(kept === undefined ? {} : { kept }),
    inputTokens: change(inputTokens),
    inputError,
    outputTokens: mapBand(outputTokens, change),
  };
}
