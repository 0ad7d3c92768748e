import fc from "../property.ts";
import pl from "nodejs-polars";
import type { DataFrame, Series } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { Cell, NewCell, NewCells, NewColumn } from "../../src/core/column.ts";
import { frameOfCells } from "../../src/frame/polars-native.ts";
import { isDataFrame, polarsFrame, withNewColumns } from "../../src/frame/polars.ts";
import { allTexts, allValues, blocksOfCells, failureOf } from "./support.ts";

/** A frame of one column `v`. */
const frameOfColumn = (series: Series): DataFrame => pl.DataFrame([series.alias("v")]);

const integers = (...values: readonly bigint[]): Series =>
  pl.Series("v", new BigInt64Array(values));

/** A series of 1 and null, cast by SQL to a type nodejs-polars has no name for. */
function castBySql(values: readonly (string | null)[], type: string): Series {
  const sql = pl.SQLContext({ t: pl.DataFrame({ v: values }) });
  const result = sql.execute(`select cast(v as ${type}) as v from t`, { eager: true });
  return result.getColumn("v");
}

const micros = integers(1_704_164_645_123_456n, -1n, 0n);

const matrix: Record<string, [series: () => Series, texts: (string | null)[], values: Cell[]]> = {
  String: [
    () => pl.Series("v", ["a", null, "", "x\0y\n😀"]),
    ["a", null, "", "x\0y\n😀"],
    ["a", null, "", "x\0y\n😀"],
  ],
  Int64: [
    () =>
      integers(9_007_199_254_740_993n, -9_223_372_036_854_775_808n, 9_007_199_254_740_991n, -5n),
    ["9007199254740993", "-9223372036854775808", "9007199254740991", "-5"],
    [9_007_199_254_740_993n, -9_223_372_036_854_775_808n, 9_007_199_254_740_991, -5],
  ],
  "Int64 with nulls": [
    () => pl.Series("v", [4_294_967_301, null], pl.Int64),
    ["4294967301", null],
    [4_294_967_301, null],
  ],
  UInt64: [
    () => pl.Series("v", new BigUint64Array([18_446_744_073_709_551_615n, 3n])),
    ["18446744073709551615", "3"],
    [18_446_744_073_709_551_615n, 3],
  ],
  Int32: [() => pl.Series("v", [-3, null], pl.Int32), ["-3", null], [-3, null]],
  Int16: [() => pl.Series("v", [-3, null], pl.Int16), ["-3", null], [-3, null]],
  Int8: [() => pl.Series("v", [-3, null], pl.Int8), ["-3", null], [-3, null]],
  UInt32: [
    () => pl.Series("v", [4_294_967_295, null], pl.UInt32),
    ["4294967295", null],
    [4_294_967_295, null],
  ],
  UInt16: [() => pl.Series("v", [3, null], pl.UInt16), ["3", null], [3, null]],
  UInt8: [() => pl.Series("v", [3, null], pl.UInt8), ["3", null], [3, null]],
  Int128: [
    () => pl.readCSV("v\n12345678901234567890123\n-1\n").getColumn("v"),
    ["12345678901234567890123", "-1"],
    [12_345_678_901_234_567_890_123n, -1],
  ],
  Float64: [
    () => pl.Series("v", [1, null, 0.1 + 0.2, 1e21, Number.NaN, Infinity, -0], pl.Float64),
    ["1.0", null, "0.30000000000000004", "1e+21", "NaN", "inf", "-0.0"],
    [1, null, 0.1 + 0.2, 1e21, Number.NaN, Infinity, -0],
  ],
  Float32: [
    () => pl.Series("v", [0.5, null, 0.1], pl.Float32),
    ["0.5", null, "0.1"],
    [0.5, null, Math.fround(0.1)],
  ],
  Bool: [() => pl.Series("v", [true, null, false]), ["true", null, "false"], [true, null, false]],
  Null: [
    () =>
      pl
        .DataFrame({ a: ["x", "y"] })
        .withColumn(pl.lit(null).alias("v"))
        .getColumn("v"),
    [null, null],
    [null, null],
  ],
  Date: [
    () => pl.Series("v", ["2024-01-02", null, "1900-12-31"]).str.strptime(pl.Date, "%Y-%m-%d"),
    ["2024-01-02", null, "1900-12-31"],
    [new Date("2024-01-02"), null, new Date("1900-12-31")],
  ],
  "Datetime in microseconds": [
    () => micros.cast(pl.Datetime("us")),
    ["2024-01-02 03:04:05.123456", "1969-12-31 23:59:59.999999", "1970-01-01 00:00:00.000000"],
    [new Date("2024-01-02T03:04:05.123Z"), new Date(0), new Date(0)],
  ],
  "Datetime in nanoseconds": [
    () => integers(1_704_164_645_123_456_789n).cast(pl.Datetime("ns")),
    ["2024-01-02 03:04:05.123456789"],
    [new Date("2024-01-02T03:04:05.123Z")],
  ],
  "Datetime with a time zone": [
    () => micros.cast(pl.Datetime("us", "Europe/Rome")),
    [
      "2024-01-02 04:04:05.123456+01:00",
      "1970-01-01 00:59:59.999999+01:00",
      "1970-01-01 01:00:00.000000+01:00",
    ],
    [new Date("2024-01-02T03:04:05.123Z"), new Date(0), new Date(0)],
  ],
  "Datetime where polars rounds the offset, or knows no summer time": [
    () =>
      integers(-3_000_000_000_000_000n, 4_109_878_800_000_000n).cast(
        pl.Datetime("us", "Europe/Rome"),
      ),
    ["1874-12-07 19:29:56.000000+00:49:56", "2100-03-28 03:00:00.000000+02:00"],
    [new Date(-3_000_000_000_000), new Date(4_109_878_800_000)],
  ],
  Time: [
    () => integers(3_723_456_789_000n, 0n, 86_399_999_999_999n).cast(pl.Time),
    ["01:02:03.456789", "00:00:00", "23:59:59.999999999"],
    ["01:02:03.456789", "00:00:00", "23:59:59.999999999"],
  ],
  "Duration in microseconds": [
    () => micros.cast(pl.Duration("us")),
    ["PT1704164645.123456S", "-PT0.000001S", "P0D"],
    ["PT1704164645.123456S", "-PT0.000001S", "P0D"],
  ],
  "Duration in milliseconds": [
    () => integers(90_061_001n).cast(pl.Duration("ms")),
    ["PT90061.001S"],
    ["PT90061.001S"],
  ],
  Decimal: [
    () => pl.Series("v", ["1.10", null, "-123456789012345678.01"]).cast(pl.Decimal(38, 2)),
    ["1.10", null, "-123456789012345678.01"],
    ["1.10", null, "-123456789012345678.01"],
  ],
  Categorical: [
    () => pl.Series("v", ["x", null, "y"]).cast(pl.Categorical),
    ["x", null, "y"],
    ["x", null, "y"],
  ],
  "List of text": [
    () => pl.Series("v", [["a", 'q"'], null, []], pl.List(pl.Utf8)),
    ['["a","q\\""]', null, "[]"],
    [["a", 'q"'], null, []],
  ],
  "List of Int64": [
    () =>
      frameOfColumn(integers(9_007_199_254_740_993n, 5n))
        .select(pl.concatList("v").alias("v"))
        .getColumn("v"),
    ["[9007199254740993]", "[5]"],
    [[9_007_199_254_740_993n], [5]],
  ],
  "List of Decimal": [
    () =>
      frameOfColumn(pl.Series("v", ["1.10"]).cast(pl.Decimal(20, 2)))
        .select(pl.concatList("v").alias("v"))
        .getColumn("v"),
    ['["1.10"]'],
    [["1.10"]],
  ],
  FixedSizeList: [
    () => pl.Series("v", [null, [3, 4], [5, 6]], pl.FixedSizeList(pl.Float32, 2)),
    [null, "[3.0,4.0]", "[5.0,6.0]"],
    [null, [3, 4], [5, 6]],
  ],
  Struct: [
    () => pl.DataFrame({ a: [1.5, null], b: ["x", null] }).toStruct("v"),
    ['{"a":1.5,"b":"x"}', '{"a":null,"b":null}'],
    [
      { a: 1.5, b: "x" },
      { a: null, b: null },
    ],
  ],
  "List of structs, some of which are null": [
    () => {
      const type: NewColumn = {
        name: "v",
        type: { list: { struct: [{ name: "x", type: "float" }] } },
      };
      return frameOfCells([type], [[[{ x: Number.NaN }, null, { x: null }], null, []]]).getColumn(
        "c0",
      );
    },
    ['[{"x":null},null,{"x":null}]', null, "[]"],
    [[{ x: Number.NaN }, null, { x: null }], null, []],
  ],
  "Struct of what JavaScript rounds": [
    () =>
      pl
        .DataFrame([
          integers(9_007_199_254_740_993n).alias("n"),
          integers(1_704_164_645_123_456n).cast(pl.Datetime("us", "Europe/Rome")).alias("d"),
          pl.Series("s", ["9007199254740993"]),
        ])
        .toStruct("v"),
    ['{"n":9007199254740993,"d":"2024-01-02T04:04:05.123456+01:00","s":"9007199254740993"}'],
    [{ n: 9_007_199_254_740_993n, d: new Date("2024-01-02T03:04:05.123Z"), s: "9007199254740993" }],
  ],
  "Struct of Int128": [
    () => pl.readCSV("n\n12345678901234567890123\n").toStruct("v"),
    ['{"n":12345678901234567890123}'],
    [{ n: 12_345_678_901_234_567_890_123n }],
  ],
};

