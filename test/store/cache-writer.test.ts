import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import { cacheWriter } from "../../src/store/cache-writer.ts";
import { openReplyCache, replyBatch, type ReplyCache } from "../../src/store/reply-cache.ts";

const UNDER = { provider: "openai", model: "m", reading: "mark" };
const BATCH = 2000;
const BATCHES = 4;

let folder: string;
let cache: ReplyCache;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cache-"));
  cache = await openReplyCache(join(folder, "cache.sqlite"));
});
afterEach(async () => {
  cache[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

const textsOf = (batch: number): string[] =>
  Array.from({ length: BATCH }, (_, at) => `${String(batch * BATCH + at)} ${"x".repeat(2000)}`);

const batchOf = (batch: number) => {
  const texts = textsOf(batch);
  return replyBatch(Buffer.from(texts.map(contentHash).join(""), "hex"), texts);
};

const linesIn = (batch: number): readonly (string | null)[] =>
  cache.find(textsOf(batch).map(contentHash)).map((kept) => kept?.line ?? null);

describe("writing to a cache", () => {
  it("keeps what a thread was given once each put has settled, and all of it after the end", async () => {
    const puts: number[] = [];
    const watched = {
      put: (...given: Parameters<ReplyCache["put"]>) => {
        puts.push(given[0].ends.length);
        cache.put(...given);
      },
      index: () => {
        cache.index();
      },
    };
    const writer = cacheWriter(watched, join(folder, "cache.sqlite"));
    for (let batch = 0; batch < BATCHES; batch++) {
      await writer.put(batchOf(batch), UNDER);
      expect(linesIn(batch)).toEqual(textsOf(batch));
    }
    await writer.close();
    // The first two are too little for a thread; the others never came to the loop.
    expect(puts).toEqual([BATCH, BATCH]);
    expect(cache.shares()).toMatchObject([{ replies: BATCH * BATCHES }]);
  });

  it("does it itself where the thread cannot, and nothing is lost", async () => {
    await writeFile(join(folder, "other"), "This is no database, and long enough to be looked at.");
    const writer = cacheWriter(cache, join(folder, "other"));
    await Promise.all(Array.from({ length: BATCHES }, (_, at) => writer.put(batchOf(at), UNDER)));
    await writer.close();
    for (let batch = 0; batch < BATCHES; batch++) expect(linesIn(batch)).toEqual(textsOf(batch));
  });

  it("tells what went wrong where nobody can", async () => {
    const broken = () => {
      throw new Error("the disk is full");
    };
    const failing = cacheWriter({ put: broken, index: broken }, folder);
    const put = async () => {
      for (let batch = 0; batch < BATCHES; batch++) await failing.put(batchOf(batch), UNDER);
    };
    await expect(put()).rejects.toThrow("the disk is full");
  });
});
