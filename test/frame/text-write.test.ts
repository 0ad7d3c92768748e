import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { openCsv } from "../../src/frame/csv.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { openJson } from "../../src/frame/json.ts";
import { openParquet } from "../../src/frame/parquet.ts";
import { writeFreshText, type FreshFormat } from "../../src/frame/text-write.ts";
import { allTexts, blocksOfCells, failureOf, fileOf, newFolder } from "./support.ts";
import { duckdb, duckdbFile } from "./typed-support.ts";

const columns: NewColumn[] = [
  { name: "label", type: "text" },
  { name: "o", type: { struct: [{ name: "k", type: { list: "float" } }] } },
];

/** Writes a frame anew with the two columns and gives the output's path. */
async function written(
  frame: Frame,
  path: string,
  format: FreshFormat,
  rowCount: number,
): Promise<string> {
  const output = join(await newFolder(), `out.${format}`);
  const cells: NewCell[][] = [
    Array.from({ length: rowCount }, (_, at) => (at % 2 === 0 ? `=l${at}` : null)),
    Array.from({ length: rowCount }, (_, at) => ({ k: [at, 0.5] })),
  ];
  const to = { frame, inputPaths: [path], output, columns, format };
  const { rows, bytes } = await writeFreshText({ ...to, cells: blocksOfCells(cells, [3, 700]) });
  expect(rows).toBe(rowCount);
  expect(bytes).toBe((await readFile(output)).length);
  return output;
}

const typed = `select * from (values
  (9007199254740993::bigint, 1.50::decimal(9,2), true, 'a "q", é', [1, null], {'x': 1}, date '2024-01-31', 1.0::double),
  (null, null, null, null, null, null, null, 'nan'::double)) t(i, d, b, s, l, o2, day, f)`;

describe("typed rows", () => {
  it("become CSV with their exact text", async () => {
    const path = await duckdbFile(typed);
    const output = await written(await openParquet(path), path, "csv", 2);
    expect(await readFile(output, "utf8")).toBe(
      'i,d,b,s,l,o2,day,f,label,o\n9007199254740993,1.50,true,"a ""q"", é","[1,null]","{""x"":1}",2024-01-31,1.0,\'=l0,"{""k"":[0,0.5]}"\n,,,,,,,NaN,,"{""k"":[1,0.5]}"\n',
    );
  });

  it("become JSON in which numbers are numbers and nothing is rounded", async () => {
    const path = await duckdbFile(typed);
    const lines = await written(await openParquet(path), path, "jsonl", 2);
    const first =
      '{"i":9007199254740993,"d":"1.50","b":true,"s":"a \\"q\\", é","l":[1,null],"o2":{"x":1},"day":"2024-01-31","f":1.0,"label":"=l0","o":{"k":[0,0.5]}}';
    const second =
      '{"i":null,"d":null,"b":null,"s":null,"l":null,"o2":null,"day":null,"f":null,"label":null,"o":{"k":[1,0.5]}}';
    expect(await readFile(lines, "utf8")).toBe(`${first}\n${second}\n`);
    const array = await written(await openParquet(path), path, "json", 2);
    expect(await readFile(array, "utf8")).toBe(`[\n${first},\n${second}\n]\n`);
  });

  it("that hold bytes are refused", async () => {
    const path = await duckdbFile("select '\\x00'::blob as raw");
    const frame = await openParquet(path);
    expect((await failureOf(() => written(frame, path, "jsonl", 1))).code).toBe("column_type");
  });
});

describe("any rows of text", () => {
  it("say the same in every format, read by ourselves", async () => {
    const cell = fc.option(
      fc
        .array(fc.constantFrom('"', ",", "\t", "\n", "\\", "{", "é", "😀", "0", "a"))
        .map((it) => it.join("")),
    );
    const path = await fileOf("", "in.jsonl");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
        fc.constantFrom<FreshFormat>("csv", "tsv", "jsonl", "json"),
        async (rows, format) => {
          const objects = rows.map(([a, b]) => JSON.stringify({ a, "b,\t": b }));
          await writeFile(path, `${objects.join("\n")}\n`);
          const output = await written(
            await openJson(path, { layout: "jsonl" }),
            path,
            format,
            rows.length,
          );
          const isCsv = format === "csv" || format === "tsv";
          const frame = isCsv
            ? await openCsv(output, { delimiter: format === "tsv" ? "\t" : "," })
            : await openJson(output, { layout: format });
          expect(frame.columns).toEqual(["a", "b,\t", "label", "o"]);
          expect(await allTexts(frame)).toEqual(
            rows.map(([a, b], at) => [
              ...[a, b, at % 2 === 0 ? `${isCsv ? "'" : ""}=l${at}` : null],
              `{"k":[${at},0.5]}`,
            ]),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it("open in DuckDB and polars", async () => {
    const rows = Array.from({ length: 2500 }, (_, at) => `${at},"row ${at}, ""é""\nmore"`);
    const path = await fileOf(`id,s\n${rows.join("\n")}\n`);
    const frame = await openCsv(path);
    const tsv = await written(frame, path, "tsv", 2500);
    const json = await written(frame, path, "jsonl", 2500);
    const array = await written(frame, path, "json", 2500);
    const count = async (from: string) => {
      const query = `select count(*) n, sum(id::int) ids, max(length(s)) longest, count(label) labels from ${from}`;
      return (await (await duckdb()).runAndReadAll(query)).getRowsJson()[0]?.map(String);
    };
    const expected = ["2500", String((2499 * 2500) / 2), "18", "1250"];
    expect(await count(`read_csv('${tsv}', all_varchar = true, header = true)`)).toEqual(expected);
    expect(await count(`read_json('${json}')`)).toEqual(expected);
    expect(await count(`read_json('${array}', format = 'array')`)).toEqual(expected);
    const df = pl.readCSV(tsv, { sep: "\t", inferSchemaLength: 0 });
    expect([df.height, df.getColumn("s").get(2499)]).toEqual([2500, 'row 2499, "é"\nmore']);
  });
});

describe("the output", () => {
  it("is compressed where that is asked for, and never the input", async () => {
    const path = await fileOf("a\n1\n");
    const frame = await openCsv(path);
    const output = join(dirname(path), "out.jsonl.gz");
    const to = { frame, inputPaths: [path], columns: [], format: "jsonl" } as const;
    await writeFreshText({ ...to, output, cells: blocksOfCells([]), compression: "gzip" });
    expect(gunzipSync(await readFile(output)).toString()).toBe('{"a":"1"}\n');
    const same = () => writeFreshText({ ...to, output: path, cells: blocksOfCells([]) });
    expect((await failureOf(same)).code).toBe("output_is_input");
  });

  it("is not written where the cells are not one for every row", async () => {
    const path = await fileOf("a\n1\n2\n");
    const frame = await openCsv(path);
    const output = join(dirname(path), "out.json");
    const to = {
      frame,
      inputPaths: [path],
      output,
      columns: columns.slice(0, 1),
      format: "json",
    } as const;
    for (const cells of [["x"], ["x", "y", "z"]]) {
      const failure = await failureOf(() =>
        writeFreshText({ ...to, cells: blocksOfCells([cells]) }),
      );
      expect(failure.code).toBe("cells_count");
      await expect(readFile(output)).rejects.toThrow("ENOENT");
    }
  });
});
