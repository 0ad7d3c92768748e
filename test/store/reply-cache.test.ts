import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import fc from "../property.ts";
import { beforeEach, describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import { openReplyCache, replyBatch } from "../../src/store/reply-cache.ts";
import { idsOf, linesFor } from "./kept.ts";

const MODEL = { provider: "openai", model: "m" };
const UNDER = { ...MODEL, reading: null };

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "cache-")), "project", "cache.sqlite");
});

const lineOf = (text: string) => `{"text":${JSON.stringify(text)}}`;

const replies = (...texts: string[]) => replyBatch(idsOf(...texts), texts.map(lineOf));

describe("a cache", () => {
  it("gives a reply back exactly, in another opening too, and nothing it was not given", async () => {
    const first = await openReplyCache(path);
    first.put(replies("a", "ü\u2028😀"), { ...MODEL, reading: "mark" });
    first[Symbol.dispose]();
    const second = await openReplyCache(path);
    const asked = idsOf("ü\u2028😀", "b", "a");
    expect(linesFor(second, asked)).toEqual([lineOf("ü\u2028😀"), null, '{"text":"a"}']);
    expect(second.find(asked).packs.map((pack) => pack?.reading)).toEqual([
      "mark",
      undefined,
      "mark",
    ]);
    second[Symbol.dispose]();
    expect(await readFile(join(path, "..", ".gitignore"), "utf8")).toBe("*\n");
  });

  it("keeps the last reply to a request", async () => {
    const cache = await openReplyCache(path);
    cache.put(replyBatch(idsOf("a"), ["first"]), UNDER);
    cache.put(replyBatch(idsOf("a"), ["second"]), UNDER);
    expect(linesFor(cache, idsOf("a"))).toEqual(["second"]);
    cache.put(replyBatch(idsOf("a", "b", "a"), ["third", "x", "fourth"]), UNDER);
    expect(linesFor(cache, idsOf("a"))).toEqual(["fourth"]);
    expect(cache.shares()[0]?.replies).toBe(2);
    cache[Symbol.dispose]();
  });

  it("tells what it holds of each model, and forgets what is meant", async () => {
    const cache = await openReplyCache(path);
    cache.put(replies("a", "b"), UNDER);
    cache.put(replies("c"), { provider: "anthropic", model: "n", reading: null });
    expect(cache.shares()).toMatchObject([
      { ...MODEL, replies: 2, bytes: expect.any(Number) as number },
      { provider: "anthropic", model: "n", replies: 1 },
    ]);
    expect(cache.clear({ savedBeforeMs: Date.now() - 60_000 })).toBe(0);
    expect(cache.clear({ provider: "openai", model: "n" })).toBe(0);
    expect(cache.clear({ model: "n" })).toBe(1);
    expect(linesFor(cache, idsOf("c"))).toEqual([null]);
    expect(cache.clear({})).toBe(2);
    expect(cache.shares()).toEqual([]);
    cache[Symbol.dispose]();
  });

  it("finds what a process has put that ended before it came into the index, and what is put after a clearing", async () => {
    const first = await openReplyCache(path);
    const texts = Array.from({ length: 1000 }, (_, at) => `text ${String(at)}`);
    first.put(replies(...texts), UNDER);
    first[Symbol.dispose]();
    const second = await openReplyCache(path);
    expect(linesFor(second, idsOf(...texts))).toEqual(texts.map(lineOf));
    second.clear({});
    second.put(replies("new"), UNDER);
    expect(linesFor(second, idsOf("new", "text 1"))).toEqual([lineOf("new"), null]);
    second[Symbol.dispose]();
  });

  it("takes no reply for another's whose id begins alike", async () => {
    const cache = await openReplyCache(path);
    const id = contentHash("a");
    const like = `${id.slice(0, 16)}${id.slice(16).split("").reverse().join("")}`;
    cache.put(replyBatch(Buffer.from(id, "hex"), ["mine"]), UNDER);
    // The second time it is found without the index.
    for (let time = 0; time < 2; time++)
      expect(linesFor(cache, Buffer.from(like + id, "hex"))).toEqual([null, "mine"]);
    cache[Symbol.dispose]();
  });

  it("finds the last reply whatever was read before, in any order, whoever kept it", async () => {
    const text = fc.integer({ min: 0, max: 400 });
    const run = fc.record({ from: text, length: fc.integer({ min: 1, max: 300 }) });
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ put: run, by: fc.constantFrom(0, 1) }) },
      { weight: 4, arbitrary: fc.record({ asked: fc.array(run, { minLength: 1, maxLength: 3 }) }) },
      { weight: 1, arbitrary: fc.record({ clear: fc.constantFrom("one", "two") }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const folder = await mkdtemp(join(tmpdir(), "cache-"));
        const file = join(folder, "cache.sqlite");
        const caches = [await openReplyCache(file), await openReplyCache(file)] as const;
        const known = new Map<string, { readonly line: string; readonly model: string }>();
        const textsOf = ({ from, length }: { readonly from: number; readonly length: number }) =>
          Array.from({ length }, (_, at) => String(from + at));
        for (const [turn, one] of steps.entries()) {
          if ("put" in one) {
            const model = ["one", "two"][one.by] ?? "";
            const line = (named: string): string => `${named} of ${String(turn)}`;
            const texts = textsOf(one.put);
            const batch = replyBatch(idsOf(...texts), texts.map(line));
            caches[one.by === 0 ? 0 : 1].put(batch, { provider: "p", model, reading: null });
            for (const named of texts) known.set(named, { line: line(named), model });
          } else if ("clear" in one) {
            caches[1].clear({ model: one.clear });
            for (const [named, { model }] of known) if (model === one.clear) known.delete(named);
          } else {
            const texts = one.asked.flatMap(textsOf);
            const lines = texts.map((named) => known.get(named)?.line ?? null);
            expect(linesFor(caches[0], idsOf(...texts))).toEqual(lines);
          }
        }
        for (const cache of caches) cache[Symbol.dispose]();
        await rm(folder, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  it("finds more lines in order than it holds packs of, with others between them", async () => {
    const cache = await openReplyCache(path);
    const texts = Array.from({ length: 20_000 }, (_, at) => String(at));
    const even = texts.filter((_, at) => at % 2 === 0);
    const odd = texts.filter((_, at) => at % 2 === 1);
    for (const own of [even, odd]) cache.put(replies(...own), UNDER);
    for (let first = 0; first < texts.length; first += 1000) {
      const some = texts.slice(first, first + 1000);
      const asked = some.flatMap((text, at) => (at % 50 === 0 ? [`${text} changed`, text] : text));
      const lines = asked.map((text) => (text.endsWith("changed") ? null : lineOf(text)));
      expect(linesFor(cache, idsOf(...asked))).toEqual(lines);
    }
    cache[Symbol.dispose]();
  });

  it("comes to one index, made a little at a time by two at once, and though a part is cleared meanwhile", async () => {
    const [one, two] = [await openReplyCache(path), await openReplyCache(path)];
    const texts = Array.from({ length: 20_000 }, (_, at) => String(at));
    const again = texts.filter((_, at) => at % 10 === 0);
    one.put(replies(...texts), UNDER);
    expect(one.indexSome(21_000)).toBe(false);
    expect([one.indexSome(20_000), two.indexSome(1)]).toEqual([true, true]);
    two.put(replyBatch(idsOf(...again), again), { ...UNDER, model: "n" });
    while (one.indexSome(1) || two.indexSome(1)) continue;
    const later = again.map((text) => `${text} later`);
    one.put(replyBatch(idsOf(...texts), texts), { ...UNDER, model: "o" });
    one.put(replyBatch(idsOf(...later), later), { ...UNDER, model: "p" });
    expect(one.indexSome(1)).toBe(true);
    expect(two.clear({ model: "o" })).toBe(20_000);
    expect(linesFor(one, idsOf(...texts.slice(0, 3), ...later.slice(-3)))).toEqual([
      ...[null, null, null],
      ...later.slice(-3),
    ]);
    one.clear({ model: "p" });
    one.put(replies("5"), UNDER);
    expect(linesFor(two, idsOf("5", "10", "11"))).toEqual([lineOf("5"), null, null]);
    two.clear({ model: "m" });
    one.index();
    // Nor does the index hold anything for what is gone.
    const database = new DatabaseSync(path);
    expect(database.prepare("select count(*) as ids from reply").get()).toEqual({ ids: 0 });
    database.close();
    for (const cache of [one, two]) cache[Symbol.dispose]();
  });

  it("hands on few lines of a pack in a pack of their own, and many with the pack they lie in", async () => {
    const cache = await openReplyCache(path);
    const long = (text: string): string => `${text} ${contentHash(text).repeat(4)}`;
    const texts = Array.from({ length: 1280 }, (_, at) => String(at));
    const half = (put: readonly string[], reading: string): void => {
      cache.put(replyBatch(idsOf(...put), put.map(long)), { ...MODEL, reading });
    };
    half(texts.slice(0, 640), "old");
    half(texts.slice(640), "new");
    const bytesOf = (asked: readonly string[]): readonly [packs: number, bytes: number] => {
      const { packs } = cache.find(idsOf(...asked));
      const handed = new Set(packs.flatMap((pack) => pack ?? []));
      return [handed.size, [...handed].reduce((sum, { packed }) => sum + packed.length, 0)];
    };
    const few = texts.filter((_, at) => at % 100 === 7);
    // A line or two of ten packs, of two readings; the last pack is handed on, for what may come.
    expect(linesFor(cache, idsOf(...few))).toEqual(few.map(long));
    const { packs } = cache.find(idsOf(...few));
    expect(packs.map((pack) => pack?.reading)).toEqual(
      few.map((_, at) => (at < 7 ? "old" : "new")),
    );
    const [packsOfFew, bytesOfFew] = bytesOf(few);
    expect(packsOfFew).toBe(3);
    const [, bytesOfAll] = bytesOf(texts);
    expect(bytesOfFew).toBeLessThan(few.length * 140 + bytesOfAll / 9);
    const most = texts.filter((_, at) => at % 10 > 0);
    expect(linesFor(cache, idsOf(...most))).toEqual(most.map(long));
    expect(bytesOf(most)).toEqual(bytesOf(texts));
    expect(bytesOf(texts)[0]).toBe(10);
    cache[Symbol.dispose]();
  });

  it("is written by two processes at once without a loss", async () => {
    const script = `
      import { openReplyCache, replyBatch } from ${JSON.stringify(fileURLToPath(new URL("../../src/store/reply-cache.ts", import.meta.url)))};
      import { contentHash } from ${JSON.stringify(fileURLToPath(new URL("../../src/core/hash.ts", import.meta.url)))};
      const cache = await openReplyCache(process.argv[1]);
      for (let at = 0; at < 200; at++)
        cache.put(
          replyBatch(Buffer.from(contentHash(process.argv[2] + at), "hex"), ["x"]),
          { provider: "p", model: "m", reading: null },
        );
      cache.index();
    `;
    const children = ["one", "two"].map((name) =>
      spawn(process.execPath, ["--input-type=module", "-e", script, path, name]),
    );
    const codes = await Promise.all(
      children.map(async (child) => (await once(child, "exit"))[0] as number),
    );
    expect(codes).toEqual([0, 0]);
    expect(existsSync(path)).toBe(true);
    const cache = await openReplyCache(path);
    expect(cache.shares()[0]?.replies).toBe(400);
    cache[Symbol.dispose]();
  });
});
