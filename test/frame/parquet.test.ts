import { appendFile, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "../property.ts";
import { parquetWriteFile } from "hyparquet-writer";
import pl from "nodejs-polars";
import type { DataFrame } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { Cell } from "../../src/core/column.ts";
import { openParquet } from "../../src/frame/parquet.ts";
import { polarsFrame } from "../../src/frame/polars.ts";
import { binary, i32, nested } from "../../src/frame/thrift-fields.ts";
import { element, handmadeParquet, int32s, levels } from "./handmade-parquet.ts";
import { allTexts, allValues, failureOf, fileOf, newFolder } from "./support.ts";
import { duckdbFile } from "./typed-support.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const instant = new Date("2024-01-02T03:04:05.123Z");

/** A column as SQL, its text (null for none) and its value. */
const matrix: Record<string, [sql: string, text: string | null, value: Cell]> = {
  boolean: ["true", "true", true],
  int8: ["(-5)::tinyint", "-5", -5],
  int16: ["(-5)::smallint", "-5", -5],
  int32: ["(-5)::integer", "-5", -5],
  int64: ["9007199254740993::bigint", "9007199254740993", 9_007_199_254_740_993n],
  uint8: ["255::utinyint", "255", 255],
  uint16: ["65535::usmallint", "65535", 65_535],
  uint32: ["4294967295::uinteger", "4294967295", 4_294_967_295],
  uint64: ["18446744073709551615::ubigint", "18446744073709551615", 18_446_744_073_709_551_615n],
  float: ["0.1::float", "0.1", Math.fround(0.1)],
  double: ["1::double", "1.0", 1],
  "decimal in 32 bits": ["'-1.10'::decimal(4,2)", "-1.10", "-1.10"],
  "decimal in 64 bits": ["'123456789.12'::decimal(18,2)", "123456789.12", "123456789.12"],
  "decimal in 128 bits": [
    "'-12345678901234567890.123'::decimal(38,3)",
    "-12345678901234567890.123",
    "-12345678901234567890.123",
  ],
  text: ["'a\u{feff}😀'", "a\u{feff}😀", "a\u{feff}😀"],
  "text that begins with a byte order mark": ["'\u{feff}a'", "\u{feff}a", "\u{feff}a"],
  enum: ["'x'::enum('x','y')", "x", "x"],
  json: [`'{"a":1}'::json`, '{"a":1}', '{"a":1}'],
  bytes: ["'\\xFF\\x00a'::blob", null, Uint8Array.from([255, 0, 97])],
  date: ["date '2024-01-31'", "2024-01-31", new Date("2024-01-31")],
  time: ["time '01:02:03.456789'", "01:02:03.456789", "01:02:03.456789"],
  "timestamp in milliseconds": [
    "timestamp_ms '2024-01-02 03:04:05.123'",
    "2024-01-02 03:04:05.123",
    instant,
  ],
  "timestamp in microseconds": [
    "timestamp '2024-01-02 03:04:05.123456'",
    "2024-01-02 03:04:05.123456",
    instant,
  ],
  "timestamp in nanoseconds": [
    "timestamp_ns '2024-01-02 03:04:05.123456789'",
    "2024-01-02 03:04:05.123456789",
    instant,
  ],
  "timestamp with a zone": [
    "timestamptz '2024-01-02 05:04:05.123456+02'",
    "2024-01-02 03:04:05.123456+00:00",
    instant,
  ],
  interval: ["interval '1 month 2 days 3.5 seconds'", "P1M2DT3.5S", "P1M2DT3.5S"],
  uuid: [
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
  ],
  list: ["['a', null, 'c']", '["a",null,"c"]', ["a", null, "c"]],
  "empty list": ["[]::integer[]", "[]", []],
  "list of lists": ["[[1], [], null]::integer[][]", "[[1],[],null]", [[1], [], null]],
  struct: [
    "{'a.b': 9007199254740993, 'c': ['1.5'::decimal(3,1), null]}",
    '{"a.b":9007199254740993,"c":["1.5",null]}',
    { "a.b": 9_007_199_254_740_993n, c: ["1.5", null] },
  ],
  map: [
    "map(['k1', 'k2'], [1, null])",
    '[{"key":"k1","value":1},{"key":"k2","value":null}]',
    [
      { key: "k1", value: 1 },
      { key: "k2", value: null },
    ],
  ],
  "list of structs": [
    "[{'x': 'a', 'y': timestamp '2024-01-02 03:04:05.5'}, null]",
    '[{"x":"a","y":"2024-01-02 03:04:05.500"},null]',
    [{ x: "a", y: new Date("2024-01-02T03:04:05.5Z") }, null],
  ],
  "list of bytes": ["['a'::blob, null]", null, [bytesOf("a"), null]],
};

describe("every type DuckDB writes", () => {
  it.each(Object.entries(matrix))("%s", async (_name, [sql, text, value]) => {
    const path = await duckdbFile(`select ${sql} as "v.1" union all select null`);
    const frame = await openParquet(path);
    expect(frame.columns).toEqual(["v.1"]);
    expect(await allValues(frame, "v.1")).toEqual([value, null]);
    if (text !== null) expect(await allTexts(frame)).toEqual([[text], [null]]);
    else {
      const failure = await failureOf(() => allTexts(frame));
      expect(failure).toMatchObject({ name: "InputError", code: "column_type" });
      expect(failure.message).toContain('"v.1"');
    }
  });
});

const integers = (...values: readonly bigint[]) => pl.Series(new BigInt64Array(values));

/** One column of each type that only Arrow's schema tells of, and of those polars encodes its own way. */
function polarsOnly(): DataFrame {
  const micros = integers(1_720_164_645_123_456n, -1n, 0n);
  return pl.DataFrame({
    zone: micros.cast(pl.Datetime("us", "Europe/Rome")),
    nanos: micros.cast(pl.Datetime("ns", "Asia/Kathmandu")),
    span: micros.cast(pl.Duration("us")),
    time: integers(3_723_456_789_000n, 0n, 86_399_999_999_999n).cast(pl.Time),
    category: pl.Series(["x", null, "x"]).cast(pl.Categorical),
    spans: pl
      .DataFrame({ v: micros.cast(pl.Duration("ms")) })
      .select(pl.concatList("v"))
      .getColumn("v"),
    zones: pl.DataFrame({ v: micros.cast(pl.Datetime("ms", "Europe/Rome")) }).toStruct("v"),
  });
}

describe("a file that polars wrote", () => {
  it.each(["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"] as const)(
    "reads as the dataframe does, compressed with %s",
    async (compression) => {
      const df = polarsOnly();
      const path = join(await newFolder(), "polars.parquet");
      df.writeParquet(path, { compression });
      const texts = await allTexts(await openParquet(path), { maxRows: 2 });
      expect(texts).toEqual(await allTexts(polarsFrame(df)));
    },
  );

  it("reads as the dataframe does, whatever is in it", async () => {
    const rows = fc.array(
      fc.record({
        t: fc.option(fc.string({ unit: "grapheme" })),
        f: fc.option(fc.double()),
        l: fc.option(fc.array(fc.option(fc.string()), { maxLength: 4 })),
        b: fc.option(fc.boolean()),
        i: fc.option(fc.maxSafeInteger()),
      }),
      { minLength: 1, maxLength: 60 },
    );
    const folder = await newFolder();
    const input = fc.tuple(rows, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 50 }));
    await fc.assert(
      fc.asyncProperty(input, async ([all, rowGroupSize, maxRows]) => {
        const df = pl.DataFrame([
          pl.Series(
            "t",
            all.map(({ t }) => t),
            pl.Utf8,
          ),
          pl.Series(
            "f",
            all.map(({ f }) => f),
            pl.Float64,
          ),
          pl.Series("l", [["x"], ...all.map(({ l }) => l)], pl.List(pl.Utf8)).slice(1, all.length),
          pl.Series(
            "b",
            all.map(({ b }) => b),
            pl.Bool,
          ),
          pl.Series(
            "i",
            all.map(({ i }) => i),
            pl.Int64,
          ),
        ]);
        const path = join(folder, "any.parquet");
        await df.lazy().sinkParquet(path, { rowGroupSize }).collect();
        const frame = await openParquet(path);
        expect(frame.rowCount).toBe(all.length);
        expect(await allTexts(frame, { maxRows })).toEqual(await allTexts(polarsFrame(df)));
      }),
      { numRuns: 40 },
    );
  });
});

