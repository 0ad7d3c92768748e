/** The prompt cache: a prefix that ends in a mark is written the first time it is seen, and read afterwards. */
import { blocksOf, blockTokens } from "./anthropic-content.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { fingerprint } from "./fingerprint.ts";
import type { World } from "./world.ts";

/** A block with `cache_control`: the end of a prefix. */
export interface CachePoint {
  /** What stands before it and in it, marks left out. */
  readonly prefix: string;
  readonly tokens: number;
  readonly ttl: "5m" | "1h";
}

/** Tokens that went into the cache and came out of it. */
export interface CacheUse {
  readonly cacheRead: number;
  readonly cacheWritten5m: number;
  readonly cacheWritten1h: number;
}

/** The marks of a request in the order in which its prefix is read: tools, system, messages. */
export function cachePoints(params: JsonObject): readonly CachePoint[] {
  const { tools, system, messages } = params;
  const turns: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const spoken = turns.flatMap((turn) =>
    isJsonObject(turn)
      ? blocksOf(turn["content"]).map((block) => ({ role: turn["role"], block }))
      : [],
  );
  const blocks = [...blocksOf(tools), ...blocksOf(system)].map((block) => ({ role: "", block }));
  const points: CachePoint[] = [];
  let prefix = String(params["model"]);
  let tokens = 0;
  for (const { role, block } of [...blocks, ...spoken]) {
    const { cache_control: mark, ...rest } = block;
    prefix += `\n${String(role)} ${JSON.stringify(rest)}`;
    tokens += blockTokens(rest);
    if (!isJsonObject(mark)) continue;
    points.push({ prefix, tokens, ttl: mark["ttl"] === "1h" ? "1h" : "5m" });
  }
  return points;
}

/** Looks the prefixes of a request up in the cache, and puts there what it lacks. */
export function cacheUse(world: World, params: JsonObject): CacheUse {
  const points = cachePoints(params);
  const known = points.map(({ prefix }) => world.next(`cached ${String(fingerprint(prefix))}`) > 1);
  const cacheRead = points[known.lastIndexOf(true)]?.tokens ?? 0;
  const written = { "5m": 0, "1h": 0 };
  let reached = cacheRead;
  for (const { tokens, ttl } of points.slice(known.lastIndexOf(true) + 1)) {
    written[ttl] += tokens - reached;
    reached = tokens;
  }
  return { cacheRead, cacheWritten5m: written["5m"], cacheWritten1h: written["1h"] };
}
