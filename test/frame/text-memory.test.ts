import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import { describe, expect, it } from "vitest";
import { newFolder } from "./support.ts";

const files = JSON.stringify(new URL("../../src/files/files.ts", import.meta.url).href);

/** Runs a module that can ask for all garbage to be collected, and gives the megabytes it prints. */
function megabytesHeld(script: string, ...args: readonly string[]): number {
  const prelude = `
    const { openFile, writeFileFrame } = await import(${files});
    const held = () => {
      gc();
      // Buffers that the first one found are given back beside it; the second waits for that.
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return (heapUsed + arrayBuffers) / 1e6;
    };
    const [, path, output] = process.argv;
    const frame = await openFile(path);
    const before = held();
    const rowCount = 200_000;`;
  const flags = ["--expose-gc", "--input-type=module", "-e", prelude + script, ...args];
  return Number(execFileSync(process.execPath, flags, { encoding: "utf8" }));
}

const read = `
  let rows = 0;
  for await (const block of frame.blocks(["a"], 1000)) {
    rows += block.text("a").length;
    if (rows === rowCount) process.stdout.write(String(held() - before));
  }`;

const write = `
  async function* cells() {
    for (let firstRow = 0; firstRow < rowCount; firstRow += 1000) {
      if (firstRow === rowCount - 1000) process.stdout.write(String(held() - before));
      yield { firstRow, columns: [Array(1000).fill("new")] };
    }
  }
  await writeFileFrame({ input: frame, output, columns: [{ name: "t", type: "text" }], cells: cells() });`;

const object = `{"a":"${"x".repeat(90)}"}`;

/** A file of 20 MB, or what a compressor makes of it. */
async function file(
  name: string,
  [first, between, last]: readonly [string, string, string],
): Promise<string> {
  const path = join(await newFolder(), name);
  const text = function* (): Generator<string> {
    yield first;
    for (let at = 0; at < 200; at += 1) yield (object + between).repeat(at < 199 ? 1000 : 999);
    yield object + last;
  };
  const compressor = name.endsWith(".gz") ? createGzip() : createZstdCompress();
  const source = Readable.from(text());
  if (/\.(gz|zst)$/.test(name)) await pipeline(source, compressor, createWriteStream(path));
  else await pipeline(source, createWriteStream(path));
  return path;
}

const lines = ["", "\n", "\n"] as const;
const array = ["[", ",\n", "]"] as const;

describe("memory", () => {
  it.each([
    ["in.jsonl", lines],
    ["in.json", array],
    ["in.jsonl.gz", lines],
    ["in.jsonl.zst", lines],
  ])("holds no more than a block of 20 MB that are read from %s", async (name, layout) => {
    expect(megabytesHeld(read, await file(name, layout))).toBeLessThan(5);
  });

  it.each([
    ["in.jsonl", "out.jsonl"],
    ["in.jsonl", "out.json.zst"],
    ["in.jsonl", "out.csv.gz"],
  ])("holds no more than some chunks of 20 MB that are written from %s to %s", async (name, to) => {
    const path = await file(name, lines);
    expect(megabytesHeld(write, path, join(dirname(path), to))).toBeLessThan(8);
  });
});
