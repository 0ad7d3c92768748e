/** Near misses for a mistyped name. */

/** The number of single-character edits, adjacent swaps included, that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2];
      if (swapped && a[row - 2] === b[column - 1])
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}

/** Up to three known names close to a mistyped one, the closest first; letter case is ignored. */
export function nearMisses(name: string, known: readonly string[]): readonly string[] {
  const wanted = name.toLowerCase();
  const reach = Math.max(2, Math.floor(wanted.length / 3));
  return known
    .map((candidate) => ({ candidate, distance: closeness(wanted, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= reach)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

function closeness(wanted: string, candidate: string): number {
  const contained =
    wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate));
  // "feedback" for a column named "feedback_text" is a slip however long the rest is.
  return contained && candidate.length >= 3 ? 1 : editDistance(wanted, candidate);
}

/** A sentence that offers the near misses, or else the known names; empty when nothing is known. */
export function didYouMean(name: string, known: readonly string[]): string {
  const quoted = (names: readonly string[]): string =>
    names.map((known) => JSON.stringify(known)).join(", ");
  const near = nearMisses(name, known);
  if (near.length > 0) return `Did you mean ${quoted(near)}?`;
  if (known.length === 0) return "";
  const more = known.length > 12 ? `, and ${String(known.length - 12)} more` : "";
  return `Known: ${quoted(known.slice(0, 12))}${more}.`;
}
