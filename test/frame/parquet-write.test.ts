import { createHash } from "node:crypto";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "../property.ts";
import { parquetMetadata, readOffsetIndex } from "hyparquet";
import type { FileMetaData, RowGroup } from "hyparquet";
import { parquetWriteFile } from "hyparquet-writer";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { openCsv } from "../../src/frame/csv.ts";
import { pageExtent } from "../../src/frame/parquet-decode.ts";
import { writeFreshParquet, writeParquet } from "../../src/frame/parquet-write.ts";
import { openParquet } from "../../src/frame/parquet.ts";
import { binary, i32, structList, structOf } from "../../src/frame/thrift-fields.ts";
import { element, handmadeParquet, int32s } from "./handmade-parquet.ts";
import { allTexts, blocksOfCells, failureOf, fileOf, newFolder } from "./support.ts";
import {
  allColumns,
  duckdb,
  duckdbFile,
  duckdbRows,
  hyparquetRows,
  polarsJsonRows,
  polarsTypes,
} from "./typed-support.ts";

/** One new column of every type. */
const every: readonly NewColumn[] = [
  { name: "text", type: "text" },
  { name: "float", type: "float" },
  { name: "integer", type: "integer" },
  { name: "boolean", type: "boolean" },
  { name: "date", type: "date" },
  { name: "embedding", type: "embedding" },
  { name: "list", type: { list: "text" } },
  { name: "dates", type: { list: { list: "date" } } },
  {
    name: "struct",
    type: {
      struct: [
        { name: "a.b", type: "integer" },
        { name: "c", type: { list: { struct: [{ name: "x", type: "float" }] } } },
      ],
    },
  },
  { name: "vectors", type: { list: "embedding" } },
];
const everyType = "String Float64 Int64 Bool Date List List List Struct List".split(" ");

const anyDate = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const anyNumber = fc.double({ noNaN: true, noDefaultInfinity: true });
const anyText = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("ok", "no", ""));
const anyVector = fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 4 });
const list = <Item>(item: fc.Arbitrary<Item>) => fc.array(fc.option(item), { maxLength: 3 });
const anyRow = fc.tuple(
  fc.option(anyText),
  fc.option(anyNumber),
  fc.option(fc.maxSafeInteger()),
  fc.option(fc.boolean()),
  fc.option(anyDate),
  fc.option(anyVector),
  fc.option(list(anyText)),
  fc.option(list(list(anyDate))),
  fc.option(
    fc.record({
      "a.b": fc.option(fc.maxSafeInteger()),
      c: fc.option(list(fc.record({ x: fc.option(anyNumber) }))),
    }),
  ),
  fc.option(list(anyVector)),
);

/** What a reader gives, in one form: bigints as numbers, dates as text, missing fields as null. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (value instanceof Float32Array || value instanceof Float64Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, plain(it)]));
}

function expectCells(
  rows: readonly Record<string, unknown>[],
  columns: readonly NewCell[][],
): void {
  every.forEach(({ name }, at) => {
    // polars' JSON has the shortest digits that name a 32-bit float, which are those of no double.
    const isSingle = name === "embedding" || name === "vectors";
    const form = isSingle ? (value: unknown) => singles(plain(value)) : plain;
    expect(rows.map((row) => form(row[name]))).toEqual(columns[at]?.map(plain));
  });
}

function singles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(singles);
  return typeof value === "number" ? Math.fround(value) : value;
}

async function metadataOf(path: string): Promise<FileMetaData> {
  return parquetMetadata(await readFile(path));
}

/** The bytes of the first `count` chunks of every row group, page indexes left out. */
async function chunkHashes(path: string, count: number): Promise<string[]> {
  const bytes = await readFile(path);
  const groups: readonly RowGroup[] = (await metadataOf(path)).row_groups;
  return groups.flatMap((group) =>
    group.columns.slice(0, count).map(({ meta_data: chunk }) => {
      if (chunk === undefined) throw new Error("a chunk has no metadata");
      const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
      const own = bytes.subarray(start, start + Number(chunk.total_compressed_size));
      return `${start} ${createHash("sha256").update(own).digest("hex")}`;
    }),
  );
}

const text: readonly NewColumn[] = [{ name: "new", type: "text" }];
const given = (...cells: readonly NewCell[]) => blocksOfCells([cells]);

