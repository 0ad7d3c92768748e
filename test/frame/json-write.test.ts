import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import type { JsonLayout } from "../../src/frame/json-records.ts";
import { writeJson } from "../../src/frame/json-write.ts";
import { openJson } from "../../src/frame/json.ts";
import { allTexts, blocksOfCells, failureOf, fileOf, newFolder } from "./support.ts";
import { duckdb, polarsJsonRows } from "./typed-support.ts";

const text = (name: string): NewColumn => ({ name, type: "text" });

/** Writes the files' contents, given by name, with one new column, and gives the output. */
async function enriched(
  contents: readonly string[],
  cells: readonly NewCell[],
  [from, to]: readonly [JsonLayout, JsonLayout],
): Promise<string> {
  const folder = await newFolder();
  const output = join(folder, "out");
  const inputs = [];
  for (const [at, content] of contents.entries()) {
    const path = join(folder, `${at}.${from}`);
    await writeFile(path, content);
    inputs.push(await openJson(path, { layout: from }));
  }
  const columns = [text("new")];
  await writeJson({ inputs, output, columns, cells: blocksOfCells([cells]), layout: to });
  return readFile(output, "utf8");
}

const same = (layout: JsonLayout) => [layout, layout] as const;

describe("the input comes back as it is", () => {
  it.each<[string, string, NewCell[], string]>([
    ["compact", '{"a":1}\n', ["x"], '{"a":1,"new":"x"}\n'],
    ["as Python writes", '{"a": 1, "b": 2}\n', ["x"], '{"a": 1, "b": 2, "new": "x"}\n'],
    ["one member, spaced", '{ "a" : 1 }\n', ["x"], '{ "a" : 1, "new" : "x" }\n'],
    ["no last line ending", '{"a":1}\n{"a":2}', ["x", "y"], '{"a":1,"new":"x"}\n{"a":2,"new":"y"}'],
    ["CRLF", '{"a":1}\r\n{"a":2}\r\n', ["x", null], '{"a":1,"new":"x"}\r\n{"a":2,"new":null}\r\n'],
    [
      "blank lines",
      '\n{"a":1}\n\n \n{"a":2}\n\n',
      ["x", "y"],
      '\n{"a":1,"new":"x"}\n\n \n{"a":2,"new":"y"}\n\n',
    ],
    ["a byte order mark", '\ufeff{"a":1}\n', ["x"], '\ufeff{"a":1,"new":"x"}\n'],
    ["empty objects", "{}\n{ }\n", ["x", "y"], '{"new":"x"}\n{"new":"y" }\n'],
    [
      "numbers, escapes and nesting",
      '{"n":1.50e+7,"big":9007199254740993,"s":"\\u00e9\\/}","o":{"a":[1,{}]}}\n',
      ["}"],
      '{"n":1.50e+7,"big":9007199254740993,"s":"\\u00e9\\/}","o":{"a":[1,{}]},"new":"}"}\n',
    ],
  ])("JSON Lines: %s", async (_name, content, cells, output) => {
    expect(await enriched([content], cells, same("jsonl"))).toBe(output);
  });

  it.each<[string, string, NewCell[], string]>([
    ["compact", '[{"a":1},{}]', ["x", "y"], '[{"a":1,"new":"x"},{"new":"y"}]'],
    [
      "a line each",
      '[\n{"a":1},\n{"a":2}\n]\n',
      ["x", "y"],
      '[\n{"a":1,"new":"x"},\n{"a":2,"new":"y"}\n]\n',
    ],
    [
      "indented",
      '[\n  {\n    "a": 1\n  }\n]\n',
      ["x"],
      '[\n  {\n    "a": 1,\n    "new": "x"\n  }\n]\n',
    ],
  ])("JSON array: %s", async (_name, content, cells, output) => {
    expect(await enriched([content], cells, same("json"))).toBe(output);
  });

  it("whatever the rows, their writing and the new cells", async () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.jsonValue());
    const row = fc
      .dictionary(fc.string({ maxLength: 3 }), value, { maxKeys: 4 })
      .map((it) => JSON.stringify(it));
    const table = fc.record({
      rows: fc.array(fc.tuple(row, fc.option(fc.string({ unit: "binary" }))), {
        minLength: 1,
        maxLength: 10,
      }),
      ends: fc.array(fc.constantFrom("\n", "\r\n", "\n\n", " \n"), { minLength: 1, maxLength: 3 }),
      lastEnds: fc.boolean(),
      bom: fc.constantFrom("", "\ufeff"),
      sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
    });
    const path = await fileOf("", "in.jsonl");
    const output = join(dirname(path), "out.jsonl");
    const columns: NewColumn[] = [text("new text"), { name: "new number", type: "integer" }];
    await fc.assert(
      fc.asyncProperty(table, async ({ rows, ends, lastEnds, bom, sizes }) => {
        const end = (at: number): string =>
          at === rows.length - 1 && !lastEnds ? "" : (ends[at % ends.length] ?? "\n");
        await writeFile(path, bom + rows.map(([object], at) => object + end(at)).join(""));
        const inputs = [await openJson(path, { layout: "jsonl" })];
        const news = rows.map(([, cell]) => cell);
        const cells = blocksOfCells([news, news.map((_, at) => at)], sizes);
        const written = await writeJson({ inputs, output, columns, cells, layout: "jsonl" });
        const bytes = await readFile(output, "utf8");
        const wide = rows.map(([object, cell], at) => {
          const added = `"new text":${JSON.stringify(cell)},"new number":${at}`;
          return `${object.slice(0, -1)}${object === "{}" ? "" : ","}${added}}`;
        });
        expect(bytes).toBe(bom + wide.map((it, at) => it + end(at)).join(""));
        expect(written).toEqual({ rows: rows.length, bytes: Buffer.byteLength(bytes) });
        const read = await allTexts(await openJson(output, { layout: "jsonl" }), {
          columns: ["new text", "new number"],
        });
        expect(read).toEqual(news.map((cell, at) => [cell, String(at)]));
      }),
      { numRuns: 200 },
    );
  });
});