describe("files as only old writers wrote them", () => {
  const optional = 1;
  const repeated = 2;
  const root = (children: number) => element("root", { 5: i32(children) });

  it("timestamps of 96 bits, to the last nanosecond and the last year", async () => {
    const day = (julian: number, nanos: bigint): Buffer => {
      const bytes = Buffer.alloc(12);
      bytes.writeBigUInt64LE(nanos);
      bytes.writeUInt32LE(julian, 8);
      return bytes;
    };
    const values = [day(2_440_589, 1n), day(2_440_587, 0n), day(5_373_484, 86_399_999_999_999n)];
    const body = Buffer.concat(values);
    const schema = [root(1), element("t", { 1: i32(3), 3: i32(0) })];
    const chunk = { path: ["t"], type: 3, valueCount: 3, body };
    const file = handmadeParquet(schema, [{ rowCount: 3, chunks: [chunk] }]);
    expect(await allTexts(await openParquet(await fileOf(file)))).toEqual([
      ["1970-01-02 00:00:00.000000001"],
      ["1969-12-31 00:00:00.000000000"],
      ["9999-12-31 23:59:59.999999999"],
    ]);
  });

  it("lists of two levels, repeated fields without a list, and lists of structs of one field", async () => {
    const int = { 1: i32(1) };
    const schema = [
      root(3),
      element("two", { 3: i32(optional), 5: i32(1), 6: i32(3) }),
      element("array", { 3: i32(repeated), ...int }),
      element("bare", { 3: i32(repeated), ...int }),
      element("tuple", { 3: i32(optional), 5: i32(1), 6: i32(3) }),
      element("tuple_tuple", { 3: i32(repeated), 5: i32(1) }),
      element("x", { 3: i32(optional), ...int }),
    ];
    // Three rows: two elements, none, one.
    const repetition = levels([0, 1], [1, 1], [0, 2]);
    const chunks = [
      {
        path: ["two", "array"],
        body: Buffer.concat([repetition, levels([2, 2], [1, 1], [2, 1]), int32s(1, 2, 3)]),
      },
      {
        path: ["bare"],
        body: Buffer.concat([repetition, levels([1, 2], [0, 1], [1, 1]), int32s(4, 5, 6)]),
      },
      {
        path: ["tuple", "tuple_tuple", "x"],
        body: Buffer.concat([repetition, levels([3, 1], [2, 1], [1, 1], [3, 1]), int32s(7, 8)]),
      },
    ].map((chunk) => ({ ...chunk, type: 1, valueCount: 4 }));
    const file = handmadeParquet(schema, [{ rowCount: 3, chunks }]);
    expect(await allTexts(await openParquet(await fileOf(file)))).toEqual([
      ["[1,2]", "[4,5]", '[{"x":7},{"x":null}]'],
      ["[]", "[]", "[]"],
      ["[3]", "[6]", '[{"x":8}]'],
    ]);
  });
});

