/**
 * What nodejs-polars loses without a word, call by call, and that nothing of it is lost here.
 *
 * Each test first shows the loss itself: where a new polars no longer has it, the test says so, and what
 * guards against it may go.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import pl from "nodejs-polars";
import type { DataFrame, Series } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { openFile } from "../../src/files/files.ts";
import { recordsFrame, recordsWith } from "../../src/frame/records.ts";
import { polarsFrame, withNewColumns } from "../../src/frame/polars.ts";
import { allTexts, allValues, blocksOfCells, failureOf, newFolder } from "./support.ts";
import { polarsJsonRows, polarsTypes } from "./typed-support.ts";

const big = 9_007_199_254_740_993n;

const int64 = (...values: readonly bigint[]): DataFrame =>
  pl.DataFrame([pl.Series("v", new BigInt64Array(values))]);

const texts = async (df: DataFrame): Promise<(string | null)[]> =>
  (await allTexts(polarsFrame(df))).map(([text]) => text ?? null);

/** A frame of one column `n`, with one new column `v`. */
const withColumn = (type: NewColumn["type"], cells: readonly NewCell[]): Promise<DataFrame> =>
  withNewColumns(
    pl.DataFrame({ n: cells.map((_, at) => at) }),
    [{ name: "v", type }],
    blocksOfCells([cells]),
  );

describe("cells that are read", () => {
  it("toArray, rows, toRecords and the iterator round 64-bit integers", async () => {
    const df = int64(big);
    const rounded = Number(big);
    const [row] = df.rows();
    expect(df.getColumn("v").toArray()).toEqual([rounded]);
    expect(row).toEqual([rounded]);
    expect(df.toRecords()).toEqual([{ v: rounded }]);
    expect([...df.getColumn("v")]).toEqual([rounded]);

    expect(await texts(df)).toEqual(["9007199254740993"]);
    expect(await allValues(polarsFrame(df), "v")).toEqual([big]);
  });

  it("get keeps 32 bits of 64", async () => {
    const df = int64(4_294_967_301n);
    expect(df.getColumn("v").get(0)).toBe(5);
    const unsigned = pl.DataFrame([pl.Series("v", new BigUint64Array([2n ** 64n - 1n]))]);

    expect(await texts(df)).toEqual(["4294967301"]);
    expect(await allValues(polarsFrame(df), "v")).toEqual([4_294_967_301]);
    expect(await texts(unsigned)).toEqual(["18446744073709551615"]);
    expect(await allValues(polarsFrame(unsigned), "v")).toEqual([2n ** 64n - 1n]);
  });

  it("instants become Dates, without their last digits and their zone", async () => {
    const df = pl.DataFrame([
      int64(1_704_164_645_123_456n).getColumn("v").cast(pl.Datetime("us", "Europe/Rome")),
    ]);
    const [date] = df.getColumn("v").toArray() as unknown as Date[];
    expect(date?.getTime()).toBe(1_704_164_645_123);

    expect(await texts(df)).toEqual(["2024-01-02 04:04:05.123456+01:00"]);
  });

  it("the text of a time lacks its fraction", async () => {
    const df = pl.DataFrame([int64(3_723_456_789_000n).getColumn("v").cast(pl.Time)]);
    expect(df.getColumn("v").cast(pl.Utf8).toArray()).toEqual(["01:02:03"]);

    expect(await texts(df)).toEqual(["01:02:03.456789"]);
  });

  it("decimals cannot be read at all", async () => {
    const df = pl.DataFrame([pl.Series("v", ["1.10"]).cast(pl.Decimal(38, 2))]);
    expect(() => df.rows()).toThrow();

    expect(await texts(df)).toEqual(["1.10"]);
    expect(await allValues(polarsFrame(df), "v")).toEqual(["1.10"]);
  });

  it("a column of bytes makes the types of all columns unreadable", async () => {
    const sql = pl.SQLContext({ t: pl.DataFrame({ v: ["ab"], w: ["text"] }) });
    const df = sql.execute("select w, cast(v as binary) as v from t", { eager: true });
    expect(() => df.dtypes).toThrow();
    expect(() => df.rows()).toThrow();

    expect(await allTexts(polarsFrame(df), { columns: ["w"] })).toEqual([["text"]]);
    expect(await allValues(polarsFrame(df), "v")).toEqual([new Uint8Array([97, 98])]);
    const failure = await failureOf(() => allTexts(polarsFrame(df)));
    expect(failure).toMatchObject({ code: "column_type" });
    const wider = await withNewColumns(df, [{ name: "n", type: "text" }], blocksOfCells([["new"]]));
    expect(await allTexts(polarsFrame(wider), { columns: ["w", "n"] })).toEqual([["text", "new"]]);
  });

  it("integers past 64 bits have a type that JavaScript has no name for", async () => {
    const df = pl.readCSV("v\n12345678901234567890123\n");
    expect(() => df.dtypes).toThrow();

    expect(await texts(df)).toEqual(["12345678901234567890123"]);
    expect(await allValues(polarsFrame(df), "v")).toEqual([12_345_678_901_234_567_890_123n]);
  });

  it("structs with decimals or integers in them", async () => {
    const df = pl
      .DataFrame([
        int64(big).getColumn("v").alias("a"),
        pl.Series("b", ["1.10"]).cast(pl.Decimal(20, 2)),
      ])
      .select(pl.struct([pl.col("a"), pl.col("b")]).alias("v"));
    expect(() => df.rows()).toThrow();

    expect(await texts(df)).toEqual(['{"a":9007199254740993,"b":"1.10"}']);
    expect(await allValues(polarsFrame(df), "v")).toEqual([{ a: big, b: "1.10" }]);
  });

  it.each(["select", "height", "columns", "filter", "rows", "getColumn", "width", "length"])(
    "a column named %s hides the method of that name",
    async (name) => {
      const df: DataFrame = pl.DataFrame({ [name]: ["x", "y"] });
      expect(typeof (df as unknown as Record<string, unknown>)[name]).not.toBe("function");
      expect((df as unknown as Record<string, Series>)[name]?.toArray()).toEqual(["x", "y"]);

      expect(polarsFrame(df).columns).toEqual([name]);
      expect(await texts(df)).toEqual(["x", "y"]);
      const wider = await withNewColumns(
        df,
        [{ name: "shape", type: "text" }],
        blocksOfCells([["1", "2"]]),
      );
      expect(await allTexts(polarsFrame(wider))).toEqual([
        ["x", "1"],
        ["y", "2"],
      ]);
    },
  );
});