describe("every type polars holds", () => {
  it.each(Object.entries(matrix))("%s", async (_name, [series, texts, values]) => {
    const frame = polarsFrame(frameOfColumn(series()));
    expect(await allTexts(frame, { maxRows: 2 })).toEqual(texts.map((cell) => [cell]));
    expect(await allValues(frame, "v")).toEqual(values);
  });

  const bytes = () => castBySql(["a", null], "blob");
  const listOf = (series: Series): Series =>
    frameOfColumn(series).select(pl.concatList("v").alias("v")).getColumn("v");
  const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
  const binary: Record<string, [series: () => Series, values: Cell[]]> = {
    Binary: [bytes, [bytesOf("a"), null]],
    "List of Binary": [() => listOf(bytes()), [[bytesOf("a")], [null]]],
    "Struct of Binary": [
      () => frameOfColumn(bytes()).toStruct("v"),
      [{ v: bytesOf("a") }, { v: null }],
    ],
    "Struct of Binary and of what JavaScript rounds": [
      () =>
        pl
          .DataFrame([bytes().alias("b"), integers(9_007_199_254_740_993n, -5n).alias("n")])
          .toStruct("v"),
      [
        { b: bytesOf("a"), n: 9_007_199_254_740_993n },
        { b: null, n: -5 },
      ],
    ],
  };
  it.each(Object.entries(binary))("%s has values and no text", async (_name, [series, values]) => {
    const frame = polarsFrame(frameOfColumn(series()));
    const read = await allValues(frame, "v");
    expect(read).toEqual(values);
    const failure = await failureOf(() => allTexts(frame));
    expect(failure).toMatchObject({ name: "InputError", code: "column_type" });
    expect(failure.message).toContain('"v"');
  });

  it("of a column that is not read does no harm", async () => {
    const df = pl.DataFrame([
      bytes().alias("bytes"),
      castBySql(["1", "2"], "hugeint").alias("big"),
      pl.Series("t", ["x", "y"]),
    ]);
    const frame = polarsFrame(df);
    expect(frame.columns).toEqual(["bytes", "big", "t"]);
    expect(await allTexts(frame, { columns: ["t"] })).toEqual([["x"], ["y"]]);
    const wider = await withNewColumns(
      df,
      [{ name: "new", type: "text" }],
      blocksOfCells([["a", "b"]]),
    );
    expect(await allTexts(polarsFrame(wider), { columns: ["big", "new"] })).toEqual([
      ["1", "a"],
      ["2", "b"],
    ]);
  });
});

