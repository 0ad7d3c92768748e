/** Any table of Arrow's types, through Parquet and Arrow files: its columns come back bit for bit. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import type { Data } from "apache-arrow";
import fc from "../property.ts";
import { parquetMetadata } from "hyparquet";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import type { NewColumn } from "../../src/core/column.ts";
import { openArrow } from "../../src/frame/arrow.ts";
import { writeArrow } from "../../src/frame/arrow-write.ts";
import { writeParquet } from "../../src/frame/parquet-write.ts";
import { openParquet } from "../../src/frame/parquet.ts";
import { anyPolarsTable, anyTable } from "./any-table.ts";
import { blocksOfCells, newFolder } from "./support.ts";
import { duckdbRows, hyparquetRows } from "./typed-support.ts";

const columns: readonly NewColumn[] = [{ name: "new", type: "text" }];

/** All that makes up a column, bits and all, of the cells that are there. */
function bits(data: Data): unknown {
  const bytes = (view: ArrayBufferView | undefined): string =>
    view === undefined
      ? ""
      : Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("hex");
  const cut = (view: unknown, count: number): string =>
    ArrayBuffer.isView(view)
      ? bytes((view as Uint8Array).subarray(data.offset, data.offset + count))
      : "";
  const { stride, length } = data;
  const isBits = data.type.typeId === arrow.Type.Bool;
  const hasText = data.valueOffsets !== undefined && data.children.length === 0;
  return {
    type: data.typeId,
    length,
    nulls: data.nullCount,
    valid: Array.from({ length }, (_, at) => data.getValid(at)),
    offsets: cut(data.valueOffsets, length + 1),
    values:
      isBits || hasText ? bytes(data.values as Uint8Array) : cut(data.values, length * stride),
    children: data.children.map(bits),
    dictionary: data.dictionary?.data.map(bits) ?? null,
  };
}

const cellsFor = (rows: number) =>
  blocksOfCells([Array.from({ length: rows }, (_, at) => `n${at}`)]);

it("any Arrow-typed table survives Arrow → enrich → Arrow", { timeout: 120_000 }, async () => {
  const folder = await newFolder();
  const container = fc.constantFrom("file" as const, "stream" as const);
  await fc.assert(
    fc.asyncProperty(anyTable, container, async (table, form) => {
      const [path, output] = [join(folder, "in.arrow"), join(folder, "out.arrow")];
      await writeFile(path, arrow.tableToIPC(table, form));
      const cells = cellsFor(table.numRows);
      await writeArrow({ input: await openArrow(path), output, columns, cells });
      const before = arrow.tableFromIPC(await readFile(path));
      const after = arrow.tableFromIPC(await readFile(output));
      const names = before.schema.names.map(String);
      expect(after.schema.names).toEqual([...names, "new"]);
      expect(after.schema.metadata).toEqual(before.schema.metadata);
      names.forEach((name, at) => {
        expect(String(after.schema.fields[at])).toBe(String(before.schema.fields[at]));
        const [old, now] = [before, after].map((it) => it.getChild(name)?.data.map(bits));
        expect(now).toEqual(old);
      });
    }),
    { numRuns: 150 },
  );
});

async function chunks(path: string, count: number): Promise<unknown> {
  const bytes = await readFile(path);
  const { row_groups: groups, schema } = parquetMetadata(new Uint8Array(bytes).buffer);
  return groups.map(({ columns: all, num_rows: rows }) => ({
    rows,
    old: all.slice(0, count).map((column) => {
      const chunk = column.meta_data;
      if (chunk === undefined) throw new Error("a chunk has no metadata");
      const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
      const own = bytes.subarray(start, start + Number(chunk.total_compressed_size));
      return { column, hash: createHash("sha256").update(own).digest("hex") };
    }),
    schema: schema.length,
  }));
}