describe("from one layout to the other", () => {
  it("objects keep their text, on one line each", async () => {
    const array = '[\n  {\n    "a": 1.0,\n    "s": "x\\ny"\n  },\n  {}\n]\n';
    expect(await enriched([array], ["x", "y"], ["json", "jsonl"])).toBe(
      '{"a": 1.0,"s": "x\\ny","new": "x"}\n{"new": "y"}\n',
    );
    expect(await enriched(['{"a": 1}\n\n{"a":2}'], ["x", "y"], ["jsonl", "json"])).toBe(
      '[\n{"a": 1, "new": "x"},\n{"a":2, "new": "y"}\n]\n',
    );
  });
});

describe("parts", () => {
  it("of JSON Lines follow one another, each line on its own, with one byte order mark", async () => {
    const parts = ['\ufeff{"a":1}', '\ufeff{"a":2}\r\n\n', '{"b":3}\n'];
    expect(await enriched(parts, ["x", "y", "z"], same("jsonl"))).toBe(
      '\ufeff{"a":1,"new":"x"}\n{"a":2,"new":"y"}\r\n\n{"b":3,"new":"z"}\n',
    );
  });

  it("of arrays become one array", async () => {
    expect(await enriched(['[{"a":1}]', '[\n{"a":2}\n]\n'], ["x", "y"], same("json"))).toBe(
      '[\n{"a":1,"new":"x"},\n{"a":2,"new":"y"}\n]\n',
    );
  });
});