/** Names that hide what a dataframe can do, or that are hard to write. */
const oddNames = [
  "select",
  "height",
  "columns",
  "filter",
  "getColumn",
  "hstack",
  "slice",
  "width",
  "lazy",
  "_df",
  "inner",
  "then",
  "toString",
  "constructor",
  "__proto__",
  "0",
  "17",
  "a.b",
  "",
  " ",
  "日本語",
  "😀",
  'q"uote',
  "new\nline",
];

describe("columns with any name", () => {
  it("are read, and kept where new ones are added", async () => {
    const rowOf = (row: number) => oddNames.map((_, at) => `${at}/${row}`);
    const df = pl.DataFrame(oddNames.map((_, at) => pl.Series(`c${at}`, [`${at}/0`, `${at}/1`])));
    df.columns = oddNames;
    const frame = polarsFrame(df);
    expect(frame.columns).toEqual(oddNames);
    expect(await allTexts(frame)).toEqual([rowOf(0), rowOf(1)]);
    const added: NewColumn[] = [
      { name: "schema", type: "text" },
      { name: "dtypes", type: "integer" },
    ];
    const wider = polarsFrame(
      await withNewColumns(
        df,
        added,
        blocksOfCells([
          ["x", "y"],
          [1, 2],
        ]),
      ),
    );
    expect(wider.columns).toEqual([...oddNames, "schema", "dtypes"]);
    expect(await allTexts(wider)).toEqual([
      [...rowOf(0), "x", "1"],
      [...rowOf(1), "y", "2"],
    ]);
  });
});

