/** How often each of many fingerprints was seen, a few bytes for each. */

/** Counts by fingerprint. */
export interface Counts {
  /** Adds one to the count of `print` and gives what it was before. */
  raise(print: number): number;
  of(print: number): number;
  /** How many different fingerprints have been counted. */
  size(): number;
}

const FIRST_PLACES = 1024;

/** Counts at zero. Fingerprints are whole numbers from 1 up. */
export function createCounts(): Counts {
  // A Map takes five times the room, and a garbage collector looks at each of its keys.
  let prints = new Float64Array(FIRST_PLACES);
  let counts = new Uint32Array(FIRST_PLACES);
  let size = 0;
  const placeOf = (print: number): number => {
    const last = prints.length - 1;
    let place = (print >>> 0) & last;
    while (prints[place] !== 0 && prints[place] !== print) place = (place + 1) & last;
    return place;
  };
  const grow = (): void => {
    const [oldPrints, oldCounts] = [prints, counts];
    prints = new Float64Array(oldPrints.length * 2);
    counts = new Uint32Array(oldCounts.length * 2);
    for (const [at, print] of oldPrints.entries()) {
      if (print === 0) continue;
      const place = placeOf(print);
      prints[place] = print;
      counts[place] = oldCounts[at] ?? 0;
    }
  };
  return {
    raise(print) {
      let place = placeOf(print);
      const before = counts[place] ?? 0;
      if (before === 0) {
        if (size >= prints.length * 0.75) {
          grow();
          place = placeOf(print);
        }
        prints[place] = print;
        size += 1;
      }
      counts[place] = before + 1;
      return before;
    },
    of: (print) => counts[placeOf(print)] ?? 0,
    size: () => size,
  };
}
