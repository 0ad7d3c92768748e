/** Drawing without replacement: how likely so few of the marked are among the drawn. */

/** A population of `total`, of which `marked` are of interest and `drawn` are drawn at random. */
export interface Draw {
  readonly total: number;
  readonly marked: number;
  readonly drawn: number;
}

/**
 * The probability that at most `most` of the marked are among the drawn; exact but for rounding, for
 * populations of millions. All counts are whole and `marked` and `drawn` at most `total`.
 */
export function atMost(most: number, { total, marked, drawn }: Draw): number {
  const unmarked = total - marked;
  const fewest = Math.max(0, drawn - unmarked);
  const greatest = Math.min(drawn, marked);
  if (most < fewest) return 0;
  if (most >= greatest) return 1;
  // In logarithms: the first terms of a large draw are smaller than any number.
  let log =
    fewest === 0 ? noneMarked({ total, marked, drawn }) : restMarked({ total, marked, drawn });
  let sum = 0;
  for (let at = fewest; at <= most; at++) {
    sum += Math.exp(log);
    log +=
      Math.log(marked - at) +
      Math.log(drawn - at) -
      Math.log(at + 1) -
      Math.log(unmarked - drawn + at + 1);
  }
  return Math.min(1, sum);
}

/** The logarithm of the probability that none of the marked is drawn. */
function noneMarked({ total, marked, drawn }: Draw): number {
  let log = 0;
  for (let at = 0; at < drawn; at++) log += Math.log1p(-marked / (total - at));
  return log;
}

/** The logarithm of the probability that every one that is not drawn is marked. */
function restMarked({ total, marked, drawn }: Draw): number {
  let log = 0;
  for (let at = 0; at < total - drawn; at++) log += Math.log((marked - at) / (total - at));
  return log;
}
