/** Old columns that new ones replace: every other cell stays as it was, in every format. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { openFile, writeFileFrame, type FileFrame } from "../../src/files/files.ts";
import { tableWith } from "../../src/frame/arrow-table.ts";
import { parquetObstacle } from "../../src/frame/parquet-stored.ts";
import { textObstacle, type CellField, type RawCell } from "../../src/frame/cell-type.ts";
import { dropColumns } from "../../src/frame/parquet-drop.ts";
import { withReplacedColumns } from "../../src/frame/polars.ts";
import { recordsWith } from "../../src/frame/records.ts";
import {
  binary,
  i32,
  i64,
  integerAt,
  nested,
  structList,
  structOf,
  structsAt,
  textAt,
} from "../../src/frame/thrift-fields.ts";
import type { ThriftStruct } from "../../src/frame/thrift.ts";
import { anyTable } from "./any-table.ts";
import { blocksOfCells, fileOf, newFolder } from "./support.ts";
import { duckdbFile, duckdbRows, hyparquetRows, polarsJsonRows } from "./typed-support.ts";

/** The rows of an Arrow table as objects. */
const rowsOf = (table: arrow.Table): unknown[] =>
  JSON.parse(JSON.stringify(table.toArray())) as unknown[];

const text = (name: string): NewColumn => ({ name, type: "text" });

/** Writes a file again with columns of text that replace those of their names; gives the path. */
async function replaced(
  path: string,
  ending: string,
  columns: Readonly<Record<string, readonly NewCell[]>>,
  options: Parameters<typeof openFile>[1] = {},
): Promise<string> {
  const output = join(await newFolder(), `out${ending}`);
  await writeFileFrame({
    input: await openFile(path, options),
    output,
    columns: Object.keys(columns).map(text),
    cells: blocksOfCells(Object.values(columns)),
    replaces: true,
  });
  return output;
}

