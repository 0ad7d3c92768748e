/** Which words of a description a text uses, as evidence beside the similarity of their meanings. */

const EMPTY_WORDS = new Set(
  `the and for are was were with that this have has had does did can could been not when how what why
   will would from but you your our they them there then than some any all its his her who which into
   about also just only very more most over under out off text customer user person asks asking says
   wants wanting something someone anything other true false whether mentions is
  `.split(/\s+/u),
);

/** Letters of a word that are compared, so that "delivered" and "delivery" are the same word. */
const STEM_LENGTH = 5;

/** The stems of a text's telling words: of three letters or more and not grammar. */
export function stemsOf(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
  return new Set(
    words.filter((word) => !EMPTY_WORDS.has(word)).map((word) => word.slice(0, STEM_LENGTH)),
  );
}

/**
 * For each description, how many of its words the text uses. A word that several descriptions
 * share counts as a fraction in each, since it tells them apart less. At most 1.5 each: beyond
 * that, more words are repetition and not more evidence.
 */
export function overlapWith(descriptions: readonly ReadonlySet<string>[]) {
  const sharers = new Map<string, number>();
  for (const stems of descriptions) {
    for (const stem of stems) sharers.set(stem, (sharers.get(stem) ?? 0) + 1);
  }
  return (text: string): number[] => {
    const used = [...stemsOf(text)];
    return descriptions.map((stems) => {
      const shared = used.filter((stem) => stems.has(stem));
      return Math.min(
        1.5,
        shared.reduce((sum, stem) => sum + 1 / (sharers.get(stem) ?? 1), 0),
      );
    });
  };
}
