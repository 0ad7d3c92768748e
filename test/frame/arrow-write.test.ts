import { readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  Dictionary,
  Int32,
  RecordBatchStreamWriter,
  tableFromIPC,
  Utf8,
  vectorFromArray,
  Table,
} from "apache-arrow";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { openArrow } from "../../src/frame/arrow.ts";
import { writeArrow, writeFreshArrow } from "../../src/frame/arrow-write.ts";
import { openCsv } from "../../src/frame/csv.ts";
import { allTexts, blocksOfCells, failureOf, fileOf, newFolder } from "./support.ts";
import { allColumns, polarsJsonRows, polarsTypes } from "./typed-support.ts";

const columns: readonly NewColumn[] = [
  { name: "t", type: "text" },
  { name: "i", type: "integer" },
  { name: "d", type: "date" },
  { name: "e", type: "embedding" },
  { name: "s", type: { struct: [{ name: "x", type: { list: "float" } }] } },
];
const anyRow = fc.tuple(
  fc.option(fc.string({ unit: "grapheme" })),
  fc.option(fc.maxSafeInteger()),
  fc.option(fc.constantFrom("2024-02-29", "0001-01-01")),
  fc.option(fc.float32Array({ noNaN: true, noDefaultInfinity: true, maxLength: 3 })),
  fc.option(fc.record({ x: fc.option(fc.array(fc.integer(), { maxLength: 3 })) })),
);

/** Vectors as arrays and dates as Date, as a frame gives them. */
const valueOf = (cell: NewCell, name: string): unknown => {
  if (cell instanceof Float32Array) return [...cell];
  return name === "d" && typeof cell === "string" ? new Date(cell) : cell;
};

const text: readonly NewColumn[] = [{ name: "new", type: "text" }];
const given = (...cells: readonly NewCell[]) => blocksOfCells([cells]);

