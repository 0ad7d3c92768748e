/** Spans: where the words of a quote stand in a text. */

/**
 * The part of a text that a quote repeats, exactly as it stands there; null where the text does not
 * hold it. Any white space counts as any other, since a quote may be broken into lines elsewhere;
 * everything else must be the same.
 */
export function spanOf(quote: string, text: string): string | null {
  const words = quote.split(/\s+/u).filter((word) => word !== "");
  if (words.length === 0) return null;
  const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(escaped.join("\\s+"), "u").exec(text)?.[0] ?? null;
}