describe("new columns", () => {
  it("of every type read back unchanged in polars, DuckDB, hyparquet and here", async () => {
    const folder = await newFolder();
    const input = fc.record({
      rows: fc.array(anyRow, { minLength: 1, maxLength: 30 }),
      rowGroupSize: fc.integer({ min: 1, max: 12 }),
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      compression: fc.constantFrom("zstd" as const, "snappy" as const, "uncompressed" as const),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ rows, rowGroupSize, sizes, compression }) => {
        const [path, output] = [join(folder, "in.parquet"), join(folder, "out.parquet")];
        const ids = rows.map((_, at) => `row ${at}`);
        await pl
          .DataFrame({ id: ids })
          .lazy()
          .sinkParquet(path, { rowGroupSize, compression })
          .collect();
        const columns = every.map((_, at) => rows.map((row): NewCell => row[at] ?? null));
        const written = await writeParquet({
          input: await openParquet(path),
          output,
          columns: every,
          cells: blocksOfCells(columns, sizes),
        });
        expect(written).toMatchObject({ rows: rows.length, arrowSchema: "merged" });
        expect(written.bytes).toBe((await readFile(output)).length);
        const df = pl.readParquet(output);
        expect(polarsTypes(df)).toEqual(["String", ...everyType]);
        expect(df.getColumn("id").toArray()).toEqual(ids);
        expectCells(polarsJsonRows(df), columns);
        expectCells(await duckdbRows(output), columns);
        expectCells(await hyparquetRows(output), columns);
        const own = await allColumns(await openParquet(output), 7);
        every.forEach(({ name }, at) => {
          expect(own[name]?.map(plain)).toEqual(columns[at]?.map(plain));
        });
      }),
      { numRuns: 40 },
    );
  });

  it("keep NaN, infinities and both zeros apart", async () => {
    const path = await duckdbFile("select i from range(5) r(i)");
    const output = join(dirname(path), "out.parquet");
    const values = [Number.NaN, Infinity, -Infinity, 0, -0];
    const columns: NewColumn[] = [
      { name: "f", type: "float" },
      { name: "e", type: "embedding" },
    ];
    const vectors = values.map((value) => Float32Array.of(value));
    const cells = blocksOfCells([values, vectors]);
    await writeParquet({ input: await openParquet(path), output, columns, cells });
    expect((await duckdbRows(output)).map((row) => row["f"])).toEqual(values);
    expect(pl.readParquet(output).getColumn("f").toArray()).toEqual(values);
    expect(pl.readParquet(output).getColumn("e").toArray()).toEqual(values.map((value) => [value]));
    // Bounds leave NaN out, and are what readers skip row groups by.
    const found = await (
      await duckdb()
    ).runAndReadAll(`select count(*) from '${output}' where f > 1e300`);
    expect(found.getRows()).toEqual([[2n]]);
  });

  it("of many rows and long texts take several pages, with and without a dictionary", async () => {
    const count = 30_000;
    const path = await duckdbFile(`select i from range(${count}) r(i)`, ", row_group_size 20000");
    const output = join(dirname(path), "out.parquet");
    const columns: NewColumn[] = [
      { name: "few", type: "text" },
      { name: "all", type: "text" },
      { name: "late", type: "text" },
      { name: "one", type: "text" },
      { name: "none", type: "text" },
      { name: "vector", type: "embedding" },
    ];
    const at = Array.from({ length: count }, (_, row) => row);
    const cells: NewCell[][] = [
      at.map((row) => (row % 11 === 0 ? null : `label ${row % 7}`)),
      at.map((row) => `${row} ${"long ".repeat(row % 40)}`),
      at.map((row) => (row < 15_000 ? "same" : `other ${row}`)),
      at.map(() => "ok"),
      at.map(() => null),
      at.map((row) => (row % 13 === 0 ? null : new Float32Array(row % 50).fill(row))),
    ];
    await writeParquet({
      input: await openParquet(path),
      output,
      columns,
      cells: blocksOfCells(cells, [700]),
    });
    const readers = [
      pl.readParquet(output).toRecords() as Record<string, unknown>[],
      await duckdbRows(output),
      await hyparquetRows(output),
    ];
    for (const rows of readers) {
      columns.forEach(({ name }, column) => {
        const expected = cells[column]?.map(plain);
        expect(rows.every((row, index) => same(plain(row[name]), expected?.[index]))).toBe(true);
        expect(rows).toHaveLength(count);
      });
    }
    const [group] = (await metadataOf(output)).row_groups;
    const bytes = await readFile(output);
    for (const { meta_data: chunk } of group?.columns.slice(1) ?? []) {
      if (chunk?.dictionary_page_offset === undefined) continue;
      const start = Number(chunk.dictionary_page_offset);
      const extent = pageExtent(bytes.subarray(start));
      const size = (extent?.headerBytes ?? 0) + (extent?.bodyBytes ?? 0);
      expect(Number(chunk.data_page_offset)).toBe(start + size);
    }
    const encodings = group?.columns.map(({ meta_data }) => meta_data?.encodings.at(-1));
    expect(encodings?.slice(1, 5)).toEqual([
      "RLE_DICTIONARY",
      "RLE",
      "RLE_DICTIONARY",
      "RLE_DICTIONARY",
    ]);
  });

  function same(left: unknown, right: unknown): boolean {
    return JSON.stringify(left) === JSON.stringify(right);
  }

  it("are compressed with ZSTD where the input is, and with SNAPPY elsewhere", async () => {
    for (const [compression, expected] of [
      ["zstd", "ZSTD"],
      ["gzip", "SNAPPY"],
    ]) {
      const path = await duckdbFile("select 1 as a", `, compression ${compression ?? ""}`);
      const output = join(dirname(path), "out.parquet");
      await writeParquet({
        input: await openParquet(path),
        output,
        columns: text,
        cells: given("x"),
      });
      const [group] = (await metadataOf(output)).row_groups;
      expect(group?.columns.at(-1)?.meta_data?.codec).toBe(expected);
    }
  });
});