describe("writeArrow", () => {
  it("keeps the old columns and adds new ones of every type, to files and streams", async () => {
    const folder = await newFolder();
    const input = fc.record({
      rows: fc.array(anyRow, { minLength: 1, maxLength: 20 }),
      sizes: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      container: fc.constantFrom("file" as const, "stream" as const),
    });
    await fc.assert(
      fc.asyncProperty(input, async ({ rows, sizes, container }) => {
        const micros = new BigInt64Array(rows.map((_, at) => 9_007_199_254_740_993n + BigInt(at)));
        const at = rows.map((_, row) => row);
        const categories = at.map((row) => `c${row % 3}`);
        const lists = at.map((row) => (row % 2 === 0 ? ["a", `${row}`] : []));
        const df = pl.DataFrame([
          pl.Series(micros).alias("big"),
          pl.Series(micros).cast(pl.Datetime("us", "Europe/Rome")).alias("z"),
          pl.Series("c", categories).cast(pl.Categorical),
          pl.Series("l", lists, pl.List(pl.Utf8)),
        ]);
        const [path, output] = [join(folder, "in.arrow"), join(folder, "out.arrow")];
        await writeFile(path, container === "file" ? df.writeIPC() : df.writeIPCStream());
        const cells = columns.map((_, at) => rows.map((row): NewCell => row[at] ?? null));
        const frame = await openArrow(path);
        const options = { input: frame, output, columns, cells: blocksOfCells(cells, sizes) };
        const written = await writeArrow(options);
        const bytes = await readFile(output);
        expect(written).toEqual({ rows: rows.length, bytes: bytes.length });
        const wider = container === "file" ? pl.readIPC(bytes) : pl.readIPCStream(bytes);
        expect(polarsTypes(wider)).toEqual(
          "Int64 Datetime Categorical List String Int64 Date List Struct".split(" "),
        );
        expect(wider.select("big", "z", "c", "l").frameEqual(df)).toBe(true);
        const again = await openArrow(output);
        expect(again.container).toBe(container);
        const read = await allColumns(again, 7);
        columns.forEach(({ name }, at) => {
          expect(read[name]).toEqual(cells[at]?.map((cell) => valueOf(cell, name)));
        });
      }),
      { numRuns: 40 },
    );
  });

  it("keeps batches, however long, and views of text in them", async () => {
    const count = 140_000;
    const at = Array.from({ length: count }, (_, row) => row);
    const df = pl.DataFrame([
      pl.Series("n", at, pl.Int32),
      pl.Series(
        "b",
        at.map((row) => row % 3 === 0),
      ),
      pl.Series(
        "t",
        at.map((row) => (row % 5 === 0 ? null : `t${row}`)),
      ),
      pl
        .Series(
          "c",
          at.map((row) => `c${row % 7}`),
        )
        .cast(pl.Categorical),
      pl.Series(
        "l",
        at.map((row) => [row, row]),
        pl.List(pl.Float64),
      ),
    ]);
    const path = await fileOf(df.writeIPC(), "input.arrow");
    const output = join(dirname(path), "out.arrow");
    const cells = blocksOfCells([at.map((row) => `new ${row}`)], [999]);
    await writeArrow({ input: await openArrow(path), output, columns: text, cells });
    const wider = pl.readIPC(await readFile(output));
    expect(wider.select(...df.columns).frameEqual(df)).toBe(true);
    const added = wider.getColumn("new").toArray();
    expect(added.every((cell, row) => cell === `new ${row}`)).toBe(true);
    expect(added).toHaveLength(count);
    const lengths = tableFromIPC(await readFile(output)).batches.map(({ numRows }) => numRows);
    const before = tableFromIPC(await readFile(path)).batches.map(({ numRows }) => numRows);
    expect(lengths).toEqual(before);
  });

  it("keeps metadata, and dictionaries that change from batch to batch of a stream", async () => {
    const batches = [["x", "y"], ["z"]].map((words) => {
      const vector = vectorFromArray(words, new Dictionary(new Utf8(), new Int32(), 7));
      return new Table({ w: vector });
    });
    const [first] = batches;
    if (first === undefined) throw new Error("no batch");
    first.schema.metadata.set("origin", "a test");
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, first.schema);
    for (const { batches: own } of batches) for (const batch of own) writer.write(batch);
    writer.finish();
    const path = await fileOf(Buffer.from(writer.toUint8Array(true)), "in.arrows");
    const output = join(dirname(path), "out.arrows");
    const input = await openArrow(path);
    await writeArrow({ input, output, columns: text, cells: given("1", null, "3") });
    expect(await allTexts(await openArrow(output))).toEqual([
      ["x", "1"],
      ["y", null],
      ["z", "3"],
    ]);
    const table = tableFromIPC(await readFile(output));
    expect(table.schema.metadata.get("origin")).toBe("a test");
  });

  it.each([
    ["fewer cells than rows", ["a"], "cells_count"],
    ["more cells than rows", ["a", "b", "c"], "cells_count"],
    ["a cell of another type", ["a", 1], "cells_type"],
  ] as const)("writes nothing with %s", async (_name, cells, code) => {
    const path = await fileOf(pl.DataFrame({ a: [1, 2] }).writeIPC(), "in.arrow");
    const output = join(dirname(path), "out.arrow");
    const input = await openArrow(path);
    const failure = await failureOf(() =>
      writeArrow({ input, output, columns: text, cells: given(...cells) }),
    );
    expect(failure).toMatchObject({ name: "InvariantError", code });
    expect(await readdir(dirname(path))).toEqual(["in.arrow"]);
  });

  it("refuses a name that is taken, and an input that is not what was planned from", async () => {
    const path = await fileOf(pl.DataFrame({ new: ["a"] }).writeIPC(), "in.arrow");
    await utimes(path, 1000, 1000);
    const output = join(dirname(path), "out.arrow");
    const input = await openArrow(path);
    const taken = () => writeArrow({ input, output, columns: text, cells: given("x") });
    expect(await failureOf(taken)).toMatchObject({ code: "column_exists" });
    await input.fingerprint();
    await writeFile(path, pl.DataFrame({ new: ["b"] }).writeIPC());
    // Only its content tells.
    await utimes(path, 1000, 1000);
    const other: readonly NewColumn[] = [{ name: "o", type: "text" }];
    const changed = () => writeArrow({ input, output, columns: other, cells: given("x") });
    expect(await failureOf(changed)).toMatchObject({ code: "input_changed" });
  });
});

describe("writeFreshArrow", () => {
  it.each(["file", "stream"] as const)(
    "writes the text of any frame to a %s",
    async (container) => {
      const path = await fileOf('id,note\n007,"a ""b"""\n8,\n9,""\n');
      const output = join(dirname(path), "out.arrow");
      const written = await writeFreshArrow({
        frame: await openCsv(path),
        inputPath: path,
        output,
        container,
        columns: text,
        cells: given("x", null, "z"),
      });
      const bytes = await readFile(output);
      expect(written).toEqual({ rows: 3, bytes: bytes.length });
      const df = container === "file" ? pl.readIPC(bytes) : pl.readIPCStream(bytes);
      expect(polarsJsonRows(df)).toEqual([
        { id: "007", note: 'a "b"', new: "x" },
        { id: "8", note: null, new: null },
        { id: "9", note: "", new: "z" },
      ]);
    },
  );

  it.each([[["a"]], [["a", "b", "c"]]])("refuses %j for two rows", async (cells) => {
    const path = await fileOf("id\n1\n2\n");
    const output = join(dirname(path), "out.arrow");
    const frame = await openCsv(path);
    const options = { frame, inputPath: path, output, container: "file" as const, columns: text };
    const failure = await failureOf(() => writeFreshArrow({ ...options, cells: given(...cells) }));
    expect(failure).toMatchObject({ name: "InvariantError", code: "cells_count" });
    expect(await readdir(dirname(output))).toEqual(["input.csv"]);
  });
});
