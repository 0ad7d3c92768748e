import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheWriter } from "../../src/store/cache-writer.ts";
import { openReplyCache, type ReplyCache } from "../../src/store/reply-cache.ts";
import { replyBatches, type RepliesInFile } from "../../src/store/reply-file.ts";
import { idsOf, linesFor } from "./kept.ts";

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

/** The texts as a file of lines has them, in another order. */
async function fileOf(batch: number): Promise<RepliesInFile> {
  const texts = textsOf(batch);
  const path = join(folder, `${String(batch)}.jsonl`);
  const offsets = new Float64Array(BATCH);
  let bytes = 0;
  const lines = texts.map((_, at) => {
    const place = (at * 7) % BATCH;
    const line = `${texts[place] ?? ""}\n`;
    offsets[place] = bytes;
    bytes += line.length;
    return line;
  });
  await writeFile(path, lines.join(""));
  const lengths = Uint32Array.from(texts, (text) => text.length);
  return { path, ids: idsOf(...texts), offsets, lengths };
}

const linesIn = (batch: number): readonly (string | null)[] =>
  linesFor(cache, idsOf(...textsOf(batch)));

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
      await writer.keep(await fileOf(batch), UNDER);
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
    const keep = async (_: unknown, at: number) => {
      await writer.keep(await fileOf(at), UNDER);
    };
    await Promise.all(Array.from({ length: BATCHES }, keep));
    await writer.close();
    for (let batch = 0; batch < BATCHES; batch++) expect(linesIn(batch)).toEqual(textsOf(batch));
  });

  it("tells what went wrong where nobody can", async () => {
    const broken = () => {
      throw new Error("the disk is full");
    };
    const failing = cacheWriter({ put: broken, index: broken }, folder);
    const put = async () => {
      for (let batch = 0; batch < BATCHES; batch++) await failing.keep(await fileOf(batch), UNDER);
    };
    await expect(put()).rejects.toThrow("the disk is full");
  });

  it("reads a file in stretches, each in the order of the plan", async () => {
    const replies = await fileOf(0);
    const first = replies.ids.length / BATCH;
    const batches = [...replyBatches(replies, 100_000)];
    expect(batches.length).toBeGreaterThan(10);
    const found = batches.flatMap(({ ids, lines, ends }) =>
      Array.from(ends, (end, at) => ({
        id: Buffer.from(ids.subarray(at * first, (at + 1) * first)).toString("hex"),
        line: Buffer.from(lines.subarray(ends[at - 1] ?? 0, end))
          .toString()
          .replace(/\n$/, ""),
      })),
    );
    for (const { id, line } of found) expect(idsOf(line).toString("hex")).toBe(id);
    expect(new Set(found.map(({ line }) => line))).toEqual(new Set(textsOf(0)));
    const places = batches.map(({ lines, ends }) =>
      Array.from(ends, (end, at) => parseInt(lines.subarray(ends[at - 1] ?? 0, end).toString())),
    );
    for (const each of places) expect(each).toEqual(each.toSorted((a, b) => a - b));
  });

  it("does not keep what is not in the file any more", async () => {
    const replies = await fileOf(0);
    await truncate(replies.path, 1000);
    expect(() => [...replyBatches(replies)]).toThrow("shorter than it was");
  });
});
