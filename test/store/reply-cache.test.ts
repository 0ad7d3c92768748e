import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import { openReplyCache, replyBatch } from "../../src/store/reply-cache.ts";

const MODEL = { provider: "openai", model: "m" };
const UNDER = { ...MODEL, reading: null };

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "cache-")), "project", "cache.sqlite");
});

const lineOf = (text: string) => `{"text":${JSON.stringify(text)}}`;

const idsOf = (...texts: string[]) => Buffer.from(texts.map(contentHash).join(""), "hex");

const replies = (...texts: string[]) => replyBatch(idsOf(...texts), texts.map(lineOf));

describe("a cache", () => {
  it("gives a reply back exactly, in another opening too, and nothing it was not given", async () => {
    const first = await openReplyCache(path);
    first.put(replies("a", "ü\u2028😀"), { ...MODEL, reading: "mark" });
    first[Symbol.dispose]();
    const second = await openReplyCache(path);
    expect(second.find([contentHash("a")])[0]).toEqual({
      line: '{"text":"a"}',
      reading: "mark",
    });
    expect(second.find([contentHash("ü\u2028😀")])[0]?.line).toBe(lineOf("ü\u2028😀"));
    expect(second.find([contentHash("b")])[0]).toBeNull();
    second[Symbol.dispose]();
    expect(await readFile(join(path, "..", ".gitignore"), "utf8")).toBe("*\n");
  });

  it("keeps the last reply to a request", async () => {
    const cache = await openReplyCache(path);
    cache.put(replyBatch(idsOf("a"), ["first"]), UNDER);
    cache.put(replyBatch(idsOf("a"), ["second"]), UNDER);
    expect(cache.find([contentHash("a")])[0]?.line).toBe("second");
    cache.put(replyBatch(idsOf("a", "b", "a"), ["third", "x", "fourth"]), UNDER);
    expect(cache.find([contentHash("a")])[0]?.line).toBe("fourth");
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
    expect(cache.find([contentHash("c")])[0]).toBeNull();
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
    expect(second.find(texts.map(contentHash)).map((it) => it?.line)).toEqual(texts.map(lineOf));
    second.clear({});
    second.put(replies("new"), UNDER);
    expect(second.find([contentHash("new"), contentHash("text 1")])).toEqual([
      { line: lineOf("new"), reading: null },
      null,
    ]);
    second[Symbol.dispose]();
  });

  it("takes no reply for another's whose id begins alike", async () => {
    const cache = await openReplyCache(path);
    const id = contentHash("a");
    const like = `${id.slice(0, 16)}${id.slice(16).split("").reverse().join("")}`;
    cache.put(replyBatch(Buffer.from(id, "hex"), ["mine"]), UNDER);
    expect(cache.find([like, id]).map((it) => it?.line ?? null)).toEqual([null, "mine"]);
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
