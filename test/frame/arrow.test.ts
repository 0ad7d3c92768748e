import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Dictionary,
  Float16,
  Int32,
  IntervalMonthDayNano,
  makeData,
  Table,
  tableFromArrays,
  tableToIPC,
  TimestampSecond,
  Utf8,
  Vector,
  vectorFromArray,
} from "apache-arrow";
import type { Data } from "apache-arrow";
import pl from "nodejs-polars";
import type { DataFrame } from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { openArrow } from "../../src/frame/arrow.ts";
import { polarsFrame } from "../../src/frame/polars.ts";
import { allTexts, allValues, failureOf, fileOf, newFolder } from "./support.ts";
import { allColumns } from "./typed-support.ts";

const integers = (...values: readonly bigint[]) => pl.Series(new BigInt64Array(values));

/** A column of every type that polars can write to Arrow. */
function everyType(): DataFrame {
  const micros = integers(1_720_164_645_123_456n, 1n, 9_007_199_254_740_993n);
  const nested = pl.DataFrame({ n: micros, t: ["a", null, "c"] });
  return pl.DataFrame([
    pl.Series("text", ["a long text that is not inlined", null, ""]),
    pl.Series("bool", [true, null, false]),
    micros.alias("int"),
    pl.Series("uint", new BigUint64Array([18_446_744_073_709_551_615n, 0n, 1n])),
    pl.Series("small", [1, null, -1], pl.Int8),
    pl.Series("float", [0.1, null, Number.NaN], pl.Float32),
    pl.Series("double", [0.1, null, Infinity]),
    pl.Series("decimal", ["1.10", null, "-123456789012345678.01"]).cast(pl.Decimal(38, 2)),
    pl.Series("date", [0, null, -719_163], pl.Int32).cast(pl.Date),
    integers(3_723_456_789_000n, 0n, 1n).cast(pl.Time).alias("time"),
    micros.cast(pl.Datetime("us")).alias("plain"),
    integers(1_720_164_645_123_456n, -1n, 0n).cast(pl.Datetime("us", "Europe/Rome")).alias("zoned"),
    integers(1_720_164_645_123n, -1n, 0n).cast(pl.Datetime("ms")).alias("millis"),
    micros.cast(pl.Duration("ns")).alias("span"),
    pl.Series("category", ["x", null, "x"]).cast(pl.Categorical),
    pl.Series("list", [["a", null], null, []], pl.List(pl.Utf8)),
    pl.Series("array", [[1, 2], null, [3, 4]], pl.FixedSizeList(pl.Float32, 2)),
    nested.toStruct("struct"),
    nested.select(pl.concatList("n").alias("ints")).getColumn("ints"),
  ]);
}

const forms: Record<string, (df: DataFrame) => Buffer> = {
  file: (df) => df.writeIPC(),
  "file compressed with LZ4": (df) => df.writeIPC({ compression: "lz4" }),
  "file compressed with ZSTD": (df) => df.writeIPC({ compression: "zstd" }),
  stream: (df) => df.writeIPCStream(),
  "stream compressed with LZ4": (df) => df.writeIPCStream({ compression: "lz4" }),
};

describe("an Arrow file that polars wrote", () => {
  it.each(Object.entries(forms))("as a %s reads as the dataframe does", async (name, form) => {
    const df = everyType();
    const frame = await openArrow(await fileOf(form(df), "input.arrow"));
    expect(frame.container).toBe(name.split(" ")[0]);
    expect(frame.columns).toEqual(df.columns);
    expect(await allTexts(frame, { maxRows: 2 })).toEqual(await allTexts(polarsFrame(df)));
    expect(await allColumns(frame, 2)).toEqual(await allColumns(polarsFrame(df)));
  });

  it("of a thousand repetitive rows, which LZ4 copies from themselves, reads unchanged", async () => {
    const texts = Array.from({ length: 3000 }, (_, at) => `${"ab".repeat(at % 90)}${at}`);
    const df = pl.DataFrame({ texts, numbers: texts.map((_, at) => at % 3) });
    const bytes = df.writeIPC({ compression: "lz4" });
    expect(bytes.length).toBeLessThan(df.writeIPC().length / 2);
    const frame = await openArrow(await fileOf(bytes, "input.arrow"));
    expect(await allValues(frame, "texts")).toEqual(texts);
    expect(await allValues(frame, "numbers")).toEqual(texts.map((_, at) => at % 3));
  });
});