const everything = `select i, 9007199254740993 + i as big, 'text ' || i as t, ('x' || i)::blob as b,
  '1.10'::decimal(38, 2) as d, interval '1 day' as iv, timestamptz '2024-01-02 03:04:05+00' as z,
  case when i % 2 = 0 then null else [i, null] end as l, {'a': i, 'b': ['x']} as s,
  map(['k'], [i]) as m, uuid() as u, 'e'::enum('e', 'f') as e from range(5000) r(i)`;

describe("old columns", () => {
  it("stay byte for byte where they were, whatever their types", async () => {
    const path = await duckdbFile(everything, ", row_group_size 2048");
    const output = join(dirname(path), "out.parquet");
    const input = await openParquet(path);
    const cells = given(...Array.from({ length: 5000 }, (_, at) => `n${at}`));
    await writeParquet({ input, output, columns: text, cells });
    const before = await metadataOf(path);
    const after = await metadataOf(output);
    const leaves = before.row_groups[0]?.columns.length ?? 0;
    expect(leaves).toBeGreaterThan(input.columns.length);
    expect(await chunkHashes(output, leaves)).toEqual(await chunkHashes(path, leaves));
    expect(after.schema.slice(1, before.schema.length)).toEqual(before.schema.slice(1));
    before.row_groups.forEach((group, at) => {
      expect(after.row_groups[at]?.columns.slice(0, leaves)).toEqual(group.columns);
      expect(after.row_groups[at]?.num_rows).toBe(group.num_rows);
    });
    const queried = await (
      await duckdb()
    ).runAndReadAll(
      `select count(*) from (from '${path}' except all select * exclude ("new") from '${output}')`,
    );
    expect(queried.getRows()).toEqual([[0n]]);
  });

  it("keep page indexes and bloom filters", async () => {
    const path = join(await newFolder(), "indexed.parquet");
    const data = Array.from({ length: 4000 }, (_, at) => `value ${at}`);
    parquetWriteFile({
      filename: path,
      columnData: [{ name: "a", data, columnIndex: true, offsetIndex: true, bloomFilter: true }],
      pageSize: 4096,
    });
    const output = join(dirname(path), "out.parquet");
    await writeParquet({
      input: await openParquet(path),
      output,
      columns: text,
      cells: given(...data),
    });
    const bytes = await readFile(output);
    const chunks = (await metadataOf(output)).row_groups.map((group) => group.columns[0]);
    expect(chunks.length).toBeGreaterThan(1);
    const before = (await metadataOf(path)).row_groups.map((group) => group.columns[0]);
    expect(chunks).toEqual(before);
    for (const chunk of chunks) {
      expect(chunk?.meta_data?.bloom_filter_offset).toBeGreaterThan(0n);
      const start = Number(chunk?.offset_index_offset);
      const length = chunk?.offset_index_length ?? 0;
      const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
      expect(readOffsetIndex({ view, offset: 0 }).page_locations.length).toBeGreaterThan(1);
    }
    const found = await (
      await duckdb()
    ).runAndReadAll(`select "new" from '${output}' where a = 'value 3999'`);
    expect(found.getRows()).toEqual([["value 3999"]]);
  });

  it("keep what only Arrow's schema says, and the new ones are in it", async () => {
    const path = join(await newFolder(), "arrow.parquet");
    const micros = pl.Series(new BigInt64Array([1_704_164_645_123_456n, 0n]));
    const df = pl.DataFrame({
      category: pl.Series(["x", "y"]).cast(pl.Categorical),
      zone: micros.cast(pl.Datetime("us", "Europe/Rome")),
      span: micros.cast(pl.Duration("us")),
    });
    df.writeParquet(path);
    const output = join(dirname(path), "out.parquet");
    const nulls = every.map((): NewCell[] => [null, null]);
    const input = await openParquet(path);
    const options = { input, output, columns: every, cells: blocksOfCells(nulls) };
    expect((await writeParquet(options)).arrowSchema).toBe("merged");
    const wider = pl.readParquet(output);
    expect(polarsTypes(wider)).toEqual(["Categorical", "Datetime", "Duration", ...everyType]);
    const zoned = wider.getColumn("zone").cast(pl.Utf8).toArray();
    expect(zoned).toEqual(["2024-01-02 04:04:05.123456+01:00", "1970-01-01 01:00:00.000000+01:00"]);
    expect(wider.select("category", "zone", "span").frameEqual(df)).toBe(true);
  });

  const one = {
    schema: [element("root", { 5: i32(1) }), element("a", { 1: i32(1), 3: i32(0) })],
    group: { rowCount: 1, chunks: [{ path: ["a"], type: 1, valueCount: 1, body: int32s(1) }] },
  };
  const entries = (...pairs: readonly (readonly [string, string])[]) =>
    structList(pairs.map(([key, value]) => structOf({ 1: binary(key), 2: binary(value) })));

  it("lose an Arrow schema that cannot be read, and the result says so", async () => {
    const stale = entries(["ARROW:schema", "bm8gc2NoZW1h"], ["kept", "as it is"]);
    const path = await fileOf(handmadeParquet(one.schema, [one.group], { 5: stale }));
    const output = join(dirname(path), "out.parquet");
    const written = await writeParquet({
      input: await openParquet(path),
      output,
      columns: text,
      cells: given("x"),
    });
    expect(written.arrowSchema).toBe("dropped");
    expect((await metadataOf(output)).key_value_metadata).toEqual([
      { key: "kept", value: "as it is" },
    ]);
    expect(polarsJsonRows(pl.readParquet(output))).toEqual([{ a: 1, new: "x" }]);
  });

  it("are beside the new ones in the schema that Spark keeps", async () => {
    const key = "org.apache.spark.sql.parquet.row.metadata";
    const field = { name: "a", type: "integer", nullable: false, metadata: {} };
    const spark = JSON.stringify({ type: "struct", fields: [field] });
    const path = await fileOf(
      handmadeParquet(one.schema, [one.group], { 5: entries([key, spark]) }),
    );
    const output = join(dirname(path), "out.parquet");
    const cells = blocksOfCells(every.map((): NewCell[] => [null]));
    await writeParquet({ input: await openParquet(path), output, columns: every, cells });
    const [entry] = (await metadataOf(output)).key_value_metadata ?? [];
    const merged = JSON.parse(entry?.value ?? "") as { fields: { name: string; type: unknown }[] };
    expect(merged.fields.map(({ name }) => name)).toEqual(["a", ...every.map(({ name }) => name)]);
    const arrayOf = (elementType: unknown) => ({ type: "array", elementType, containsNull: true });
    const nullable = { nullable: true, metadata: {} };
    const inner = { type: "struct", fields: [{ name: "x", type: "double", ...nullable }] };
    expect(merged.fields.slice(1).map(({ type }) => type)).toEqual([
      "string",
      "double",
      "long",
      "boolean",
      "date",
      arrayOf("float"),
      arrayOf("string"),
      arrayOf(arrayOf("date")),
      {
        type: "struct",
        fields: [
          { name: "a.b", type: "long", ...nullable },
          { name: "c", type: arrayOf(inner), ...nullable },
        ],
      },
      arrayOf(arrayOf("float")),
    ]);
  });

  it("stay in row groups without rows", async () => {
    const empty = { rowCount: 0, chunks: [{ path: ["a"], type: 1, valueCount: 0, body: null }] };
    const groups = [empty, one.group, empty];
    const path = await fileOf(handmadeParquet(one.schema, groups));
    const output = join(dirname(path), "out.parquet");
    const cells = blocksOfCells(every.map((_, at): NewCell[] => (at === 0 ? ["x"] : [null])));
    await writeParquet({ input: await openParquet(path), output, columns: every, cells });
    expect((await metadataOf(output)).row_groups.map((group) => Number(group.num_rows))).toEqual([
      0, 1, 0,
    ]);
    for (const rows of [
      polarsJsonRows(pl.readParquet(output)),
      await duckdbRows(output),
      await hyparquetRows(output),
    ]) {
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ a: 1, text: "x", integer: null });
    }
    expect(await allTexts(await openParquet(output), { columns: ["a", "text"] })).toEqual([
      ["1", "x"],
    ]);
  });
});

