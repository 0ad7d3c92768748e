/** Any table of Arrow's types from Parquet to Arrow and back, and with rows left out: types and exact values stay. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import {
  checkFileOutput,
  openFile,
  writeFileFrame,
  type FileFrame,
} from "../../src/files/files.ts";
import type { CellField, CellType, RawCell, TimeUnit } from "../../src/frame/cell-type.ts";
import { textObstacle } from "../../src/frame/cell-type.ts";
import { anyPolarsTable, anyTable } from "./any-table.ts";
import { blocksOfCells, newFolder } from "./support.ts";
import { duckdbRows } from "./typed-support.ts";

const columns: readonly NewColumn[] = [{ name: "kept", type: "boolean" }];

const nanoseconds: Readonly<Record<TimeUnit, bigint>> = {
  ...{ s: 1_000_000_000n, ms: 1_000_000n, us: 1000n, ns: 1n },
};

const bigOf = (cell: RawCell): bigint => BigInt(cell as number);

/** A cell whatever its type counts in: two are the same only where their values are, bit for bit. */
function plain(type: CellType, cell: RawCell): unknown {
  if (cell === null || cell === undefined) return null;
  switch (type.kind) {
    case "integer":
      return `integer ${String(cell)}`;
    case "float":
      return Number.isNaN(cell) ? "NaN" : `float ${Object.is(cell, -0) ? "-0" : String(cell)}`;
    case "decimal":
      return `decimal ${String(cell)}/${String(type.scale)}`;
    case "time":
    case "timestamp":
    case "duration":
      return `${type.kind} ${String(bigOf(cell) * nanoseconds[type.unit])}`;
    case "bytes":
    case "uuid":
      return `bytes ${Buffer.from(cell as Uint8Array).toString("hex")}`;
    case "list":
      return (cell as readonly RawCell[]).map((it) => plain(type.element, it));
    case "struct":
      return (cell as readonly RawCell[]).map((it, at) =>
        plain(type.fields[at]?.type ?? { kind: "null" }, it),
      );
    case "interval":
      return (cell as readonly RawCell[]).map(String);
    default:
      return `${type.kind} ${String(cell)}`;
  }
}

/** What must stay of a type: its kind, width, sign, digits, zone, names and nesting, but not what one step of a time is. */
function lasting(type: CellType): unknown {
  switch (type.kind) {
    case "time":
      return "time";
    case "timestamp":
      return `timestamp ${type.zone ?? "without zone"}`;
    case "list":
      return { ...type, element: lasting(type.element) };
    case "struct":
      return type.fields.map(({ name, type: field }) => [name, lasting(field)]);
    case "text":
      return "text";
    default:
      return type;
  }
}

async function contentOf(frame: FileFrame): Promise<Map<string, readonly unknown[]>> {
  const types = (await frame.types?.()) ?? [];
  const content = new Map<string, unknown[]>();
  for await (const block of frame.blocks(frame.columns, 4))
    for (const { name, type } of types) {
      const cells = block.raw?.(name).map((cell) => plain(type, cell)) ?? [];
      content.set(name, [...(content.get(name) ?? []), ...cells]);
    }
  return content;
}

const holdsInterval = (type: CellType): boolean =>
  type.kind === "interval" ||
  (type.kind === "list" && holdsInterval(type.element)) ||
  (type.kind === "struct" && type.fields.some((field) => holdsInterval(field.type)));

const holdsInnerCategory = (type: CellType): boolean => {
  const inner =
    type.kind === "list"
      ? [type.element]
      : type.kind === "struct"
        ? type.fields.map((field) => field.type)
        : [];
  return inner.some(
    (it) => (it.kind === "text" && it.isCategory === true) || holdsInnerCategory(it),
  );
};

/** Whether Parquet has no type for a column, and the column no text. */
const isLost = ({ type }: CellField): boolean => holdsInterval(type) && textObstacle(type) !== null;

/** Writes all rows, or those for which `kept` says so. */
async function writes(
  input: string,
  output: string,
  kept?: readonly boolean[],
): Promise<readonly string[]> {
  const frame = await openFile(input);
  await checkFileOutput(frame, output, kept !== undefined);
  const counted = { saved: () => null, restore: () => undefined };
  const keeper = { keeps: ([is]: readonly NewCell[]) => is === true, counted };
  const { notes = [] } = await writeFileFrame({
    ...{ input: frame, output, columns: kept === undefined ? [] : columns },
    cells: blocksOfCells([[...(kept ?? [])]]),
    ...(kept === undefined ? {} : { keeper }),
  });
  return notes;
}

