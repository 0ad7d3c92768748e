/** Cells of every type reach templates as exact text, whatever they are read from. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import { openFile } from "../../src/files/files.ts";
import { gatheredTable, tableFrame } from "../../src/frame/arrow-table.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { polarsFrame } from "../../src/frame/polars.ts";
import { allTexts, failureOf, fileOf, newFolder } from "./support.ts";
import { duckdb } from "./typed-support.ts";
import {
  anyColumn,
  anyDuckdbColumn,
  exactJson,
  type ExactColumn,
  type Reading,
} from "./exact-support.ts";

/** Reads every text of a frame and holds it against what was put in. */
async function expectExact(
  frame: Frame,
  columns: readonly Pick<ExactColumn, "name" | "exact" | "read">[],
  maxRows: number,
) {
  const rows = await allTexts(frame, { maxRows });
  columns.forEach(({ name, exact, read }, at) => {
    const texts = rows.map((row) => row[at] ?? null);
    const found = texts.map((text) => (text === null ? null : read(text)));
    expect(found, `${frame.name} ${name}: ${JSON.stringify(texts)}`).toEqual(exact);
  });
}

function tableOf(columns: readonly ExactColumn[]): arrow.Table {
  const fields = columns.map(({ name, data }) => new arrow.Field(name, data.type, true));
  const vectors = columns.map(({ name, data }) => [name, new arrow.Vector([data])] as const);
  return new arrow.Table(new arrow.Schema(fields), Object.fromEntries(vectors));
}

/** Columns under names of their own, all of one length. */
const anyColumns = (forPolars: boolean) =>
  fc
    .integer({ min: 1, max: 7 })
    .chain((rows) => fc.array(anyColumn(rows, forPolars), { minLength: 1, maxLength: 5 }))
    .map((all) => all.map((column, at) => ({ ...column, name: `c${String(at)} ${column.name}` })));

const blockRows = fc.integer({ min: 1, max: 8 });

it("from Arrow files, streams, tables and record batches", { timeout: 120_000 }, async () => {
  const folder = await newFolder();
  await fc.assert(
    fc.asyncProperty(anyColumns(false), blockRows, async (columns, maxRows) => {
      const table = tableOf(columns);
      for (const form of ["file", "stream"] as const) {
        const path = join(folder, form === "file" ? "in.arrow" : "in.arrows");
        await writeFile(path, arrow.tableToIPC(table, form));
        await expectExact(await openFile(path), columns, maxRows);
      }
      await expectExact(tableFrame(table), columns, maxRows);
      const batches = async function* () {
        yield* await Promise.resolve(table.batches);
      };
      await expectExact(tableFrame(await gatheredTable(batches())), columns, maxRows);
    }),
    { numRuns: 150 },
  );
});

it(
  "from DataFrames, LazyFrames, and the Parquet and Arrow files that polars writes of them",
  { timeout: 120_000 },
  async () => {
    const folder = await newFolder();
    await fc.assert(
      fc.asyncProperty(anyColumns(true), blockRows, async (columns, maxRows) => {
        const df = pl.readIPC(Buffer.from(arrow.tableToIPC(tableOf(columns), "file")));
        await expectExact(polarsFrame(df), columns, maxRows);
        await expectExact(polarsFrame(await df.lazy().collect()), columns, maxRows);
        const parquet = join(folder, "p.parquet");
        const ipc = join(folder, "p.arrow");
        const stream = join(folder, "p.arrows");
        df.writeParquet(parquet, { compression: "snappy" });
        await writeFile(ipc, df.writeIPC());
        await writeFile(stream, df.writeIPCStream());
        for (const path of [parquet, ipc, stream])
          await expectExact(await openFile(path), columns, maxRows);
      }),
      { numRuns: 100 },
    );
  },
);

it("from the Parquet files that DuckDB writes", { timeout: 120_000 }, async () => {
  const path = join(await newFolder(), "d.parquet");
  const db = await duckdb();
  const columns = fc
    .integer({ min: 1, max: 7 })
    .chain((rows) => fc.array(anyDuckdbColumn(rows), { minLength: 1, maxLength: 5 }));
  await fc.assert(
    fc.asyncProperty(columns, blockRows, async (all, maxRows) => {
      const rows = all[0]?.exact.length ?? 0;
      const named = all.map((column, at) => ({ ...column, name: `c${String(at)}` }));
      const selects = Array.from(
        { length: rows },
        (_, row) =>
          `select ${named.map(({ name, sql }) => `${sql[row] ?? "null"} as ${name}`).join(", ")}`,
      );
      await db.run(`copy (${selects.join(" union all ")}) to '${path}' (format parquet)`);
      await expectExact(await openFile(path), named, maxRows);
    }),
    { numRuns: 100 },
  );
});

/** JSON whose numbers have more digits than JavaScript keeps. */
const digits = fc.stringMatching(/^-?[1-9][0-9]{0,60}(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,4})?$/);
const anyJson: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { weight: 3, arbitrary: digits },
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    fc.constantFrom("null", "true", "0", "-0", "0.0", "1.10", "1E400"),
    fc.array(tie("value"), { maxLength: 3 }).map((all) => `[${all.join(",")}]`),
    fc.dictionary(fc.string({ maxLength: 3 }), tie("value"), { maxKeys: 3 }).map(
      (all) =>
        `{${Object.entries(all)
          .map(([key, value]) => `${JSON.stringify(key)}:${value}`)
          .join(",")}}`,
    ),
  ),
})).value;

it("from JSON Lines and arrays, numbers as they are written", { timeout: 60_000 }, async () => {
  const folder = await newFolder();
  const exactText: Reading = (json) => (json.startsWith('"') ? (JSON.parse(json) as string) : json);
  await fc.assert(
    fc.asyncProperty(fc.array(anyJson, { minLength: 1, maxLength: 6 }), async (values) => {
      const rows = values.map((value) => `{"v":${value}}`);
      for (const [name, content] of [
        ["in.jsonl", rows.join("\n")],
        ["in.json", `[${rows.join(",")}]`],
      ] as const) {
        const path = join(folder, name);
        await writeFile(path, content);
        const texts = await allTexts(await openFile(path));
        expect(texts.map(([text]) => text)).toEqual(
          values.map((value) => (value === "null" ? null : exactText(value))),
        );
      }
    }),
  );
});

it("from the Parquet file that pyarrow wrote", async () => {
  const folder = join(import.meta.dirname, "../data/pyarrow");
  const expected = exactJson(join(folder, "types.json"));
  const frame = await openFile(join(folder, "types.parquet"));
  const rows = await allTexts(frame);
  const found = Object.fromEntries(
    frame.columns.map((name, at) => [name, rows.map((row) => row[at] ?? null)]),
  );
  expect(found).toEqual(expected);
});

it("bytes have no text, and say so by name before anything is sent", async () => {
  const types = [new arrow.Binary(), new arrow.LargeBinary(), new arrow.FixedSizeBinary(2)];
  for (const type of types) {
    const table = new arrow.Table({ blob: arrow.vectorFromArray([new Uint8Array([1, 2])], type) });
    const bytes = Buffer.from(arrow.tableToIPC(table, "file"));
    const frames = [await openFile(await fileOf(bytes, "bytes.arrow")), tableFrame(table)];
    for (const frame of [...frames, polarsFrame(pl.readIPC(bytes))]) {
      const failure = await failureOf(() => allTexts(frame));
      expect(failure.code).toBe("column_type");
      expect(failure.message).toMatch(/"blob".*Nothing was sent/);
    }
  }
});