describe("the output", () => {
  const input = async () => openParquet(await duckdbFile("select i from range(3) r(i)"));

  it("can be given new columns again, and none at all", async () => {
    const first = await input();
    const [second, third, fourth] = ["2", "3", "4"].map((name) => join(dirname(first.path), name));
    if (second === undefined || third === undefined || fourth === undefined) throw new Error();
    await writeParquet({
      input: first,
      output: second,
      columns: text,
      cells: given("a", "b", "c"),
    });
    const more: NewColumn[] = [{ name: "more", type: "integer" }];
    const again = await openParquet(second);
    await writeParquet({ input: again, output: third, columns: more, cells: given(1, null, 3) });
    const same = await openParquet(third);
    await writeParquet({ input: same, output: fourth, columns: [], cells: blocksOfCells([]) });
    expect(await duckdbRows(fourth)).toEqual([
      { i: 0n, new: "a", more: 1n },
      { i: 1n, new: "b", more: null },
      { i: 2n, new: "c", more: 3n },
    ]);
    expect(await readFile(fourth)).toEqual(await readFile(third));
  });

  it("is refused where a name is taken or it is the input", async () => {
    const frame = await input();
    const options = { input: frame, cells: given("a", "b", "c") };
    const taken: NewColumn[] = [{ name: "i", type: "text" }];
    const output = join(dirname(frame.path), "out.parquet");
    expect(
      await failureOf(() => writeParquet({ ...options, output, columns: taken })),
    ).toMatchObject({ code: "column_exists" });
    expect(
      await failureOf(() => writeParquet({ ...options, output: frame.path, columns: text })),
    ).toMatchObject({ code: "output_is_input" });
  });

  it.each([
    ["fewer cells than rows", ["a", "b"], "cells_count"],
    ["more cells than rows", ["a", "b", "c", "d"], "cells_count"],
    ["no cells", [], "cells_count"],
    ["a cell of another type", ["a", 1, "c"], "cells_type"],
  ] as const)("does not appear, nor a part of it, with %s", async (_name, cells, code) => {
    const frame = await input();
    const output = join(dirname(frame.path), "out.parquet");
    await writeFile(output, "what stood there");
    const options = { input: frame, output, columns: text, cells: given(...cells) };
    const failure = await failureOf(() => writeParquet(options));
    expect(failure).toMatchObject({ name: "InvariantError", code });
    expect(await readFile(output, "utf8")).toBe("what stood there");
    expect((await readdir(dirname(output))).sort()).toEqual(["duckdb.parquet", "out.parquet"]);
  });

  it.each([true, false])(
    "is refused once the input has changed (fingerprint asked: %s)",
    async (isAsked) => {
      const frame = await input();
      if (isAsked) await frame.fingerprint();
      const output = join(dirname(frame.path), "out.parquet");
      const bytes = await readFile(frame.path);
      if (isAsked) {
        bytes[10] = (bytes[10] ?? 0) ^ 1;
        await writeFile(frame.path, bytes);
      } else await appendFile(frame.path, "x");
      const options = { input: frame, output, columns: text, cells: given("a", "b", "c") };
      expect(await failureOf(() => writeParquet(options))).toMatchObject({ code: "input_changed" });
      expect(await readdir(dirname(output))).toEqual(["duckdb.parquet"]);
    },
  );

  it("is written where the input is what was planned from", async () => {
    const frame = await input();
    await frame.fingerprint();
    const output = join(dirname(frame.path), "out.parquet");
    const options = { input: frame, output, columns: text, cells: given("a", "b", "c") };
    expect((await writeParquet(options)).rows).toBe(3);
  });

  it("is refused for a file whose footer says that it is encrypted", async () => {
    const schema = [element("root", { 5: i32(1) }), element("a", { 1: i32(1), 3: i32(0) })];
    const group = {
      rowCount: 1,
      chunks: [{ path: ["a"], type: 1, valueCount: 1, body: int32s(1) }],
    };
    const signed = { 8: { type: 12, value: structOf({}) } };
    const frame = await openParquet(await fileOf(handmadeParquet(schema, [group], signed)));
    const output = join(dirname(frame.path), "out.parquet");
    const options = { input: frame, output, columns: text, cells: given("x") };
    expect(await failureOf(() => writeParquet(options))).toMatchObject({ code: "file_encrypted" });
  });
});

