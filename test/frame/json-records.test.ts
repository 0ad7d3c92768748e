import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  jsonBatches,
  JsonFault,
  lineFeeds,
  lineOf,
  type JsonBatch,
  type JsonLayout,
} from "../../src/frame/json-records.ts";

async function* inChunks(text: string, sizes: readonly number[]): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const end = at + (sizes[index % sizes.length] ?? 1);
    yield await Promise.resolve(bytes.subarray(at, end));
    at = end;
  }
}

async function cut(text: string, layout: JsonLayout, sizes = [5]): Promise<JsonBatch[]> {
  return Array.fromAsync(jsonBatches(inChunks(text, sizes), layout));
}

const texts = (batches: readonly JsonBatch[]): string[] => batches.flatMap((it) => it.texts);

/** The file again, from its pieces. */
function whole(batches: readonly JsonBatch[]): string {
  const of = ({ gaps, texts, tail }: JsonBatch): string =>
    texts.map((text, at) => (gaps[at] ?? "") + text).join("") + tail;
  return batches.map(of).join("");
}

async function faultOf(text: string, layout: JsonLayout): Promise<JsonFault> {
  const error: unknown = await cut(text, layout).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof JsonFault) return error;
  throw new Error("expected a JsonFault and got none");
}

const tricky = fc
  .array(fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", "é", "😀", "a", "\n"))
  .map((parts) => parts.join(""));
const value = fc.oneof(
  tricky,
  fc.integer(),
  fc.constant(null),
  fc.array(tricky),
  fc.dictionary(tricky, tricky),
);
const row = fc.dictionary(tricky, value, { maxKeys: 4 });
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
const bom = fc.constantFrom("", "\ufeff");

describe("any JSON Lines", () => {
  it("are cut into their objects and what stands between, whatever the chunks", async () => {
    const lines = fc.array(
      fc.tuple(row, fc.constantFrom("\n", "\r\n", "\n\n", "\n \t\n"), fc.constantFrom("", "  ")),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.boolean(), sizes, bom, async (rows, ends, chunks, mark) => {
        const objects = rows.map(([it]) => JSON.stringify(it));
        const parts = rows.map(([, end, indent], at) =>
          at === rows.length - 1 && !ends
            ? `${indent}${objects[at] ?? ""}`
            : `${indent}${objects[at] ?? ""}${end}`,
        );
        const text = mark + parts.join("");
        const batches = await cut(text, "jsonl", chunks);
        expect(texts(batches)).toEqual(objects);
        expect(whole(batches)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe("any JSON array", () => {
  it("is cut into its objects and what stands between, whatever the chunks", async () => {
    const indents = fc.constantFrom(undefined, 1, 2, "\t");
    await fc.assert(
      fc.asyncProperty(fc.array(row), indents, sizes, bom, async (rows, indent, chunks, mark) => {
        const text = `${mark} ${JSON.stringify(rows, null, indent)}\r\n`;
        const batches = await cut(text, "json", chunks);
        expect(texts(batches).map((it) => JSON.parse(it) as unknown)).toEqual(
          rows.map((it) => JSON.parse(JSON.stringify(it)) as unknown),
        );
        expect(whole(batches)).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the line of an object", () => {
  it("is the one on which its brace stands, in any batch", async () => {
    const text = '\n{"a":1}\n\n \n{"a":2}\r\n{"a":3}';
    const batches = await cut(text, "jsonl", [3]);
    const lines = batches.flatMap((batch) => batch.texts.map((_, at) => lineOf(batch, at)));
    expect(lines).toEqual([2, 5, 6]);
    const pretty = await cut(
      JSON.stringify([{ a: 1 }, { b: [2] }, { c: 3 }], null, 2),
      "json",
      [9],
    );
    const prettyLines = pretty.flatMap((batch) => batch.texts.map((_, at) => lineOf(batch, at)));
    expect(prettyLines).toEqual([2, 5, 10]);
  });

  it("counts line feeds", () => {
    expect(lineFeeds("\n\r\na\n")).toBe(3);
  });
});

describe("what is no sequence of objects", () => {
  it.each<[string, JsonLayout, JsonFault["kind"], number]>([
    ['{"a":1}\n[1]\n', "jsonl", "not_object", 2],
    ['{"a":1}\n\nnull', "jsonl", "not_object", 3],
    ['{"a":1}\n{"a":', "jsonl", "not_object", 2],
    ['{\n"a":1}\n', "jsonl", "not_object", 1],
    ['{"a":1}\n', "json", "not_array", 1],
    ["[\n1]", "json", "not_object", 2],
    ['[{"a":1},]', "json", "not_object", 1],
    ['[{"a":1}\n{"a":2}]', "json", "separator", 2],
    ['[{"a":1},\n{"a":2}', "json", "cut_short", 2],
    ['[{"a":1},\n{"a":"2', "json", "cut_short", 2],
    ["[", "json", "cut_short", 1],
    ['[{"a":1}]\n\n[]', "json", "trailing", 3],
  ])("%j is refused", async (text, layout, kind, line) => {
    const fault = await faultOf(text, layout);
    expect([fault.kind, fault.line]).toEqual([kind, line]);
  });
});