describe("the output", () => {
  const columns: NewColumn[] = [
    text("t"),
    { name: "v", type: "embedding" },
    { name: "o", type: { struct: [{ name: "k", type: { list: "integer" } }] } },
  ];

  it("opens in DuckDB and polars with all columns, old and new", async () => {
    const rows = Array.from({ length: 3000 }, (_, at) => `{"id":${at},"s":"row ${at}, \\"é\\""}`);
    const path = await fileOf(`${rows.join("\n")}\n`, "in.jsonl");
    const inputs = [await openJson(path, { layout: "jsonl" })];
    const numbers = rows.map((_, at) => at);
    const cells = () =>
      blocksOfCells(
        [
          numbers.map((at) => `=t ${at}`),
          numbers.map((at) => Float32Array.of(at, 0.5)),
          numbers.map((at) => ({ k: [at, null] })),
        ],
        [700],
      );
    for (const layout of ["jsonl", "json"] as const) {
      const output = join(dirname(path), `out.${layout}`);
      await writeJson({ inputs, output, columns, cells: cells(), layout });
      const query = `select count(*) n, sum(id) ids, sum(v[1]) vs, sum(o.k[1]) ks,
        min(s) s, min(t) t from read_json('${output}')`;
      const [found] = (await (await duckdb()).runAndReadAll(query)).getRowObjectsJson();
      expect(found).toMatchObject({ n: "3000", s: 'row 0, "é"', t: "=t 0", vs: 4_498_500 });
      expect([found?.["ids"], found?.["ks"]].map(String)).toEqual(["4498500", "4498500"]);
      const bytes = layout === "jsonl" ? await pl.scanJson(output).collect() : null;
      if (bytes === null) continue;
      expect(bytes.height).toBe(3000);
      expect(polarsJsonRows(bytes)[7]).toEqual({
        ...{ id: 7, s: 'row 7, "é"', t: "=t 7", v: [7, 0.5], o: { k: [7, null] } },
      });
    }
  });

  it("is compressed where that is asked for", async () => {
    const path = await fileOf('{"a":1}\n', "in.jsonl");
    const inputs = [await openJson(path, { layout: "jsonl" })];
    const output = join(dirname(path), "out.jsonl.gz");
    const to = { inputs, output, columns: [text("t")], layout: "jsonl" } as const;
    await writeJson({ ...to, cells: blocksOfCells([["x"]]), compression: "gzip" });
    expect(gunzipSync(await readFile(output)).toString()).toBe('{"a":1,"t":"x"}\n');
  });
});

describe("nothing is written", () => {
  const content = '{"a":1}\n{"a":2}\n';

  async function failing(cells: readonly NewCell[], change?: string, name = "t") {
    const path = await fileOf(content, "in.jsonl");
    const inputs = [await openJson(path, { layout: "jsonl" })];
    await inputs[0]?.fingerprint();
    const output = join(dirname(path), "out.jsonl");
    await writeFile(output, "old");
    if (change !== undefined) await writeFile(path, change);
    const failure = await failureOf(() =>
      writeJson({
        inputs,
        output,
        columns: [text(name)],
        cells: blocksOfCells([cells]),
        layout: "jsonl",
      }),
    );
    expect(await readFile(output, "utf8")).toBe("old");
    return failure.code;
  }

  it("where the file is no longer what was planned", async () => {
    expect(await failing(["x", "y"], '{"a":1}\n{"a":3}\n')).toBe("input_changed");
    expect(await failing(["x", "y"], `${content}{"a":3}\n`)).toBe("input_changed");
  });

  it("where the cells are not one for every row", async () => {
    expect(await failing(["x"])).toBe("cells_count");
    expect(await failing(["x", "y", "z"])).toBe("cells_count");
  });

  it("where a name is taken by any row", async () => {
    expect(await failing(["x", "y"], undefined, "a")).toBe("column_exists");
  });

  it("over the input itself", async () => {
    const path = await fileOf(content, "in.jsonl");
    const inputs = [await openJson(path, { layout: "jsonl" })];
    const to = { inputs, output: path, columns: [text("t")], layout: "jsonl" } as const;
    const failure = await failureOf(() => writeJson({ ...to, cells: blocksOfCells([["x", "y"]]) }));
    expect(failure.code).toBe("output_is_input");
    expect(await readFile(path, "utf8")).toBe(content);
  });
});
