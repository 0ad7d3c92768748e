/** An index of request ids in flat arrays: 10,000,000 requests fit in 200 MB. */

import { REQUEST_ID_BYTES as BYTES_PER_ID } from "./chunk.ts";

const WORDS_PER_ID = 3;
const MAX_LOAD = 0.7;
const PAGE_BITS = 14;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** Gives each distinct request id the next ordinal, counted from 0. */
export interface DedupeIndex {
  readonly size: number;
  /** The ordinal of the id that stands at an offset of some bytes, or null after giving it the next one. */
  findOrAdd(ids: DataView, at: number): number | null;
  /** The ordinal this id of 32 hexadecimal digits has; null where it has none. */
  find(id: string): number | null;
  /** Gives ordinals to ids that were known before, 16 bytes each, in the order of their ordinals. */
  restore(ids: Uint8Array): void;
}

/**
 * An empty index.
 *
 * It compares the first 96 of the id's 128 bits: the chance that two of 10,000,000 different requests
 * are taken for one is below 1e-15.
 */
export function dedupeIndex(): DedupeIndex {
  // In pages, so that growing copies nothing and never holds the ids twice.
  const pages: Int32Array[] = [];
  let page = new Int32Array();
  // A slot holds an ordinal and one, and in the bits that leaves free some of the id's: nearly all
  // others are told apart by these, without a look at the pages, which lie far from each other.
  let slots = new Int32Array(2048);
  let size = 0;

  const slotOf = (a: number, b: number, c: number): number => {
    const mask = slots.length - 1;
    const tag = b & ~mask;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const held = slots[slot] ?? 0;
      if (held === 0) return slot;
      if ((held & ~mask) !== tag) continue;
      const ordinal = (held & mask) - 1;
      const ids = pages[ordinal >>> PAGE_BITS];
      const at = (ordinal & PAGE_MASK) * WORDS_PER_ID;
      if (ids?.[at] === a && ids[at + 1] === b && ids[at + 2] === c) return slot;
    }
  };

  const grow = (): void => {
    slots = new Int32Array(slots.length * 2);
    const mask = slots.length - 1;
    for (let ordinal = 0; ordinal < size; ordinal++) {
      const ids = pages[ordinal >>> PAGE_BITS];
      const at = (ordinal & PAGE_MASK) * WORDS_PER_ID;
      // All are different: the first free place is the right one.
      let slot = (ids?.[at] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = ((ids?.[at + 1] ?? 0) & ~mask) | (ordinal + 1);
    }
  };

  const ordinalAt = (slot: number): number | null => {
    const held = slots[slot] ?? 0;
    return held === 0 ? null : (held & (slots.length - 1)) - 1;
  };

  const findOrAdd = (ids: DataView, from: number): number | null => {
    const [a, b, c] = [ids.getInt32(from), ids.getInt32(from + 4), ids.getInt32(from + 8)];
    let slot = slotOf(a, b, c);
    const known = ordinalAt(slot);
    if (known !== null) return known;
    if (size + 1 > slots.length * MAX_LOAD) {
      grow();
      slot = slotOf(a, b, c);
    }
    const at = (size & PAGE_MASK) * WORDS_PER_ID;
    if (at === 0) {
      page = new Int32Array(WORDS_PER_ID << PAGE_BITS);
      pages.push(page);
    }
    page[at] = a;
    page[at + 1] = b;
    page[at + 2] = c;
    size += 1;
    slots[slot] = (b & ~(slots.length - 1)) | size;
    return null;
  };

  return {
    get size() {
      return size;
    },
    find: (id) => ordinalAt(slotOf(wordAt(id, 0), wordAt(id, 8), wordAt(id, 16))),
    findOrAdd,
    restore: (ids) => {
      const words = new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
      for (let at = 0; at < ids.byteLength; at += BYTES_PER_ID) findOrAdd(words, at);
    },
  };
}

// Signed throughout: larger numbers would be objects of their own wherever they are handed on.
/** Eight hexadecimal digits as a signed number; parseInt on a slice takes five times as long. */
function wordAt(id: string, start: number): number {
  let word = 0;
  for (let at = start; at < start + 8; at++) {
    const code = id.charCodeAt(at);
    word = (word << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return word;
}
