import { execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileOf } from "./support.ts";

const sourceOf = (file: string) =>
  JSON.stringify(new URL(`../../src/frame/${file}`, import.meta.url).href);

/** Runs a module that can ask for all garbage to be collected, and gives the megabytes it prints. */
function megabytesHeld(script: string, args: readonly string[]): number {
  const prelude = `
    const { openCsv } = await import(${sourceOf("csv.ts")});
    const { writeCsv } = await import(${sourceOf("csv-write.ts")});
    const held = () => {
      gc();
      // Buffers that the first one found are given back beside it; the second waits for that.
      gc();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return (heapUsed + arrayBuffers) / 1e6;
    };
    const [, path, output] = process.argv;
    const frame = await openCsv(path);
    const before = held();
    const rowCount = 200_000;`;
  const flags = ["--expose-gc", "--input-type=module", "-e", prelude + script, ...args];
  return Number(execFileSync(process.execPath, flags, { encoding: "utf8" }));
}

const line = `${"x".repeat(98)},y\n`;

describe("memory", () => {
  it("holds no more than a block of a file of 20 MB that is read", async () => {
    const path = await fileOf(`a,b\n${line.repeat(200_000)}`);
    const script = `
      let rows = 0;
      for await (const block of frame.blocks(["a", "b"], 1000)) {
        rows += block.text("a").length;
        if (rows === rowCount) process.stdout.write(String(held() - before));
      }`;
    expect(megabytesHeld(script, [path])).toBeLessThan(5);
  });

  it("holds no more than a chunk of a file of 20 MB that is written", async () => {
    const path = await fileOf(`a,b\n${line.repeat(200_000)}`);
    const script = `
      async function* cells() {
        for (let firstRow = 0; firstRow < rowCount; firstRow += 1000) {
          if (firstRow === rowCount - 1000) process.stdout.write(String(held() - before));
          yield { firstRow, columns: [Array(1000).fill("new")] };
        }
      }
      await writeCsv({ input: frame, output, columns: [{ name: "t", type: "text" }], cells: cells() });`;
    // What is on its way to the disk waits for as long as the disk takes.
    expect(megabytesHeld(script, [path, join(dirname(path), "out.csv")])).toBeLessThan(8);
  });
});