describe("writeFreshParquet", () => {
  it("writes the text of any frame, nulls included, and new columns of every type", async () => {
    const path = await fileOf('id,note\n007,"a ""b"""\n8,\n9,""\n');
    const output = join(dirname(path), "out.parquet");
    const rows: NewCell[][] = [
      [
        "x",
        1.5,
        2,
        true,
        "2024-02-29",
        Float32Array.of(1, 2),
        ["a", null],
        [["2024-01-01"]],
        { "a.b": 1 },
        [],
      ],
      every.map(() => null),
      every.map(() => null),
    ];
    const columns = every.map((_, at) => rows.map((row): NewCell => row[at] ?? null));
    const written = await writeFreshParquet({
      frame: await openCsv(path),
      inputPath: path,
      output,
      columns: every,
      cells: blocksOfCells(columns, [2]),
    });
    expect(written).toMatchObject({ rows: 3, arrowSchema: "none" });
    const df = pl.readParquet(output);
    expect(polarsTypes(df)).toEqual(["String", "String", ...everyType]);
    const complete = [...columns];
    complete[8] = [{ "a.b": 1, c: null }, null, null];
    expectCells(polarsJsonRows(df), complete);
    expectCells(await duckdbRows(output), complete);
    expectCells(await hyparquetRows(output), complete);
    const old = { columns: ["id", "note"] };
    expect(await allTexts(await openParquet(output), old)).toEqual([
      ["007", 'a "b"'],
      ["8", null],
      ["9", ""],
    ]);
  });

  it("cuts row groups, and keeps rows and cells together across them", async () => {
    const count = 130_000;
    const path = await duckdbFile(`select 'r' || i as id from range(${count}) r(i)`);
    const output = join(dirname(path), "out.parquet");
    const cells = Array.from({ length: count }, (_, at) => at);
    const columns: NewColumn[] = [{ name: "n", type: "integer" }];
    const frame = await openParquet(path);
    const options = { frame, inputPath: path, output, columns };
    await writeFreshParquet({ ...options, cells: blocksOfCells([cells], [999]) });
    const query = `select count(*), count(distinct id) from '${output}' where id = 'r' || n`;
    const found = await (await duckdb()).runAndReadAll(query);
    expect(found.getRows()).toEqual([[BigInt(count), BigInt(count)]]);
    expect((await openParquet(output)).rowGroupSizes.length).toBe(2);
  });

  it.each([
    [["a"], "cells_count"],
    [["a", "b", "c"], "cells_count"],
  ] as const)("refuses %j for two rows", async (cells, code) => {
    const path = await fileOf("id\n1\n2\n");
    const output = join(dirname(path), "out.parquet");
    const options = { frame: await openCsv(path), inputPath: path, output, columns: text };
    const failure = await failureOf(() =>
      writeFreshParquet({ ...options, cells: given(...cells) }),
    );
    expect(failure).toMatchObject({ name: "InvariantError", code });
    expect(await readdir(dirname(output))).toEqual(["input.csv"]);
  });
});
