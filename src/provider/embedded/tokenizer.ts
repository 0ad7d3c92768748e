/** Text to the model's vocabulary ids: SentencePiece unigram segmentation over a fixed vocabulary. */

/** A vocabulary piece and its log probability; its place in the list is its id. */
export type Piece = readonly [text: string, score: number];

/** What the model reads of a text at most; later tokens have no influence on the embedding. */
export const MAX_TOKENS = 128;

/**
 * What is segmented of a text at most, in UTF-16 units after whitespace is collapsed. It is more
 * than 128 tokens in every ordinary text, and keeps a pasted book from costing more than a page.
 */
export const MAX_CHARACTERS = 8_192;

const UNKNOWN = 0;
const RESERVED_IDS = 6;
const SPACE_MARK = "\u2581";

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  id: number;
  score: number;
}

const emptyNode = (): TrieNode => ({ next: new Map(), id: -1, score: 0 });

function buildTrie(vocabulary: readonly Piece[]): TrieNode {
  const root = emptyNode();
  for (const [id, [text, score]] of vocabulary.entries()) {
    // The first six are control symbols; a user who types "<s>" means the characters.
    if (id < RESERVED_IDS) continue;
    let node = root;
    for (const symbol of text) {
      const code = symbol.codePointAt(0) ?? 0;
      let child = node.next.get(code);
      if (child === undefined) {
        child = emptyNode();
        node.next.set(code, child);
      }
      node = child;
    }
    node.id = id;
    node.score = score;
  }
  return root;
}

/**
 * The text as the model was trained to see it: NFKC, control characters dropped, every run of
 * whitespace (newlines and tabs included) one space, none at the ends, and spaces marked.
 */
export function normaliseText(text: string): string {
  // Cut before NFKC, which can lengthen a character up to 18 times, and again after collapsing.
  const normal = text
    .slice(0, MAX_CHARACTERS * 4)
    .toWellFormed()
    .normalize("NFKC")
    .replace(/[\s\u200b\ufeff]+/gu, " ")
    .replace(/[\p{Cc}\u00ad]/gu, "")
    .trim()
    .slice(0, MAX_CHARACTERS)
    .toWellFormed();
  return normal === "" ? "" : SPACE_MARK + normal.replaceAll(" ", SPACE_MARK);
}

/** The best way to reach each position: total score, where its last piece began, and that piece. */
interface Lattice {
  readonly score: Float64Array;
  readonly from: Int32Array;
  readonly piece: Int32Array;
}

function offer(
  lattice: Lattice,
  to: number,
  way: { from: number; id: number; score: number },
): void {
  const total = (lattice.score[way.from] ?? 0) + way.score;
  // On a tie the later start wins, as in the reference tokenizer.
  if (total < (lattice.score[to] ?? 0)) return;
  lattice.score[to] = total;
  lattice.from[to] = way.from;
  lattice.piece[to] = way.id;
}

function fillLattice(root: TrieNode, symbols: readonly number[]): Lattice {
  const size = symbols.length + 1;
  const score = new Float64Array(size).fill(-Infinity);
  score[0] = 0;
  const lattice = { score, from: new Int32Array(size), piece: new Int32Array(size) };
  for (let from = 0; from < symbols.length; from += 1) {
    if (score[from] === -Infinity) continue;
    let node = root.next.get(symbols[from] ?? 0);
    let found = false;
    for (let to = from + 1; node !== undefined; to += 1) {
      if (node.id >= 0) {
        offer(lattice, to, { from, id: node.id, score: node.score });
        found = true;
      }
      if (to >= symbols.length) break;
      node = node.next.get(symbols[to] ?? 0);
    }
    if (!found) offer(lattice, from + 1, { from, id: UNKNOWN, score: 0 });
  }
  return lattice;
}

function readBack(lattice: Lattice): number[] {
  const ids: number[] = [];
  for (let at = lattice.score.length - 1; at > 0; at = lattice.from[at] ?? 0) {
    const id = lattice.piece[at] ?? UNKNOWN;
    // A run of unknown characters (emoji, an unlisted script) is one token.
    if (id === UNKNOWN && ids.at(-1) === UNKNOWN) continue;
    ids.push(id);
  }
  return ids.reverse();
}

/**
 * A function from text to at most 128 ids. Characters outside the vocabulary become id 0, runs of
 * them a single one; the empty and the all-blank text give no ids. Never throws, whatever the text.
 */
export function buildTokenizer(vocabulary: readonly Piece[]): (text: string) => number[] {
  const root = buildTrie(vocabulary);
  return (text) => {
    const symbols = Array.from(normaliseText(text), (symbol) => symbol.codePointAt(0) ?? 0);
    return readBack(fillLattice(root, symbols)).slice(0, MAX_TOKENS);
  };
}
