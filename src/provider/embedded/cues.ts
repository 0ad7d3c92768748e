/** Surface cues of sentiment that a sentence embedding blurs: negation, contrast, questions, emoji. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/u));

const POSITIVE = words(`
  good great excellent amazing awesome fantastic wonderful superb brilliant perfect perfectly lovely
  love loved loves loving like liked likes enjoy enjoyed enjoyable happy happily glad pleased pleasant
  delighted delightful thrilled satisfied impressed impressive thank thanks grateful appreciate
  appreciated recommend recommended best better nice nicely cool fun funny beautiful gorgeous stunning
  elegant sleek crisp comfortable cosy cozy clean spotless tidy fresh tasty delicious yummy friendly
  kind helpful polite courteous attentive professional knowledgeable patient caring quick quickly fast
  prompt promptly smooth smoothly easy easily effortless simple intuitive convenient reliable sturdy
  solid durable robust accurate flawless flawlessly seamless seamlessly efficient affordable cheap
  bargain worth worthwhile generous outstanding exceptional superior favourite favorite win wins winner
  success successful well works worked wow yay bravo kudos hooray fabulous terrific marvelous marvellous
  super stellar pleasure joy excited exciting calm relaxing safe secure trust trusted improved improvement
  improves saved saves helped helps fixed solved resolved exceeded bonus gem charming fair decent
`);

const NEGATIVE = words(`
  bad terrible horrible awful dreadful poor poorly worst worse hate hated hates dislike disliked
  disappointed disappointing disappointment disappoints sad sadly unhappy upset angry furious annoyed
  annoying frustrated frustrating frustration irritating useless worthless pointless waste wasted rubbish
  garbage trash junk crap crappy shit sucks suck sucked lousy pathetic ridiculous absurd unacceptable
  unusable unreliable unstable broken broke break breaks breaking crash crashed crashes crashing freeze
  freezes froze bug bugs buggy glitch glitchy error errors fail failed fails failing failure faulty
  defective damaged damage cracked torn ripped leaking leaks leaked slow slowly laggy lag late delayed
  delay delays missing lost lose loses losing wrong incorrect mistake mistakes problem problems issue
  issues trouble complain complained complaint complaints refund refused rude impolite unprofessional
  incompetent unhelpful ignored ignore ignores dirty filthy smelly stinks stained noisy loud cold stale
  bland tasteless overpriced expensive pricey costly overcharged scam fraud rip-off ripoff cheated lie
  lied lies misleading confusing confused complicated difficult hard impossible uncomfortable painful
  pain hurt hurts ugly cheaply flimsy fragile weak stuck died dead die dies stopped stops unfortunately
  regret sorry shame shameful ashamed avoid never nightmare mess messy boring bored dull tedious scared
  scary sick ill worried stupid dumb fuck fucking damn hell mad cry crying miserable depressing tired
  squeaking squeaks crooked clunky cumbersome unbearable nobody
`);

const NEGATORS = words(`
  not no never nothing nobody none without cannot cant dont didnt doesnt isnt wasnt wont wouldnt
  hardly barely scarcely neither nor lacks lacking
`);

const CONTRAST = words("but however although though yet whereas except unfortunately otherwise");
const HEDGES = words(
  "ok okay average so-so meh alright fine decent mediocre neither mixed suppose",
);
const QUESTIONS = words(`
  how what when where why who which can could do does did is are will would may should
`);

const POSITIVE_SIGNS =
  /[:;=][-']?[)dDpP\]]|<3|[\u{1F600}-\u{1F60A}\u{1F60D}\u{1F618}\u{1F970}\u{1F929}\u{1F973}\u{1F44D}\u{1F44F}\u{1F64C}\u{1F64F}\u{1F389}\u{1F4AF}\u{1F525}\u{2764}\u{1F495}-\u{1F49F}\u{2B50}\u{1F31F}\u{2705}\u{1F642}]/gu;
const NEGATIVE_SIGNS =
  /[:;=][-']?[(\[/\\|]|>:|[\u{1F61E}-\u{1F62D}\u{1F641}\u{2639}\u{1F44E}\u{1F494}\u{1F620}\u{1F621}\u{1F624}\u{1F92C}\u{1F612}\u{1F615}\u{1F644}\u{1F4A9}\u{1F92E}\u{1F922}\u{274C}]/gu;

/** How many words after a negator it still turns round. */
const NEGATION_REACH = 3;

/** The cues, in the order of the numbers `readCues` gives. */
export const CUE_NAMES = [
  "positive words",
  "negative words",
  "negated positive words",
  "negated negative words",
  "contrast",
  "hedges",
  "opens as a question",
  "question mark",
  "exclamation mark",
  "positive signs",
  "negative signs",
  "no sentiment word at all",
] as const;

interface Counts {
  positive: number;
  negative: number;
  negatedPositive: number;
  negatedNegative: number;
}

const isNegator = (word: string): boolean => NEGATORS.has(word) || word.endsWith("n't");

function countSentiment(tokens: readonly string[]): Counts {
  const counts = { positive: 0, negative: 0, negatedPositive: 0, negatedNegative: 0 };
  let reach = 0;
  for (const token of tokens) {
    const negated = reach > 0;
    reach -= 1;
    if (POSITIVE.has(token)) counts[negated ? "negatedPositive" : "positive"] += 1;
    if (NEGATIVE.has(token)) counts[negated ? "negatedNegative" : "negative"] += 1;
    if (isNegator(token)) reach = NEGATION_REACH;
    // A negation ends with its clause.
    else if (/^[,.;:!?]$/u.test(token) || CONTRAST.has(token)) reach = 0;
  }
  return counts;
}

const capped = (count: number): number => Math.min(count, 3);

/** The text's cues as numbers of about 0 to 3, in the order of `CUE_NAMES`; all 0 for no text. */
export function readCues(text: string): readonly number[] {
  const plain = text.toLowerCase().replaceAll("\u2019", "'");
  const tokens = plain.match(/[\p{L}]+(?:['-]\p{L}+)*|[,.;:!?]/gu) ?? [];
  const counts = countSentiment(tokens);
  const has = (set: ReadonlySet<string>): number => (tokens.some((word) => set.has(word)) ? 1 : 0);
  const found = counts.positive + counts.negative + counts.negatedPositive + counts.negatedNegative;
  return [
    capped(counts.positive),
    capped(counts.negative),
    capped(counts.negatedPositive),
    capped(counts.negatedNegative),
    has(CONTRAST),
    has(HEDGES),
    QUESTIONS.has(tokens[0] ?? "") ? 1 : 0,
    plain.includes("?") ? 1 : 0,
    plain.includes("!") ? 1 : 0,
    capped(plain.match(POSITIVE_SIGNS)?.length ?? 0),
    capped(plain.match(NEGATIVE_SIGNS)?.length ?? 0),
    tokens.length > 0 && found === 0 ? 1 : 0,
  ];
}