describe("pages", () => {
  const schema = [
    element("root", { 5: i32(1) }),
    element("l", { 3: i32(1), 5: i32(1), 6: i32(3) }),
    element("list", { 3: i32(2), 5: i32(1) }),
    element("element", { 1: i32(1), 3: i32(1) }),
  ];
  const chunk = { path: ["l", "list", "element"], type: 1 };

  it("can begin within a row, and more than one can go by before the row ends", async () => {
    const page = (repetition: Buffer, values: readonly number[]) => ({
      valueCount: values.length,
      body: Buffer.concat([repetition, levels([3, values.length]), int32s(...values)]),
    });
    const first = page(levels([0, 2]), [1, 2]);
    const second = page(levels([1, 2]), [3, 4]);
    const last = page(levels([1, 1], [0, 1]), [5, 6]);
    const chunks = [{ ...chunk, ...last, before: [first, second] }];
    const file = handmadeParquet(schema, [{ rowCount: 3, chunks }]);
    const texts = await allTexts(await openParquet(await fileOf(file)), { maxRows: 1 });
    expect(texts).toEqual([["[1]"], ["[2,3,4,5]"], ["[6]"]]);
  });

  it("can be empty, before the first row and within one", async () => {
    const empty = { valueCount: 0, body: Buffer.concat([levels(), levels()]) };
    const page = (repetition: Buffer, value: number) => ({
      valueCount: 1,
      body: Buffer.concat([repetition, levels([3, 1]), int32s(value)]),
    });
    const before = [empty, page(levels([0, 1]), 1), empty];
    const chunks = [{ ...chunk, ...page(levels([1, 1]), 2), before }];
    const file = handmadeParquet(schema, [{ rowCount: 1, chunks }]);
    expect(await allTexts(await openParquet(await fileOf(file)))).toEqual([["[1,2]"]]);
  });

  it("may have statistics that are no text", async () => {
    const path = join(await newFolder(), "bytes.parquet");
    const data = [Uint8Array.of(0xff, 0), Uint8Array.of(0xfe)];
    parquetWriteFile({ filename: path, columnData: [{ name: "b", data, type: "BYTE_ARRAY" }] });
    expect(await allValues(await openParquet(path), "b")).toEqual(data);
  });
});