describe("a CSV file", () => {
  it.each([
    ["the last column", "a,b\n1,2\n", { b: ["x"] }, "a,b\n1,x\n"],
    ["the first", "a,b,c\r\n1,2,3\r\n", { a: ["x"] }, "b,c,a\r\n2,3,x\r\n"],
    ["those between", 'a,b,c,d\n1,2,",\n""3",4', { b: ["x"], c: ["y"] }, "a,d,b,c\n1,4,x,y"],
    ["all of them", "\ufeffa,b\n1,2\n", { a: ["x"], b: ["y"] }, "\ufeffa,b\nx,y\n"],
    ["one of one", "a\n\n1\n", { a: ["x", "y"] }, "a\nx\ny\n"],
    ["one, beside one that is new", "a,b\n1,2\n", { n: ["x"], a: ["y"] }, "b,n,a\n2,x,y\n"],
    [
      "with blank lines, and line ends in quotes",
      '\n"a\n",b\n\r\n"1\r\n",2\n\n',
      { b: ["x"] },
      '\n"a\n",b\n\r\n"1\r\n",x\n\n',
    ],
    [
      "with quotes within bare cells",
      'a,b,c\n5" pipe,2,7"\n',
      { b: ["x"] },
      'a,c,b\n5" pipe,7",x\n',
    ],
  ])("loses %s, and nothing else of it changes", async (_name, content, columns, expected) => {
    const output = await replaced(await fileOf(content), ".csv", columns, { delimiter: "," });
    expect(await readFile(output, "utf8")).toBe(expected);
  });

  it("without a header loses the column of that number", async () => {
    const path = await fileOf("a;1;x\nb;2;y\n");
    const output = await replaced(path, ".csv", { column_2: ["p", "q"] }, { header: false });
    expect(await readFile(output, "utf8")).toBe("a;x;p\nb;y;q\n");
  });

  it("with rows of another width loses the cells that are there", async () => {
    const path = await fileOf("a,b,c\n1,2,3\n1\n1,2,3,4\n");
    const reading = { onBadRow: "keep", delimiter: "," } as const;
    const output = await replaced(path, ".csv", { b: ["x", "y", "z"] }, reading);
    expect(await readFile(output, "utf8")).toBe("a,c,b\n1,3,x\n1,,y\n1,3,4,z\n");
  });

  it("keeps every other byte, whatever stands in it", async () => {
    const cell = fc
      .array(fc.constantFrom('"', ";", "\n", "\r\n", "a", "é", "😀", " ", "0"))
      .map((parts) => parts.join(""));
    const written = fc.oneof(
      cell.filter((value) => !/[";\r\n]/.test(value)),
      cell.map((value) => `"${value.replaceAll('"', '""')}"`),
    );
    const table = fc.integer({ min: 2, max: 5 }).chain((width) =>
      fc.record({
        width: fc.constant(width),
        rows: fc.array(
          fc.record({
            cells: fc.array(written, { minLength: width, maxLength: width }),
            blank: fc.constantFrom("", "\n", "\r\n\n"),
            end: fc.constantFrom("\n", "\r\n"),
          }),
          { minLength: 1, maxLength: 9 },
        ),
        gone: fc.subarray(
          Array.from({ length: width }, (_, at) => at),
          { minLength: 1 },
        ),
      }),
    );
    const path = await fileOf("");
    await fc.assert(
      fc.asyncProperty(table, async ({ width, rows, gone }) => {
        const names = Array.from({ length: width }, (_, at) => `c${String(at)}`);
        const staying = (cells: readonly string[]) => cells.filter((_, at) => !gone.includes(at));
        const fresh = gone.map((at) => `c${String(at)}`);
        const line = (cells: readonly string[]) => cells.join(";");
        const before = rows.map(({ cells, blank, end }) => blank + line(cells) + end).join("");
        await writeFile(path, `${line(names)}\n${before}`);
        const cells = rows.map((_, at) => `n${String(at)}`);
        const columns = Object.fromEntries(fresh.map((name) => [name, cells]));
        const output = await replaced(path, ".csv", columns, { delimiter: ";" });
        const after = rows.map(
          ({ cells, blank, end }, at) =>
            blank + line([...staying(cells), ...fresh.map(() => `n${String(at)}`)]) + end,
        );
        expect(await readFile(output, "utf8")).toBe(
          `${line([...staying(names), ...fresh])}\n${after.join("")}`,
        );
      }),
      { numRuns: 150 },
    );
  });
});

describe("a JSON file", () => {
  it.each([
    [
      "compact",
      '{"a":1.0,"b":2}\n{"b":3}\n{"a":"\\u0062"}\n',
      '{"a":1.0,"b":"x"}\n{"b":"y"}\n{"a":"\\u0062","b":"z"}\n',
    ],
    ["spaced", '{"b": 1, "a": 1e5, "c": null}\n', '{"a": 1e5, "c": null, "b": "x"}\n'],
    ["alone", '{ "b" : 1 }\n', '{ "b" : "x" }\n'],
    ["named by escapes", '{"\\u0062":1,"a":{"b":2}}\n', '{"a":{"b":2},"b":"x"}\n'],
  ])("%s loses the member, and nothing else of it changes", async (_name, content, expected) => {
    const path = await fileOf(content, "in.jsonl");
    const rows = content.trim().split("\n").length;
    const output = await replaced(path, ".jsonl", { b: ["x", "y", "z"].slice(0, rows) });
    expect(await readFile(output, "utf8")).toBe(expected);
  });

  it("that is an array keeps its indents", async () => {
    const path = await fileOf('[\n  {\n    "b": 1,\n    "a": 2\n  }\n]\n', "in.json");
    const output = await replaced(path, ".json", { b: ["x"] });
    expect(await readFile(output, "utf8")).toBe('[\n  {\n    "a": 2,\n    "b": "x"\n  }\n]\n');
  });

  it("keeps every other character, whatever stands in it", async () => {
    const space = fc.constantFrom("", " ", "\t", "  ");
    const value = fc.constantFrom("1.50", '"a,\\"}b"', '{"c0":[1,{"c1":2}]}', "[]", "null", "1e2");
    const member = fc.tuple(space, space, value, space);
    const object = fc.tuple(fc.array(member, { minLength: 1, maxLength: 5 }), space, space);
    const path = await fileOf("", "in.jsonl");
    const table = fc.tuple(
      fc.array(object, { minLength: 1, maxLength: 6 }),
      fc.subarray(["c0", "c1", "c2", "c3"], { minLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(table, async ([objects, gone]) => {
        const textOf = (members: readonly string[]) => `{${members.join(",")}}`;
        const written = objects.map(([members]) =>
          members.map(
            ([a, b, its, c], at) =>
              [`c${String(at)}`, `${a}"c${String(at)}"${b}:${its}${c}`] as const,
          ),
        );
        await writeFile(
          path,
          written.map((own) => `${textOf(own.map(([, it]) => it))}\n`).join(""),
        );
        const cells = objects.map((_, at) => `n${String(at)}`);
        const output = await replaced(
          path,
          ".jsonl",
          Object.fromEntries(gone.map((name) => [name, cells])),
        );
        const lines = (await readFile(output, "utf8")).trimEnd().split("\n");
        expect(lines).toHaveLength(objects.length);
        for (const [at, line] of lines.entries()) {
          const staying = (written[at] ?? []).filter(([name]) => !gone.includes(name));
          const parsed = JSON.parse(line) as Record<string, unknown>;
          expect(Object.keys(parsed)).toEqual([...staying.map(([name]) => name), ...gone]);
          for (const [, own] of staying) expect(line).toContain(own.trim());
          for (const name of gone) expect(parsed[name]).toBe(`n${String(at)}`);
        }
      }),
      { numRuns: 150 },
    );
  });
});

async function contentOf(
  frame: FileFrame,
): Promise<{ fields: readonly CellField[]; cells: Map<string, RawCell[]> }> {
  const cells = new Map(frame.columns.map((name): [string, RawCell[]] => [name, []]));
  for await (const block of frame.blocks(frame.columns, 4))
    for (const [name, all] of cells) all.push(...(block.raw?.(name) ?? []));
  const fields = ((await frame.types?.()) ?? []).map(({ name, type }) => ({ name, type }));
  return { fields, cells };
}

describe("any table", () => {
  const anyGone = fc.subarray(["c0", "c1", "c2", "c3", "c4", "c5"], { minLength: 1 });

  it.each([".arrow", ".arrows", ".parquet"])(
    "as %s keeps the types and exact cells of all other columns",
    async (ending) => {
      const folder = await newFolder();
      const path = join(folder, `in${ending}`);
      await fc.assert(
        fc.asyncProperty(anyTable, anyGone, async (table, gone) => {
          const ipc = ending === ".arrows" ? "stream" : "file";
          const own = ending === ".parquet" ? join(folder, "in.arrow") : path;
          await writeFile(own, arrow.tableToIPC(table, ipc));
          if (own !== path) {
            const input = await openFile(own);
            const types = (await input.types?.()) ?? [];
            // What Parquet has no type for is text there, which bytes have none of.
            fc.pre(
              types.every(
                ({ type }) => parquetObstacle(type) === null || textObstacle(type) === null,
              ),
            );
            await writeFileFrame({ input, output: path, columns: [], cells: blocksOfCells([]) });
          }
          const before = await contentOf(await openFile(path));
          const cells = Array.from({ length: table.numRows }, (_, at) => `n${String(at)}`);
          const columns = Object.fromEntries(gone.map((name) => [name, cells]));
          const after = await contentOf(await openFile(await replaced(path, ending, columns)));
          const staying = before.fields.filter(({ name }) => !gone.includes(name));
          const fresh = gone.map((name) => ({ name, type: { kind: "text" } }));
          expect(after.fields).toEqual([...staying, ...fresh]);
          for (const { name } of staying)
            expect(after.cells.get(name)).toEqual(before.cells.get(name));
          for (const name of gone) expect(after.cells.get(name)).toEqual(cells);
        }),
        { numRuns: 60 },
      );
    },
  );
});

describe("a Parquet file", () => {
  const query = `select i, 'text ' || i as t, {'x': i, 'y': [i, null]} as s, [i]::integer[] as l,
    i / 7 as f, date '2024-01-01' + i::integer as d from range(300) r(i)`;
  const cells = Array.from({ length: 300 }, (_, at) => `n${String(at)}`);

  it.each([["i"], ["s"], ["d"], ["t", "l"], ["i", "t", "s", "l", "f", "d"]])(
    "without %s and others is read by everybody, its other columns as they were",
    async (...gone) => {
      const path = await duckdbFile(query, ", row_group_size 120, compression zstd");
      const columns = Object.fromEntries(gone.map((name) => [name, cells]));
      const output = await replaced(path, ".parquet", columns);
      for (const read of [
        duckdbRows,
        hyparquetRows,
        (file: string) => Promise.resolve(polarsJsonRows(pl.readParquet(file))),
      ]) {
        const expected = (await read(path)).map((row, at) => {
          const kept = Object.entries(row).filter(([name]) => !gone.includes(name));
          return [...kept, ...gone.map((name) => [name, cells[at]])];
        });
        expect((await read(output)).map((row) => Object.entries(row))).toEqual(expected);
      }
    },
  );

  it("says of sizes, sort order and of what pandas and Spark know what is left of it", () => {
    const leaf = (name: string): ThriftStruct => structOf({ 1: i32(2), 4: binary(name) });
    const nest = (name: string, count: number): ThriftStruct =>
      structOf({ 4: binary(name), 5: i32(count) });
    const chunk = (bytes: number): ThriftStruct =>
      structOf({ 3: nested({ 6: i64(bytes), 7: i64(bytes / 2) }) });
    const by = (position: number): ThriftStruct => structOf({ 1: i32(position) });
    const entry = (key: string, value: object): ThriftStruct =>
      structOf({ 1: binary(key), 2: binary(JSON.stringify(value)) });
    const metadata = structOf({
      2: structList([nest("root", 3), leaf("a"), nest("s", 2), leaf("a"), leaf("y"), leaf("z")]),
      4: structList([
        structOf({
          1: structList([chunk(2), chunk(20), chunk(200), chunk(2000)]),
          2: i64(2222),
          4: structList([by(3), by(0), by(2), by(0)]),
          6: i64(1111),
        }),
      ]),
      5: structList([
        entry("pandas", { columns: [{ name: "a" }, { name: "s" }, { field_name: "z" }] }),
        entry("org.apache.spark.sql.parquet.row.metadata", {
          fields: [{ name: "a" }, { name: "s" }],
        }),
        entry("mine", { columns: [{ name: "s" }] }),
      ]),
    });
    dropColumns(metadata, new Set(["s"]));
    const names = structsAt(metadata, 2).map((element) => textAt(element, 4));
    expect(names).toEqual(["root", "a", "z"]);
    expect(integerAt(structsAt(metadata, 2)[0] ?? structOf({}), 5)).toBe(2n);
    const [group = structOf({})] = structsAt(metadata, 4);
    expect(structsAt(group, 1)).toEqual([chunk(2), chunk(2000)]);
    expect([integerAt(group, 2), integerAt(group, 6)]).toEqual([2002n, 1001n]);
    // After a column that is gone nobody knows what the rest is sorted within.
    expect(structsAt(group, 4)).toEqual([by(1), by(0)]);
    expect(
      structsAt(metadata, 5).map((one) => JSON.parse(textAt(one, 2) ?? "") as unknown),
    ).toEqual([
      { columns: [{ name: "a" }, { field_name: "z" }] },
      { fields: [{ name: "a" }] },
      { columns: [{ name: "s" }] },
    ]);
  });
});

describe("rows in memory", () => {
  const cells = (): ReturnType<typeof blocksOfCells> => blocksOfCells([["x", "y"]]);

  it("that are objects get the member in the old one's place, and the old ones stay", async () => {
    const records = [
      { a: 1, b: 2n, c: [3] },
      { a: 4, c: [5] },
    ];
    const made = await recordsWith(records, [text("a")], { cells: cells(), replaces: true });
    expect(made.map((row) => Object.entries(row))).toEqual([
      [
        ["b", 2n],
        ["c", [3]],
        ["a", "x"],
      ],
      [
        ["c", [5]],
        ["a", "y"],
      ],
    ]);
    expect(records[0]).toEqual({ a: 1, b: 2n, c: [3] });
  });

  it("that are a DataFrame or an Arrow table lose the column, be it the only one", async () => {
    const df = pl.DataFrame({ a: [1, 2], b: ["p", "q"] });
    const made = await withReplacedColumns(df, [text("a")], cells());
    expect(made.toRecords()).toEqual([
      { b: "p", a: "x" },
      { b: "q", a: "y" },
    ]);
    const only = await withReplacedColumns(df.select("a"), [text("a")], cells());
    expect(only.toRecords()).toEqual([{ a: "x" }, { a: "y" }]);
    const table = arrow.tableFromArrays({ a: [1, 2], b: ["p", "q"] });
    const wide = await tableWith(table, [text("a")], { cells: cells(), replaces: true });
    expect(rowsOf(wide)).toEqual([
      { b: "p", a: "x" },
      { b: "q", a: "y" },
    ]);
  });
});