describe("polarsFrame", () => {
  it("cuts blocks at maxRows and numbers their rows", async () => {
    const frame = polarsFrame(pl.DataFrame({ a: [1, 2, 3, 4, 5] }));
    const blocks: [number, number, readonly Cell[]][] = [];
    for await (const block of frame.blocks(["a"], 2)) {
      blocks.push([block.firstRow, block.rowCount, block.values("a")]);
    }
    expect(blocks).toEqual([
      [0, 2, [1, 2]],
      [2, 2, [3, 4]],
      [4, 1, [5]],
    ]);
  });

  it("lets the event loop run between blocks", async () => {
    const frame = polarsFrame(pl.DataFrame({ a: [1, 2, 3] }));
    let turns = 0;
    setImmediate(() => (turns += 1));
    const seen: number[] = [];
    for await (const { firstRow } of frame.blocks(["a"], 1)) seen[firstRow] = turns;
    expect(seen).toEqual([0, 1, 1]);
  });

  it("has no fingerprint, and no blocks where there are no rows or no columns", async () => {
    const empty = polarsFrame(pl.DataFrame({ a: ["x"] }).head(0));
    expect(await empty.fingerprint()).toBeNull();
    expect(await allTexts(empty)).toEqual([]);
    expect(await allTexts(polarsFrame(pl.DataFrame()))).toEqual([]);
  });
});

describe("isDataFrame", () => {
  it("knows a DataFrame from anything else", () => {
    expect(isDataFrame(pl.DataFrame({ a: [1] }))).toBe(true);
    expect(isDataFrame(pl.DataFrame({ columns: [1] }))).toBe(true);
    const others = [
      null,
      undefined,
      1,
      "x",
      {},
      [],
      pl.Series([1]),
      pl.DataFrame({ a: [1] }).lazy(),
    ];
    expect(others.map(isDataFrame)).toEqual(others.map(() => false));
  });
});

const every: NewColumn[] = [
  { name: "t", type: "text" },
  { name: "f", type: "float" },
  { name: "i", type: "integer" },
  { name: "b", type: "boolean" },
  { name: "e", type: "embedding" },
  { name: "d", type: "date" },
  { name: "l", type: { list: "integer" } },
  {
    name: "s",
    type: {
      struct: [
        { name: "x", type: "text" },
        { name: "y", type: { list: { struct: [{ name: "z", type: "float" }] } } },
      ],
    },
  },
];
const everyType = ["String", "Float64", "Int64", "Bool", "List", "Date", "List", "Struct"];

function typesOf(df: DataFrame): string[] {
  return df.dtypes.map((dtype) => (dtype as { readonly variant: string }).variant);
}

const anyDate = fc
  .date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const anyStruct = fc.record({
  x: fc.option(fc.string({ unit: "grapheme" })),
  y: fc.option(
    fc.array(
      fc.option(fc.record({ z: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })) })),
      {
        maxLength: 3,
      },
    ),
  ),
});