describe("blocks", () => {
  it("have at most maxRows rows, numbered from the top, and end where row groups do", async () => {
    const path = join(await newFolder(), "groups.parquet");
    const df = pl.DataFrame({ a: Array.from({ length: 10 }, (_, at) => `r${at}`) });
    await df.lazy().sinkParquet(path, { rowGroupSize: 4 }).collect();
    const frame = await openParquet(path);
    const blocks: [number, number, readonly (string | null)[]][] = [];
    for await (const block of frame.blocks(["a"], 3)) {
      blocks.push([block.firstRow, block.rowCount, block.text("a")]);
    }
    expect(blocks.map(([first, count]) => [first, count])).toEqual([
      [0, 3],
      [3, 1],
      [4, 3],
      [7, 1],
      [8, 2],
    ]);
    expect(blocks.flatMap(([, , texts]) => texts)).toEqual(df.getColumn("a").toArray());
    expect(frame.rowGroupSizes).toEqual([4, 4, 2]);
  });

  it("let the event loop run between them", async () => {
    const path = await duckdbFile("select i from range(3) r(i)");
    let turns = 0;
    const seen: number[] = [];
    for await (const { firstRow } of (await openParquet(path)).blocks(["i"], 1)) {
      seen[firstRow] = turns;
      setImmediate(() => (turns += 1));
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  it("are read page by page from chunks of many pages and of pages larger than are read at once", async () => {
    const path = join(await newFolder(), "pages.parquet");
    const long = "x".repeat(3_000_000);
    const texts = Array.from({ length: 5000 }, (_, at) => `${at} ${"y".repeat(600)}`);
    const lists = texts.map((text, at) => Array.from({ length: at % 7 }, () => text));
    pl.DataFrame([
      pl.Series("t", [...texts, long]),
      pl.Series("l", [...lists, [long, long]], pl.List(pl.Utf8)),
    ]).writeParquet(path, { compression: "uncompressed" });
    const frame = await openParquet(path);
    expect(await allValues(frame, "t")).toEqual([...texts, long]);
    expect(await allValues(frame, "l")).toEqual([...lists, [long, long]]);
  });

  it("touch no bytes but those of the columns asked for", async () => {
    const path = join(await newFolder(), "damaged.parquet");
    pl.DataFrame({ first: ["aaaa", "bbbb"], last: ["cccc", "dddd"] }).writeParquet(path);
    const bytes = await readFile(path);
    // All of the first chunk, its page headers included.
    bytes.fill(0xff, 4, bytes.indexOf("cccc") - 60);
    await writeFile(path, bytes);
    const frame = await openParquet(path);
    expect(await allValues(frame, "last")).toEqual(["cccc", "dddd"]);
    const failure = await failureOf(() => allTexts(frame, { columns: ["first"] }));
    expect(failure).toMatchObject({ name: "InputError", code: "file_damaged" });
    expect(failure.message).toContain('row group 1, column "first"');
  });

  it("stop at text that is not UTF-8 rather than alter it", async () => {
    const schema = [
      element("root", { 5: i32(1) }),
      element("t", { 1: i32(6), 3: i32(0), 6: i32(0) }),
    ];
    const body = Buffer.concat([int32s(2), Buffer.from([0x61, 0xff])]);
    const chunk = { path: ["t"], type: 6, valueCount: 1, body };
    const file = handmadeParquet(schema, [{ rowCount: 1, chunks: [chunk] }]);
    const frame = await openParquet(await fileOf(file));
    const failure = await failureOf(() => allTexts(frame));
    expect(failure.message).toContain("not UTF-8");
    expect(failure.message).toContain('column "t"');
  });

  it("are refused once the file was written to", async () => {
    const path = await duckdbFile("select 1 as a");
    const frame = await openParquet(path);
    await appendFile(path, "x");
    expect(await failureOf(() => allTexts(frame))).toMatchObject({ code: "input_changed" });
  });
});

describe("openParquet", () => {
  it("gives the hash of the bytes as fingerprint", async () => {
    const path = await duckdbFile("select 1 as a");
    const frame = await openParquet(path);
    expect(frame.lastFingerprint()).toBeNull();
    const first = await frame.fingerprint();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(frame.lastFingerprint()).toBe(first);
    const other = await openParquet(await duckdbFile("select 2 as a"));
    expect(await other.fingerprint()).not.toBe(first);
  });

  const schema = [element("root", { 5: i32(1) }), element("a", { 1: i32(1), 3: i32(0) })];
  const chunk = { path: ["a"], type: 1, valueCount: 1, body: int32s(1) };
  const one = (extra = {}) => [{ rowCount: 1, chunks: [{ ...chunk, extra }] }];
  const twice = [
    element("root", { 5: i32(2) }),
    element("a", { 1: i32(1), 3: i32(0) }),
    element("a", { 1: i32(1), 3: i32(0) }),
  ];
  const whole = handmadeParquet(schema, one());
  const magic = (text: string) => Buffer.concat([whole.subarray(0, -4), Buffer.from(text)]);
  const refused: Record<string, [file: Buffer, code: string, words: string]> = {
    "a file of another kind": [Buffer.from("id,text\n1,a\n"), "file_format", "not a Parquet file"],
    "an empty file": [Buffer.alloc(0), "file_format", "not a Parquet file"],
    "a file that was cut short": [whole.subarray(0, -6), "file_damaged", "cut short"],
    "a file of four bytes": [Buffer.from("PAR1"), "file_damaged", "cut short"],
    "a footer longer than the file": [
      Buffer.concat([Buffer.from("PAR1"), Buffer.from([255, 255, 0, 0]), Buffer.from("PAR1")]),
      "file_damaged",
      "longer than the file",
    ],
    "a footer of other bytes": [
      Buffer.concat([
        Buffer.from("PAR1"),
        Buffer.alloc(9, 0xff),
        Buffer.from([9, 0, 0, 0]),
        Buffer.from("PAR1"),
      ]),
      "file_damaged",
      "footer cannot be read",
    ],
    "an encrypted footer": [magic("PARE"), "file_encrypted", "no key"],
    "an encrypted column": [
      handmadeParquet(schema, one({ 8: nested({ 1: nested({}) }) })),
      "file_encrypted",
      "no key",
    ],
    "a file whose columns stand in others": [
      handmadeParquet(schema, one({ 1: binary("other.parquet") })),
      "file_format",
      "other files",
    ],
    "a schema that ends too early": [
      handmadeParquet([element("root", { 5: i32(2) }), ...schema.slice(1)], one()),
      "file_damaged",
      "schema",
    ],
    "a row group that lacks a chunk": [
      handmadeParquet(schema, [{ rowCount: 1, chunks: [] }]),
      "file_damaged",
      "lacks the chunk",
    ],
    "two columns of one name": [
      handmadeParquet(twice, [{ rowCount: 1, chunks: [chunk, chunk] }]),
      "duplicate_column",
      '"a"',
    ],
    "a file without rows": [handmadeParquet(schema, []), "no_rows", "no rows"],
  };
  it.each(Object.entries(refused))("refuses %s", async (_name, [file, code, words]) => {
    const path = await fileOf(file, "input.parquet");
    const failure = await failureOf(() => openParquet(path));
    expect(failure).toMatchObject({ name: "InputError", code });
    expect(failure.message).toContain(words);
    expect(failure.message).toContain("Nothing was sent.");
  });

  it("refuses what is not there, and what is no file", async () => {
    const folder = await newFolder();
    expect(await failureOf(() => openParquet(join(folder, "none.parquet")))).toMatchObject({
      code: "file_missing",
    });
    expect(await failureOf(() => openParquet(folder))).toMatchObject({ code: "file_unreadable" });
  });

  it("tells of a chunk whose bytes are not there", async () => {
    const path = join(await newFolder(), "short.parquet");
    const texts = Array.from({ length: 3000 }, (_, at) => `${at} ${Math.sin(at)}`);
    pl.DataFrame({ t: texts }).writeParquet(path);
    const bytes = await readFile(path);
    const length = bytes.readUInt32LE(bytes.length - 8) + 8;
    // The footer moved forward over the chunk's end.
    const shorter = Buffer.concat([bytes.subarray(0, 2000), bytes.subarray(bytes.length - length)]);
    await writeFile(path, shorter);
    await truncate(path, shorter.length);
    const failure = await failureOf(async () => allTexts(await openParquet(path)));
    expect(failure).toMatchObject({ name: "InputError", code: "file_damaged" });
  });
});
