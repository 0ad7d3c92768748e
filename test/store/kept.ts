/** What the tests of caches share: replies asked for by what their requests say. */

import { contentHash } from "../../src/core/hash.ts";
import { keptLine } from "../../src/core/kept-lines.ts";
import type { ReplyCache } from "../../src/store/reply-cache.ts";

/** The identities of requests, one after another. */
export function idsOf(...texts: readonly string[]): Buffer {
  return Buffer.from(texts.map(contentHash).join(""), "hex");
}

/** The lines kept for identities, null where there is none. */
export function linesFor(cache: ReplyCache, ids: Uint8Array): readonly (string | null)[] {
  const found = cache.find(ids);
  return [...found.packs.keys()].map((at) => keptLine(found, at));
}