/** The table in polars, which writes it to Parquet. */
const polarsOf = (table: arrow.Table): pl.DataFrame =>
  pl.readIPC(Buffer.from(arrow.tableToIPC(table, "file")));

const python = spawnSync("python3", ["-c", "import pyarrow"]).status === 0;
const script = `
import sys, pyarrow.parquet as pq
for line in sys.stdin.read().split():
    old = pq.read_table(line + ".in.parquet"); new = pq.read_table(line + ".out.parquet")
    rest = new.select(old.column_names)
    assert new.column_names == old.column_names + ["new"], line
    assert rest.schema.equals(old.schema), (line, rest.schema, old.schema)
    for name in old.column_names:
        assert rest[name].to_string(window=100) == old[name].to_string(window=100), (line, name)
print("same")
`;

it(
  "any Arrow-typed table survives Parquet → enrich → Parquet",
  { timeout: 180_000 },
  async (test) => {
    const folder = await newFolder();
    const stems: string[] = [];
    await fc.assert(
      fc.asyncProperty(anyPolarsTable, async (table) => {
        const df = polarsOf(table);
        const stem = join(folder, `t${stems.length}`);
        const [path, output] = [`${stem}.in.parquet`, `${stem}.out.parquet`];
        df.writeParquet(path, { compression: "zstd" });
        stems.push(stem);
        const cells = cellsFor(table.numRows);
        await writeParquet({ input: await openParquet(path), output, columns, cells });
        const before = parquetMetadata(new Uint8Array(await readFile(path)).buffer);
        const after = parquetMetadata(new Uint8Array(await readFile(output)).buffer);
        const leaves = before.row_groups[0]?.columns.length ?? 0;
        expect(after.schema.slice(1, before.schema.length)).toEqual(before.schema.slice(1));
        const [then, now] = [await chunks(path, leaves), await chunks(output, leaves)];
        expect(now).toEqual(
          (then as { schema: number }[]).map((group) => ({ ...group, schema: group.schema + 1 })),
        );
        const names = table.schema.names.map(String);
        const wider = pl.readParquet(output);
        expect(wider.columns).toEqual([...names, "new"]);
        expect(wider.select(...names).frameEqual(pl.readParquet(path))).toBe(true);
        for (const rowsOf of [duckdbRows, hyparquetRows]) {
          const [old, wide] = [await rowsOf(path), await rowsOf(output)];
          expect(wide).toEqual(old.map((row, at) => ({ ...row, new: `n${at}` })));
        }
      }),
      { numRuns: 60 },
    );
    if (!python) {
      await test.annotate("pyarrow did not read the files: python3 has none here");
      return;
    }
    const read = spawnSync("python3", ["-c", script], {
      input: stems.join("\n"),
      encoding: "utf8",
    });
    expect(read.stderr).toBe("");
    expect(read.stdout).toBe("same\n");
  },
);

it("types only other writers have survive Parquet → enrich → Parquet", async () => {
  // Decimals of 256 bits, maps, half floats, lists of one length: as pyarrow writes them.
  const path = join(import.meta.dirname, "../data/pyarrow/types.parquet");
  const output = join(await newFolder(), "out.parquet");
  await writeParquet({ input: await openParquet(path), output, columns, cells: cellsFor(3) });
  const bytes = await readFile(path);
  const before = parquetMetadata(new Uint8Array(bytes).buffer);
  const leaves = before.row_groups[0]?.columns.length ?? 0;
  expect(leaves).toBeGreaterThan(20);
  const [then, now] = [await chunks(path, leaves), await chunks(output, leaves)];
  expect(now).toEqual(
    (then as { schema: number }[]).map((group) => ({ ...group, schema: group.schema + 1 })),
  );
  for (const rowsOf of [duckdbRows, hyparquetRows]) {
    const [old, wide] = [await rowsOf(path), await rowsOf(output)];
    expect(wide).toEqual(old.map((row, at) => ({ ...row, new: `n${String(at)}` })));
  }
});
