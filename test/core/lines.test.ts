import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { linesOf, type Line } from "../../src/core/lines.ts";

async function* inPieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(bytes.length);
  const ends = [...new Set(cuts.map((cut) => Math.min(cut, bytes.length)))].sort((a, b) => a - b);
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    // One buffer for all pieces, as readers that reuse theirs do.
    buffer.fill(0);
    buffer.set(bytes.subarray(start, end));
    yield await Promise.resolve(buffer.subarray(0, end - start));
    start = end;
  }
}

async function read(bytes: Uint8Array, cuts: readonly number[] = []): Promise<readonly Line[]> {
  return await Array.fromAsync(linesOf(inPieces(bytes, cuts)));
}

const texts = async (text: string): Promise<readonly string[]> =>
  (await read(Buffer.from(text))).map((line) => line.text);

describe("linesOf", () => {
  it("splits on line feeds only", async () => {
    expect(await texts('{"a":"x\u2028y\u2029z\u0085\v\f"}\nb\rc\n')).toEqual([
      '{"a":"x\u2028y\u2029z\u0085\v\f"}',
      "b\rc",
    ]);
  });

  it("drops a carriage return before the line feed, blank lines, and a byte order mark", async () => {
    expect(await texts("\uFEFFa\r\n\r\n\n\nb\r\n")).toEqual(["a", "b"]);
    expect(await texts("\uFEFF")).toEqual([]);
    expect(await texts("")).toEqual([]);
  });

  it("gives a last line without a line feed, and says so", async () => {
    const lines = await read(Buffer.from("a\nbc"));
    expect(lines).toEqual([
      { text: "a", offset: 0, length: 1, terminated: true },
      { text: "bc", offset: 2, length: 2, terminated: false },
    ]);
  });

  it("gives the same lines wherever the stream is cut, and where each one lies", async () => {
    const token = fc.constantFrom("a", "é", "😀", "\n", "\r\n", "\r", "\u2028", "\uFEFF", "{}");
    const whole = fc.array(token, { maxLength: 40 }).map((tokens) => tokens.join(""));
    const cuts = fc.array(fc.nat(100), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(whole, cuts, async (text, places) => {
        const bytes = Buffer.from(text);
        const lines = await read(bytes, places);
        expect(lines).toEqual(await read(bytes));
        const bare = text
          .split("\n")
          .map((line, at) => (at === 0 ? line.replace(/^\uFEFF/, "") : line).replace(/\r$/, ""));
        expect(lines.map((line) => line.text)).toEqual(bare.filter((line) => line !== ""));
        for (const line of lines) {
          const lying = bytes.subarray(line.offset, line.offset + line.length).toString();
          expect(lying.replace(line.offset === 0 ? /^\uFEFF/ : "", "").replace(/\r$/, "")).toBe(
            line.text,
          );
          expect(bytes[line.offset + line.length] ?? null).toBe(line.terminated ? 10 : null);
        }
      }),
    );
  });
});