describe("withNewColumns", () => {
  it("keeps rows in order and values exact, whatever the blocks", async () => {
    const cells = fc.record({
      rows: fc.array(
        fc.tuple(
          fc.option(fc.string({ unit: "grapheme" })),
          fc.option(fc.double()),
          fc.option(fc.maxSafeInteger()),
          fc.option(fc.boolean()),
          fc.option(fc.float32Array({ noNaN: true, minLength: 0, maxLength: 3 })),
          fc.option(anyDate),
          fc.option(fc.array(fc.option(fc.maxSafeInteger()), { maxLength: 3 })),
          fc.option(anyStruct),
        ),
        { minLength: 1, maxLength: 10 },
      ),
      sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(cells, async ({ rows, sizes }) => {
        const df = pl.DataFrame({ id: rows.map((_, at) => at) });
        const columns = every.map((_, at) => rows.map((row): NewCell => row[at] ?? null));
        const wider = await withNewColumns(df, every, blocksOfCells(columns, sizes));
        expect(typesOf(wider)).toEqual(["Float64", ...everyType]);
        expect(wider.getColumn("id").toArray()).toEqual(rows.map((_, at) => at));
        const frame = polarsFrame(wider);
        for (const [at, { name }] of every.entries()) {
          const expected = columns[at]?.map((cell) => {
            if (cell instanceof Float32Array) return [...cell];
            return name === "d" && typeof cell === "string" ? new Date(cell) : cell;
          });
          expect(await allValues(frame, name)).toEqual(expected);
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([0, 1, 4])(
    "keeps the types of columns that are all null, over %i rows",
    async (height) => {
      const df = pl.DataFrame({ a: ["x", "x", "x", "x"] }).head(height);
      const nulls = every.map(() => Array<NewCell>(height).fill(null));
      const wider = await withNewColumns(df, every, blocksOfCells(nulls));
      expect(typesOf(wider)).toEqual(["String", ...everyType]);
      expect(wider.height).toBe(height);
      expect(wider.getColumn("t").nullCount()).toBe(height);
      expect(JSON.stringify(wider.getColumn("e").dtype)).toContain("Float32");
    },
  );

  it("leaves the old frame as it was, and an integer at the edge of 53 bits exact", async () => {
    const df = pl.DataFrame({ a: ["x"] });
    const edge = Number.MAX_SAFE_INTEGER;
    const wider = await withNewColumns(
      df,
      [{ name: "n", type: "integer" }],
      blocksOfCells([[edge]]),
    );
    expect(df.columns).toEqual(["a"]);
    expect(await allTexts(polarsFrame(wider))).toEqual([["x", "9007199254740991"]]);
  });

  it("gives an equal frame where no column is new", async () => {
    const df = pl.DataFrame({ a: ["x", "y"] });
    const same = await withNewColumns(df, [], blocksOfCells([]));
    expect(same.frameEqual(df)).toBe(true);
  });

  it("refuses a name that is taken", async () => {
    const df = pl.DataFrame({ a: ["x"], columns: [1] });
    for (const name of ["a", "columns"]) {
      const failure = await failureOf(() =>
        withNewColumns(df, [{ name, type: "text" }], blocksOfCells([["y"]])),
      );
      expect(failure).toMatchObject({ name: "InputError", code: "column_exists" });
    }
  });

  async function* blocks(...given: readonly NewCells[]): AsyncGenerator<NewCells> {
    for (const block of given) yield await Promise.resolve(block);
  }
  const wrong: Record<string, [cells: readonly NewCells[], code: string]> = {
    "one cell for many rows, which polars would repeat": [
      [{ firstRow: 0, columns: [["x"]] }],
      "cells_count",
    ],
    "too many": [[{ firstRow: 0, columns: [["x", "x", "x", "x"]] }], "cells_count"],
    none: [[], "cells_count"],
    "a gap": [[{ firstRow: 1, columns: [["x", "x"]] }], "cells_misaligned"],
    "a number in a text column": [[{ firstRow: 0, columns: [["x", 1, "x"]] }], "cells_type"],
  };
  it.each(Object.entries(wrong))("refuses %s", async (_name, [cells, code]) => {
    const df = pl.DataFrame({ a: ["x", "y", "z"] });
    const failure = await failureOf(() =>
      withNewColumns(df, [{ name: "t", type: "text" }], blocks(...cells)),
    );
    expect(failure).toMatchObject({ name: "InvariantError", code });
  });
});
