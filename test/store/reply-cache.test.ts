import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import { openReplyCache } from "../../src/store/reply-cache.ts";

const MODEL = { provider: "openai", model: "m" };

let path: string;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "cache-")), "project", "cache.sqlite");
});

const reply = (text: string) => ({
  id: contentHash(text),
  line: `{"text":${JSON.stringify(text)}}`,
});

describe("a cache", () => {
  it("gives a reply back exactly, in another opening too, and nothing it was not given", async () => {
    const first = await openReplyCache(path);
    first.put([reply("a"), reply("ü\u2028😀")], MODEL);
    first[Symbol.dispose]();
    const second = await openReplyCache(path);
    expect(second.find([contentHash("a")])[0]).toBe('{"text":"a"}');
    expect(second.find([contentHash("ü\u2028😀")])[0]).toBe(reply("ü\u2028😀").line);
    expect(second.find([contentHash("b")])[0]).toBeNull();
    second[Symbol.dispose]();
    expect(await readFile(join(path, "..", ".gitignore"), "utf8")).toBe("*\n");
  });

  it("keeps the last reply to a request", async () => {
    const cache = await openReplyCache(path);
    cache.put([{ id: contentHash("a"), line: "first" }], MODEL);
    cache.put([{ id: contentHash("a"), line: "second" }], MODEL);
    expect(cache.find([contentHash("a")])[0]).toBe("second");
    cache[Symbol.dispose]();
  });

  it("tells what it holds of each model, and forgets what is meant", async () => {
    const cache = await openReplyCache(path);
    cache.put([reply("a"), reply("b")], MODEL);
    cache.put([reply("c")], { provider: "anthropic", model: "n" });
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

  it("is written by two processes at once without a loss", async () => {
    const script = `
      import { openReplyCache } from ${JSON.stringify(fileURLToPath(new URL("../../src/store/reply-cache.ts", import.meta.url)))};
      import { contentHash } from ${JSON.stringify(fileURLToPath(new URL("../../src/core/hash.ts", import.meta.url)))};
      const cache = await openReplyCache(process.argv[1]);
      for (let at = 0; at < 200; at++)
        cache.put([{ id: contentHash(process.argv[2] + at), line: "x" }], { provider: "p", model: "m" });
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