describe("types polars does not write", () => {
  /** A stream of one batch of these arrays. */
  const written = (arrays: Readonly<Record<string, Data>>): Buffer => {
    const columns = Object.entries(arrays).map(([name, data]) => [name, new Vector([data])]);
    const table = new Table(Object.fromEntries(columns) as Record<string, Vector>);
    return Buffer.from(tableToIPC(table, "stream"));
  };
  const nullable = { length: 3, nullCount: 1, nullBitmap: Uint8Array.of(0b101) };
  const seconds = (zone: string): Data =>
    makeData({ type: new TimestampSecond(zone), ...nullable, data: BigInt64Array.of(1n, 0n, -1n) });
  const words = vectorFromArray(["x", null, "y"], new Dictionary(new Utf8(), new Int32())).data[0];
  if (words === undefined) throw new Error("no array");

  it("are read by their bits", async () => {
    const file = written({
      half: makeData({ type: new Float16(), ...nullable, data: Uint16Array.of(0x3800, 0, 0xc000) }),
      second: seconds("UTC"),
      far: seconds("Middle/Earth"),
      words,
      span: makeData({
        type: new IntervalMonthDayNano(),
        ...nullable,
        data: Int32Array.of(1, -2, -500_000_000, -1, 0, 0, 0, 0, 0, 3, 0, 0),
      }),
    });
    expect(await allTexts(await openArrow(await fileOf(file, "input.arrows")))).toEqual([
      ["0.5", "1970-01-01 00:00:01+00:00", "1970-01-01 00:00:01+00:00", "x", "P1M-2DT-0.5S"],
      [null, null, null, null, null],
      ["-2.0", "1969-12-31 23:59:59+00:00", "1969-12-31 23:59:59+00:00", "y", "P3D"],
    ]);
  });
});

describe("blocks", () => {
  it("have at most maxRows rows, numbered from the top, and end where batches do", async () => {
    const folder = await newFolder();
    const path = join(folder, "batches.arrows");
    const tables = [["a", "b", "c"], ["d"], ["e", "f"]].map(
      (names) => new Table({ a: vectorFromArray(names, new Utf8()) }),
    );
    const all = tables.reduce((table, next) => table.concat(next));
    await writeFile(path, tableToIPC(all, "stream"));
    const blocks: [number, number, readonly unknown[]][] = [];
    for await (const block of (await openArrow(path)).blocks(["a"], 2)) {
      blocks.push([block.firstRow, block.rowCount, block.values("a")]);
    }
    expect(blocks).toEqual([
      [0, 2, ["a", "b"]],
      [2, 1, ["c"]],
      [3, 1, ["d"]],
      [4, 2, ["e", "f"]],
    ]);
  });

  it("let the event loop run between them", async () => {
    const path = await fileOf(pl.DataFrame({ a: [1, 2, 3] }).writeIPC(), "input.arrow");
    let turns = 0;
    const seen: number[] = [];
    for await (const { firstRow } of (await openArrow(path)).blocks(["a"], 1)) {
      seen[firstRow] = turns;
      setImmediate(() => (turns += 1));
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  it("can be read more than once, and not once the file was written to", async () => {
    const path = await fileOf(pl.DataFrame({ a: ["x"] }).writeIPC(), "input.arrow");
    const frame = await openArrow(path);
    expect(await allTexts(frame)).toEqual(await allTexts(frame));
    await appendFile(path, "x");
    expect(await failureOf(() => allTexts(frame))).toMatchObject({ code: "input_changed" });
  });
});

describe("openArrow", () => {
  it("gives the hash of the bytes as fingerprint", async () => {
    const frame = await openArrow(await fileOf(pl.DataFrame({ a: [1] }).writeIPC(), "a.arrow"));
    expect(frame.lastFingerprint()).toBeNull();
    expect(await frame.fingerprint()).toMatch(/^[0-9a-f]{64}$/);
    expect(frame.lastFingerprint()).toBe(await frame.fingerprint());
  });

  const whole = pl.DataFrame({ a: ["x", "y"] }).writeIPC();
  const stream = pl.DataFrame({ a: Array<string>(5000).fill("xyz") }).writeIPCStream();
  const twice = Buffer.from(whole.toString("latin1"), "latin1");
  const empty = pl.DataFrame({ a: ["x"] }).head(0);
  const refused: Record<string, [bytes: Buffer, code: string]> = {
    "a text file": [Buffer.from("id,text\n1,some text that is long enough\n"), "file_format"],
    "an empty file": [Buffer.alloc(0), "file_format"],
    "a file that was cut short": [twice.subarray(0, -4), "file_damaged"],
    "a stream that was cut short": [stream.subarray(0, 3000), "file_damaged"],
    "a file without rows": [empty.writeIPC(), "no_rows"],
    "a stream without rows": [empty.writeIPCStream(), "no_rows"],
    "two columns of one name": [
      Buffer.from(tableToIPC(tableFromArrays({ a: [1], b: [2] }))).map((byte) =>
        byte === 0x62 ? 0x61 : byte,
      ) as Buffer,
      "duplicate_column",
    ],
  };
  it.each(Object.entries(refused))("refuses %s", async (_name, [bytes, code]) => {
    const path = await fileOf(Buffer.from(bytes), "input.arrow");
    const failure = await failureOf(async () => allTexts(await openArrow(path)));
    expect(failure).toMatchObject({ name: "InputError", code });
  });

  it("refuses what is not there", async () => {
    const path = join(await newFolder(), "none.arrow");
    expect(await failureOf(() => openArrow(path))).toMatchObject({ code: "file_missing" });
    expect(await readFile(await fileOf("x")).then(String)).toBe("x");
  });
});
