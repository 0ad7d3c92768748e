import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../property.ts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eachLine } from "../../src/emulator/lines.ts";

let directory = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "lines-test-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

async function read(text: string): Promise<{ texts: string[]; found: boolean }> {
  const path = join(directory, "file");
  await writeFile(path, text);
  const whole = Buffer.from(text);
  const texts: string[] = [];
  let found = true;
  await eachLine(path, ({ number, offset, bytes }) => {
    texts.push(bytes.toString());
    found &&= number === texts.length;
    found &&= whole.subarray(offset, offset + bytes.length).equals(bytes);
    return null;
  });
  return { texts, found };
}

describe("eachLine", () => {
  it("gives what splitting on line feeds gives, with true offsets", async () => {
    const piece = fc.constantFrom("a", "é", "\u2028", "\r", "\n", "{}", "");
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), async (pieces) => {
        const text = pieces.join("");
        const expected = text.split("\n");
        if (expected.at(-1) === "") expected.pop();
        expect(await read(text)).toEqual({ texts: expected, found: true });
      }),
      { numRuns: 60 },
    );
  });

  it("joins a line that is longer than several pieces", async () => {
    const long = "x".repeat(3_500_000);
    const { texts, found } = await read(`a\n${long}\nb`);
    expect(found).toBe(true);
    expect(texts.map((text) => text.length)).toEqual([1, 3_500_000, 1]);
  });
});
