/** Any value that fits its schema, from the model's reply to a Parquet file, and read back by DuckDB. */

import { dirname, join } from "node:path";
import fc from "../property.ts";
import { expect, it } from "vitest";
import type { ColumnType, NewCell } from "../../src/core/column.ts";
import { answerText } from "../../src/core/form.ts";
import type { Json } from "../../src/core/hash.ts";
import { openCsv } from "../../src/frame/csv.ts";
import { writeFreshParquet } from "../../src/frame/parquet-write.ts";
import { readAnswer } from "../../src/output/answer.ts";
import { answerCells, newColumns } from "../../src/output/columns.ts";
import { answerForm } from "../../src/output/form.ts";
import { typedValues, type Typed } from "../output/typed-values.ts";
import { blocksOfCells, fileOf } from "./support.ts";
import { duckdbRows } from "./typed-support.ts";

/** What a value is in each of its columns, once as many levels of objects have one each. */
function columnsOf(type: ColumnType, cell: NewCell, levels: number): readonly NewCell[] {
  if (typeof type !== "object" || !("struct" in type) || levels === 0) return [cell];
  return type.struct.flatMap((field) =>
    columnsOf(field.type, memberOf(cell, field.name), levels - 1),
  );
}

function memberOf(cell: NewCell, name: string): NewCell {
  return (cell as Readonly<Record<string, NewCell>> | null)?.[name] ?? null;
}

/** Whether all names within a type differ in more than letter case, which DuckDB takes for nothing. */
function isTellable(type: ColumnType): boolean {
  if (typeof type !== "object") return true;
  if ("list" in type) return isTellable(type.list);
  const names = new Set(type.struct.map(({ name }) => name.toLowerCase()));
  return names.size === type.struct.length && type.struct.every((it) => isTellable(it.type));
}

/** What DuckDB gives, in one form: bigints as numbers, dates as text. */
function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString().slice(0, 10);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, plain(it)]));
}

/** The cells in a column each, as DuckDB reads them from a Parquet file they were written to. */
async function readBack(
  { schema }: Typed,
  replies: readonly Json[],
  flatten: number,
): Promise<readonly (readonly unknown[])[]> {
  const form = answerForm({ jsonSchema: schema }, "m");
  const columns = newColumns("c", { form, flatten, hasTools: false }).slice(0, -2);
  const cellsOf = answerCells(form, flatten);
  const rows: (readonly NewCell[])[] = [];
  for (const reply of replies) {
    const text = answerText(form, reply);
    const answer = await readAnswer({ form, validate: null, isStrict: true }, { text });
    rows.push(cellsOf("value" in answer ? answer.value : answer.invalid));
  }
  const input = await fileOf(`id\n${replies.map(() => "x\n").join("")}`);
  const output = join(dirname(input), "out.parquet");
  const cells = blocksOfCells(columns.map((_, at) => rows.map((row) => row[at] ?? null)));
  await writeFreshParquet({
    ...{ frame: await openCsv(input), inputPath: input },
    ...{ output, columns, cells },
  });
  const found = await duckdbRows(output);
  return found.map((row) => columns.map(({ name }) => plain(row[name])));
}

it("every value that fits its schema comes back unchanged", { timeout: 120_000 }, async () => {
  const several = typedValues.chain(({ typed, value }) =>
    fc.record({
      typed: fc.constant(typed),
      values: fc.array(typed.values, { maxLength: 4 }).map((more) => [value, ...more]),
      flatten: fc.nat(2),
    }),
  );
  await fc.assert(
    fc.asyncProperty(several, async ({ typed, values, flatten }) => {
      const { type, cell } = typed;
      const cells = values.map((value) => (value === null ? null : cell(value)));
      const names = newColumns("c", {
        ...{ form: answerForm({ jsonSchema: typed.schema }, "m"), hasTools: false, flatten },
      }).map(({ name }) => name.toLowerCase());
      fc.pre(isTellable(type) && new Set(names).size === names.length);
      expect(await readBack(typed, values, flatten)).toEqual(
        cells.map((it) => columnsOf(type, it, flatten)),
      );
    }),
    { numRuns: 60 },
  );
});