describe("cells that are added", () => {
  it("BigInts lose their sign, or all become null where the type is said", async () => {
    expect(pl.Series("v", [-5n, 3n]).toArray()).toEqual([5n, 3n]);
    expect(pl.Series("v", [1n, 2n], pl.Int64).toArray()).toEqual([null, null]);

    const df = await withColumn("integer", [-5, null, -Number.MAX_SAFE_INTEGER]);
    expect(polarsTypes(df)[1]).toBe("Int64");
    expect((await allTexts(polarsFrame(df))).map(([, text]) => text)).toEqual([
      "-5",
      null,
      "-9007199254740991",
    ]);
    const [first] = await recordsWith([{ n: -5n }], [{ name: "v", type: "integer" }], {
      cells: blocksOfCells([[-1]]),
      replaces: false,
    });
    expect(first).toEqual({ n: -5n, v: -1 });
    expect(await allTexts(recordsFrame([{ n: -5n }, { n: big }]))).toEqual([
      ["-5"],
      ["9007199254740993"],
    ]);
  });

  it("of several types, all but those like the first become null", async () => {
    expect(pl.Series("v", ["x", 1, {}]).toArray()).toEqual(["x", null, null]);

    const failure = await failureOf(() => withColumn("text", ["x", 1]));
    expect(failure).toMatchObject({ code: "cells_type" });
    const number = await failureOf(() => withColumn("integer", [1, 1.5]));
    expect(number).toMatchObject({ code: "cells_type" });
    expect(await allTexts(recordsFrame([{ v: 1 }, { v: "x" }, { v: true }]))).toEqual([
      ["1"],
      ["x"],
      ["true"],
    ]);
  });

  it("of records, those that only later ones have are dropped", async () => {
    const early = Array.from({ length: 200 }, () => ({ a: 1 }));
    const late = { a: 1, b: "only here" };
    const guessed = pl.readRecords([...early, late], { inferSchemaLength: 100 });
    expect(guessed.columns).toEqual(["a"]);

    const frame = recordsFrame([...early, late]);
    expect(frame.columns).toEqual(["a", "b"]);
    expect((await allTexts(frame)).at(-1)).toEqual(["1", "only here"]);
    const struct: NewColumn["type"] = {
      struct: [
        { name: "a", type: "integer" },
        { name: "b", type: "text" },
      ],
    };
    const cells = [...early.map(({ a }) => ({ a, b: null })), late];
    const df = await withColumn(struct, cells);
    expect(polarsJsonRows(df).at(-1)).toEqual({ n: 200, v: late });
  });

  it("of lists of objects, the objects become null texts", async () => {
    const broken = pl.readRecords([{ v: [{ a: 1 }] }]);
    expect(polarsJsonRows(broken)).not.toEqual([{ v: [{ a: 1 }] }]);

    const type: NewColumn["type"] = { list: { struct: [{ name: "a", type: "integer" }] } };
    const df = await withColumn(type, [null, [{ a: 1 }, null], []]);
    expect(polarsJsonRows(df)).toEqual([
      { n: 0, v: null },
      { n: 1, v: [{ a: 1 }, null] },
      { n: 2, v: [] },
    ]);
  });

  it("of one row are repeated for all", async () => {
    const broadcast = pl.DataFrame({ n: [1, 2, 3] }).withColumn(pl.Series("v", ["one"]));
    expect(broadcast.getColumn("v").toArray()).toEqual(["one", "one", "one"]);

    const failure = await failureOf(() =>
      withNewColumns(
        pl.DataFrame({ n: [1, 2, 3] }),
        [{ name: "v", type: "text" }],
        blocksOfCells([["one"]]),
      ),
    );
    expect(failure).toMatchObject({ code: "cells_count" });
  });
});

