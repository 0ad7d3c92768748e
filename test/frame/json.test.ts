import { appendFile, utimes, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { openJson } from "../../src/frame/json.ts";
import { allTexts, allValues, failureOf, fileOf } from "./support.ts";

/** Any value in which no integer is one that a number cannot tell from its neighbours: those are bigints. */
const exactJson = fc.jsonValue().filter((value) => !/\d{16}/.test(JSON.stringify(value)));

const lines = (...rows: readonly string[]): string => rows.map((row) => `${row}\n`).join("");

async function opened(content: string | Buffer) {
  return openJson(await fileOf(content, "rows.jsonl"), { layout: "jsonl" });
}

describe("columns", () => {
  it("are all names, in the order of their first coming, however late that is", async () => {
    const rows = Array.from({ length: 5000 }, (_, at) => `{"b":${at},"a":"x"}`);
    const frame = await opened(lines(...rows, '{"10":1,"a":2,"late":3}'));
    expect(frame.columns).toEqual(["b", "a", "10", "late"]);
    const texts = await allTexts(frame);
    expect(texts[0]).toEqual(["0", "x", null, null]);
    expect(texts[5000]).toEqual([null, "2", "1", "3"]);
  });

  it("may have any name", async () => {
    const frame = await opened('{"__proto__":"a","":"b","toString":"c","\\u00e9 x":"d"}');
    expect(frame.columns).toEqual(["__proto__", "", "toString", "é x"]);
    expect(await allTexts(frame)).toEqual([["a", "b", "c", "d"]]);
  });

  it("are those of the first rows where no more are looked at", async () => {
    const path = await fileOf(lines('{"a":1}', '{"b":2}', "{no JSON}"), "rows.jsonl");
    const frame = await openJson(path, { layout: "jsonl", rowsSeen: 2 });
    expect(frame.columns).toEqual(["a", "b"]);
  });
});

describe("cells", () => {
  it("are the file's own text: no digit, no space and no order is lost", async () => {
    const frame = await opened(
      lines('{"n":9007199254740993,"o":{"b" : 1.50, "a":[ ]}}', '{"n":-1.10E+2,"o":null}', "{}"),
    );
    expect(await allTexts(frame)).toEqual([
      ["9007199254740993", '{"b" : 1.50, "a":[ ]}'],
      ["-1.10E+2", null],
      [null, null],
    ]);
    expect(await allValues(frame, "n")).toEqual([9007199254740993n, -110, null]);
    expect(await allValues(frame, "o")).toEqual([{ b: 1.5, a: [] }, null, null]);
  });

  it("are those JSON.parse gives, for any rows, in blocks of any size, as lines and as an array", async () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), exactJson);
    const row = fc.dictionary(fc.string(), value, { maxKeys: 5 });
    const path = { jsonl: await fileOf("", "a.jsonl"), json: await fileOf("", "a.json") };
    const rowsAndSize = [
      fc.array(row, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
    ] as const;
    await fc.assert(
      fc.asyncProperty(
        ...rowsAndSize,
        fc.constantFrom("jsonl", "json"),
        async (rows, maxRows, layout) => {
          const objects = rows.map((it) => JSON.stringify(it));
          const text = layout === "jsonl" ? objects.join("\n") : `[${objects.join(",\n")}]`;
          await writeFile(path[layout], text);
          const frame = await openJson(path[layout], { layout });
          const parsed = objects.map((it) => new Map(Object.entries(JSON.parse(it) as object)));
          const columns = [...new Set(parsed.flatMap((it) => [...it.keys()]))];
          expect(frame.columns.toSorted()).toEqual(columns.toSorted());
          let at = 0;
          for await (const block of frame.blocks(frame.columns, maxRows)) {
            expect(block.firstRow).toBe(at);
            expect(block.rowCount).toBeLessThanOrEqual(maxRows);
            for (const name of frame.columns) {
              const expected = parsed
                .slice(at, at + block.rowCount)
                .map((it) => (it.get(name) as unknown) ?? null);
              expect(block.values(name)).toEqual(expected);
              const texts = expected.map((it) =>
                typeof it === "string" || it === null ? it : JSON.stringify(it),
              );
              expect(block.text(name)).toEqual(texts);
            }
            at += block.rowCount;
          }
          expect(at).toBe(rows.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are found under the columns asked for, in any order", async () => {
    const frame = await opened(lines('{"a":1,"b":2,"c":3}', '{"c":6,"a":4}'));
    expect(await allTexts(frame, { columns: ["c", "a"] })).toEqual([
      ["3", "1"],
      ["6", "4"],
    ]);
    const failure = await failureOf(() => allTexts(frame, { columns: ["d"] }));
    expect(failure.code).toBe("unknown_column");
  });

  it("stay the same with blank lines, CRLF, a byte order mark and no last line ending", async () => {
    const plain = await opened(lines('{"a":1}', '{"a":2}'));
    const odd = await opened('\ufeff\r\n{"a":1}\r\n\r\n \t\n  {"a":2}');
    expect(await allTexts(odd)).toEqual(await allTexts(plain));
    expect(odd.columns).toEqual(["a"]);
  });
});

describe("what cannot be read is refused, with the line", () => {
  it.each<[string, string, RegExp]>([
    [lines('{"a":1}', "", '{"a":1,"b":2,"a":3}'), "duplicate_column", /line 3 .*"a"/],
    [lines('{"a":1}', '{"\\u0061":1,"a":3}'), "duplicate_column", /line 2/],
    [lines('{"a":1}', '{"a":NaN}'), "json_syntax", /line 2 .*not valid JSON/],
    [lines('{"a":1}', '{"a":"tab\there"}'), "json_syntax", /line 2/],
    [lines('{"a":1}', '{"a":01}'), "json_syntax", /line 2/],
    [lines('{"a":1}', "", "[1]"), "json_syntax", /line 3 .*not one whole JSON object/],
    [lines('{"a":1} {"a":2}'), "json_syntax", /line 1/],
    ["", "file_empty", /0 bytes/],
    ["\ufeff\n \n", "file_empty", /blank/],
  ])("%j", async (content, code, message) => {
    const failure = await failureOf(() => opened(content));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(message);
    expect(failure.message).toContain("Nothing was sent.");
  });

  it("as an array too", async () => {
    const of = async (content: string) =>
      failureOf(async () => openJson(await fileOf(content, "a.json"), { layout: "json" }));
    expect((await of("[]")).code).toBe("no_rows");
    expect((await of(" ")).code).toBe("file_empty");
    expect((await of('[\n{"a":1},\n{"a":1 "b":2}]')).message).toMatch(/line 3/);
    expect((await of('[{"a":1}')).message).toMatch(/ends on line 1 before its array/);
  });

  it("bytes that are not UTF-8", async () => {
    const content = Buffer.concat([
      Buffer.from('{"a":1}\n{"a":"'),
      Buffer.from([0xe9]),
      Buffer.from('"}'),
    ]);
    const failure = await failureOf(() => opened(content));
    expect(failure.code).toBe("not_utf8");
    expect(failure.message).toMatch(/line 2/);
  });

  it("a fault in the last of many rows", async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `{"a":${at}}`);
    const failure = await failureOf(() => opened(lines(...rows, '{"a":}')));
    expect(failure.message).toMatch(/line 20001 /);
  });
});

describe("the fingerprint", () => {
  it("is that of the text, compressed or not, and changes with it", async () => {
    const text = lines('{"a":1}', '{"a":2}');
    const plain = await opened(text);
    expect(plain.plannedSha256()).toBeNull();
    const first = await plain.fingerprint();
    expect(plain.plannedSha256()).toBe(first);
    expect(await (await opened(gzipSync(text))).fingerprint()).toBe(first);
    await appendFile(plain.path, '{"a":3}\n');
    expect(await plain.fingerprint()).not.toBe(first);
  });

  it("is not that of the first reading once the file was written to, though it has the same length", async () => {
    const frame = await opened('{"a":1}');
    const first = await frame.fingerprint();
    await writeFile(frame.path, '{"a":2}');
    await utimes(frame.path, new Date(), new Date(frame.openedState.modifiedMs + 5000));
    expect(await frame.fingerprint()).not.toBe(first);
    expect((await failureOf(() => allTexts(frame))).code).toBe("input_changed");
  });
});
