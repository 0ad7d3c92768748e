/** Several embedding requests in one call, and their vectors each in a reply of its own. Pure. */

import { asRecord, numberOf, textOf } from "./json-values.ts";
import type { LiveRequest } from "./live-replies.ts";

type Body = Readonly<Record<string, unknown>>;

/** The bounds of one call. */
export interface PackLimits {
  readonly maxInputs: number;
  /** Of all its texts together. */
  readonly maxCharacters: number;
}

/** Whether a request embeds one text, so that it may share a call with others. */
export function isPackable({ path, body }: LiveRequest): boolean {
  return path === "/embeddings" && typeof body["input"] === "string";
}

/**
 * The requests in packs, in order: those that differ in nothing but their text go together, within
 * the limits; every other request is a pack of one.
 */
export function packsOf(
  requests: readonly LiveRequest[],
  limits: PackLimits,
): readonly (readonly LiveRequest[])[] {
  const packs: LiveRequest[][] = [];
  let open: { kind: string; pack: LiveRequest[]; characters: number } | null = null;
  for (const request of requests) {
    const characters = textOf(request.body["input"])?.length ?? 0;
    const kind = isPackable(request) ? JSON.stringify({ ...request.body, input: null }) : null;
    const fits =
      open !== null &&
      kind === open.kind &&
      open.pack.length < limits.maxInputs &&
      open.characters + characters <= limits.maxCharacters;
    if (open !== null && fits) {
      open.pack.push(request);
      open.characters += characters;
      continue;
    }
    const pack = [request];
    packs.push(pack);
    open = kind === null ? null : { kind, pack, characters };
  }
  return packs;
}

/** The body that asks for all vectors of a pack at once. */
export function packedBody(pack: readonly LiveRequest[]): Body {
  return { ...pack[0]?.body, input: pack.map(({ body }) => body["input"]) };
}

/**
 * The reply to each request of a pack, in its order, out of the reply to all; null when it does not
 * hold exactly one vector for each. The tokens are shared out by the length of the texts and add up.
 */
export function unpacked(reply: unknown, pack: readonly LiveRequest[]): readonly Body[] | null {
  const record = asRecord(reply);
  const data: unknown = record?.["data"];
  if (record === null || !Array.isArray(data) || data.length !== pack.length) return null;
  const vectors = new Map(
    data.map((item: unknown, place) => [numberOf(asRecord(item)?.["index"]) ?? place, item]),
  );
  if (pack.some((_, place) => asRecord(vectors.get(place)) === null)) return null;
  const usages = sharedUsage(asRecord(record["usage"]), pack);
  return pack.map((_, place) => ({
    ...record,
    data: [{ ...asRecord(vectors.get(place)), index: 0 }],
    ...(usages === null ? {} : { usage: usages[place] }),
  }));
}

function sharedUsage(usage: Body | null, pack: readonly LiveRequest[]): readonly Body[] | null {
  const total = numberOf(usage?.["prompt_tokens"]) ?? numberOf(usage?.["total_tokens"]);
  if (total === null) return null;
  const lengths = pack.map(({ body }) => textOf(body["input"])?.length ?? 0);
  const characters = Math.max(
    1,
    lengths.reduce((sum, length) => sum + length, 0),
  );
  let before = 0;
  let given = 0;
  return lengths.map((length) => {
    before += length;
    // Rounding the running sum, and not each share, makes the shares add up to the whole.
    const upTo = before === characters ? total : Math.round((total * before) / characters);
    const tokens = upTo - given;
    given = upTo;
    return { prompt_tokens: tokens, total_tokens: tokens };
  });
}