describe("files", () => {
  it("a path with another ending is taken for the content", async () => {
    const folder = await newFolder();
    const text = join(folder, "rows.txt");
    await writeFile(text, "a,b\n1,2\n");
    expect(pl.readCSV(text).height).toBe(0);
    expect(await allTexts(await openFile(text))).toEqual([["1", "2"]]);

    const parquet = join(folder, "rows.pq");
    const df = int64(big);
    await writeFile(parquet, df.writeParquet());
    expect(() => pl.readParquet(parquet)).toThrow();
    expect(await allTexts(await openFile(parquet))).toEqual([["9007199254740993"]]);
  });

  it("JSON Lines cannot be read from a path", async () => {
    const path = join(await newFolder(), "rows.jsonl");
    await writeFile(path, '{"a":9007199254740993}\n{"a":1.10,"b":"late"}\n');
    expect(() => pl.readJSON(path, { format: "lines" })).toThrow();
    expect(await allTexts(await openFile(path))).toEqual([
      ["9007199254740993", null],
      ["1.10", "late"],
    ]);
  });

  it("CSV is guessed at: zeros before numbers, digits past 64 bits and long rows go", async () => {
    const path = join(await newFolder(), "rows.csv");
    const content = 'zip,price,flag,empty\n00701,1.10,TRUE,""\n';
    await writeFile(path, content);
    expect(pl.readCSV(path).rows()).toEqual([[701, 1.1, true, ""]]);
    expect(await allTexts(await openFile(path))).toEqual([["00701", "1.10", "TRUE", ""]]);

    const long = join(await newFolder(), "long.csv");
    await writeFile(long, "a\nx\nx,lost\n");
    expect(pl.readCSV(long).height).toBe(2);
    const failure = await failureOf(async () => allTexts(await openFile(long)));
    expect(failure.message).toMatch(/^Line 3 of /);
  });
});