/** That the second file has the content of the first, in the rows of `kept`. */
async function expectSame(before: string, after: string, kept?: readonly boolean[]): Promise<void> {
  const [old, now] = [await openFile(before), await openFile(after)];
  const [oldTypes, newTypes] = [(await old.types?.()) ?? [], (await now.types?.()) ?? []];
  const [cells, stayed] = [await contentOf(old), await contentOf(now)];
  for (const { name, type } of oldTypes) {
    const found = newTypes.find((field: CellField) => field.name === name)?.type;
    const isText = holdsInterval(type) && found?.kind === "text";
    if (isText) continue;
    expect(lasting(found ?? { kind: "null" })).toEqual(lasting(type));
    const due = (cells.get(name) ?? []).filter((_, row) => kept?.[row] ?? true);
    expect(stayed.get(name)).toEqual(due);
  }
}

const written = async (table: arrow.Table): Promise<{ stem: string; path: string }> => {
  const stem = join(await newFolder(), "t");
  const path = `${stem}.arrow`;
  await writeFile(path, arrow.tableToIPC(table, "file"));
  return { stem, path };
};

it("any Arrow table becomes Parquet and Arrow again", { timeout: 180_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyTable, async (table) => {
      const { stem, path } = await written(table);
      const types = (await (await openFile(path)).types?.()) ?? [];
      const writing = writes(path, `${stem}.parquet`);
      if (types.some(isLost)) {
        // Bytes have no text to be written instead.
        await expect(writing).rejects.toMatchObject({ code: "column_type" });
        return;
      }
      const notes = await writing;
      const told = types.filter(({ name }) => notes.some((it) => it.includes(`"${name}"`)));
      expect(told).toEqual(
        types.filter(({ type }) => holdsInterval(type) || holdsInnerCategory(type)),
      );
      await expectSame(path, `${stem}.parquet`);
      await writes(`${stem}.parquet`, `${stem}.again.arrows`);
      await expectSame(`${stem}.parquet`, `${stem}.again.arrows`);
      // Others read it too.
      expect(await duckdbRows(`${stem}.parquet`)).toHaveLength(table.numRows);
    }),
    { numRuns: 100 },
  );
});

it("rows are left out of any Arrow or Parquet file", { timeout: 180_000 }, async () => {
  const any = anyTable.chain((table) =>
    fc.tuple(
      fc.constant(table),
      fc.array(fc.boolean(), { minLength: table.numRows, maxLength: table.numRows }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(any, async ([table, mask]) => {
      const kept = mask.map((is, row) => is || row === 0);
      const { stem, path } = await written(table);
      await writes(path, `${stem}.some.arrow`, kept);
      await expectSame(path, `${stem}.some.arrow`, kept);
      if (((await (await openFile(path)).types?.()) ?? []).some(isLost)) return;
      await writes(path, `${stem}.parquet`);
      await writes(`${stem}.parquet`, `${stem}.some.parquet`, kept);
      await expectSame(`${stem}.parquet`, `${stem}.some.parquet`, kept);
    }),
    { numRuns: 100 },
  );
});

it("polars sees the same table before and after", { timeout: 180_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyPolarsTable, async (table) => {
      const { stem, path } = await written(table);
      const df = pl.readIPC(Buffer.from(arrow.tableToIPC(table, "file")));
      const types = (await (await openFile(path)).types?.()) ?? [];
      await writes(path, `${stem}.parquet`);
      // Of maps polars makes lists, and other ones from either format.
      const isMap = (type: CellType): boolean => type.kind === "list" && type.isMap === true;
      const own = types.filter(({ type }) => !isMap(type));
      const names = own.map(({ name }) => name);
      if (names.length === 0) return;
      const now = pl.readParquet(`${stem}.parquet`).select(...names);
      expect(now.frameEqual(df.select(...names), true), String(table.schema)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it("what only pyarrow writes becomes Arrow, and has rows left out", async () => {
  const path = join(import.meta.dirname, "../data/pyarrow/types.parquet");
  const stem = join(await newFolder(), "t");
  await writes(path, `${stem}.arrow`);
  await expectSame(path, `${stem}.arrow`);
  const kept = [true, false, true];
  await writes(path, `${stem}.parquet`, kept);
  await expectSame(path, `${stem}.parquet`, kept);
});
