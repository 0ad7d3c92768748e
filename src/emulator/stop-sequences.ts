/** Texts at which an answer ends. */

/** A text up to the first of some sequences in it, and which one that was; null when it holds none. */
export function stopped(
  text: string,
  sequences: unknown,
): { readonly text: string; readonly sequence: string | null } {
  const given: readonly unknown[] = Array.isArray(sequences) ? sequences : [];
  const [found] = given
    .filter((sequence) => typeof sequence === "string")
    .map((sequence) => ({ sequence, at: text.indexOf(sequence) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at);
  if (found === undefined) return { text, sequence: null };
  return { text: text.slice(0, found.at), sequence: found.sequence };
}
