/** Several Parquet or Arrow files read as one: the output has their types, or the plan says which it has not. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import fc from "../property.ts";
import { beforeEach, describe, expect, it } from "vitest";
import type { NewColumn } from "../../src/core/column.ts";
import { planBundle } from "../../src/display/plan.ts";
import { enrichFile } from "../../src/enrich.ts";
import { checkFileOutput, openFile, outputNotes, writeFileFrame } from "../../src/files/files.ts";
import type { RawCell } from "../../src/frame/cell-type.ts";
import { anyTable } from "../frame/any-table.ts";
import { allTexts, blocksOfCells, failureOf, newFolder } from "../frame/support.ts";
import { duckdb } from "../frame/typed-support.ts";

let folder: string;

beforeEach(async () => {
  folder = await newFolder();
});

const label: NewColumn = { name: "label", type: "text" };

/** Writes all rows with a column that says l0, l1, …; gives what the plan said, and the output's path. */
async function labelled(
  input: string,
  name: string,
): Promise<{ notes: readonly string[]; output: string }> {
  const frame = await openFile(input);
  const output = join(folder, name);
  await checkFileOutput(frame, output);
  const notes = await outputNotes(frame, output, { leavesOutRows: false });
  let rows = 0;
  for await (const block of frame.blocks([], 1000)) rows += block.rowCount;
  const cells = blocksOfCells([Array.from({ length: rows }, (_, at) => `l${String(at)}`)]);
  const written = await writeFileFrame({ input: frame, output, columns: [label], cells });
  expect(written.rows).toBe(rows);
  expect(written.notes ?? []).toEqual(notes);
  return { notes, output };
}

async function contentOf(path: string) {
  const frame = await openFile(path);
  const cells = new Map<string, RawCell[]>();
  for await (const block of frame.blocks(frame.columns, 100))
    for (const name of frame.columns)
      cells.set(name, [...(cells.get(name) ?? []), ...(block.raw?.(name) ?? [])]);
  return { types: (await frame.types?.()) ?? [], cells };
}

async function parquetParts(...queries: readonly string[]): Promise<string> {
  await mkdir(join(folder, "parts"));
  for (const [at, query] of queries.entries())
    await (
      await duckdb()
    ).run(
      `copy (${query}) to '${join(folder, "parts", `${String(at)}.parquet`)}' (format parquet)`,
    );
  return join(folder, "parts");
}

async function queried(sql: string): Promise<unknown[][]> {
  return (await (await duckdb()).runAndReadAll(sql)).getRows();
}

const TYPED =
  "(n % 100)::tinyint as a, 18446744073709551615::ubigint as u, 1.25::decimal(10,2) as d, {'x': n, 'y': [n::float]} as s, map {'k': n} as m, timestamptz '2020-01-01 00:00:00+00' as t, null::integer as z, 'w' || n as w";

describe("several Parquet files", () => {
  it("of one schema stay Parquet with exactly their types, every page as it stands", async () => {
    const parts = await parquetParts(
      `select ${TYPED} from range(3) r(n)`,
      `select ${TYPED} from range(3, 1000) r(n)`,
      `select ${TYPED} from range(7) r(n)`,
    );
    const { notes, output } = await labelled(parts, "out.parquet");
    expect(notes).toEqual([]);
    const schema =
      "select name, type, type_length, logical_type, converted_type from parquet_schema";
    const before = await queried(`${schema}('${join(parts, "0.parquet")}')`);
    expect((await queried(`${schema}('${output}')`)).slice(1, before.length)).toEqual(
      before.slice(1),
    );
    const old = await queried(
      `select * exclude (filename) from read_parquet('${parts}/*.parquet', filename = true) order by filename, a`,
    );
    expect(old).toHaveLength(1007);
    const now = await queried(`select * exclude (label) from '${output}'`);
    expect(now.map(String).sort()).toEqual(old.map(String).sort());
    const labels = await queried(`select label, w from '${output}' offset 1`);
    expect(labels.slice(0, 3).map(String)).toEqual(["l1,w1", "l2,w2", "l3,w3"]);
    // The pages of all parts are in the output as they are in the parts.
    const whole = await readFile(output);
    for (const at of [0, 1, 2]) {
      const part = await readFile(join(parts, `${String(at)}.parquet`));
      const [[start = 0n, bytes = 0n] = []] = (await queried(
        `select coalesce(dictionary_page_offset, data_page_offset), total_compressed_size from parquet_metadata('${join(parts, `${String(at)}.parquet`)}') where path_in_schema = 'w'`,
      )) as bigint[][];
      const page = part.subarray(Number(start), Number(start + bytes));
      expect(page.length).toBeGreaterThan(0);
      expect(whole.includes(page)).toBe(true);
    }
  });

  it("of which one was changed after it was opened are not written", async () => {
    const parts = await parquetParts("select 1 as a", "select 2 as a");
    const frame = await openFile(parts);
    await frame.fingerprint();
    await (
      await duckdb()
    ).run(`copy (select 3 as a) to '${join(parts, "1.parquet")}' (format parquet)`);
    const cells = blocksOfCells([["x", "y"]]);
    const failure = await failureOf(() =>
      writeFileFrame({
        input: frame,
        output: join(folder, "out.parquet"),
        columns: [label],
        cells,
      }),
    );
    expect([failure.code, failure.message]).toEqual([
      "input_changed",
      expect.stringContaining("1.parquet"),
    ]);
  });

  it("that differ in a type say in which files, and that column alone is text", async () => {
    const parts = await parquetParts(
      "select 1::integer as n, true as ok, null::integer as z",
      "select 2::bigint as n, false as ok, null::integer as z",
    );
    for (const ending of ["parquet", "arrow"]) {
      const { notes, output } = await labelled(parts, `out.${ending}`);
      expect(notes).toEqual([
        `Column "n" is int32 in ${join(parts, "0.parquet")} and int64 in ${join(parts, "1.parquet")}; it is written as exact text.`,
      ]);
      const types = (await (await openFile(output)).types?.()) ?? [];
      expect(types.map(({ name, type }) => [name, type.kind])).toEqual([
        ...[
          ["n", "text"],
          ["ok", "boolean"],
          ["z", "integer"],
          ["label", "text"],
        ],
      ]);
      expect(await allTexts(await openFile(output))).toEqual([
        ["1", "true", null, "l0"],
        ["2", "false", null, "l1"],
      ]);
    }
  });

  it("that differ where a column cannot be written again are refused before anything is sent", async () => {
    const parts = await parquetParts(
      "select 1::integer as n, 'a'::blob as b",
      "select 2::bigint as n, 'b'::blob as b",
    );
    await checkFileOutput(await openFile(parts), join(folder, "out.parquet"));
    const enums = await openFile(parts);
    const types = () =>
      Promise.resolve([{ name: "n", type: { kind: "unreadable" as const, what: "a variant" } }]);
    const failure = await failureOf(() =>
      checkFileOutput({ ...enums, types }, join(folder, "out.parquet")),
    );
    expect([failure.code, failure.message]).toEqual([
      "output_format",
      expect.stringMatching(/not all alike.*"n" holds a variant.*Nothing was sent\./),
    ]);
  });
});

describe("several Arrow files", () => {
  it("of one schema stay Arrow with exactly their types, whatever these are", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(anyTable, async (table) => {
        const own = join(folder, `run-${String((run += 1))}`);
        await mkdir(own);
        for (const at of [0, 1])
          await writeFile(join(own, `${String(at)}.arrow`), arrow.tableToIPC(table, "file"));
        const before = await contentOf(join(own, "0.arrow"));
        const { output, notes } = await labelled(own, `${String(run)}.arrow`);
        const after = await contentOf(output);
        const told = before.types.filter(({ name }) => notes.join().includes(`"${name}"`));
        expect(told.every(({ type }) => /list|struct/.test(type.kind))).toBe(true);
        for (const [at, field] of before.types.entries())
          if (!told.includes(field)) expect(after.types[at]).toEqual(field);
        for (const [name, cells] of before.cells)
          expect(after.cells.get(name)).toEqual([...cells, ...cells]);
      }),
      { numRuns: 20 },
    );
  });
});

it("the plan says what types are lost, and nothing where none are", async () => {
  const input = join(folder, "rows.jsonl");
  await writeFile(input, '{"text":"a","mix":1}\n{"text":"b","mix":"x"}\n');
  const model = { provider: "openai", model: "gpt-5-mini", apiKey: "none-needed-to-plan" } as const;
  const lost = 'Column "mix" holds numbers and text; it is written as exact text.';
  for (const [name, options] of [
    ["out.parquet", {}],
    ["out.arrow", { votes: 3, output: { labels: ["good", "bad"] } }],
  ] as const) {
    const run = enrichFile({ input, output: join(folder, name) }, "Say {{ text }}", model, {
      runDir: null,
      ...options,
    });
    const plan = await run.plan();
    await run.detach();
    expect(plan.warnings).toContain(lost);
    expect(JSON.stringify(planBundle(plan))).toContain("holds numbers and text");
  }
  const run = enrichFile({ input, output: join(folder, "out.csv") }, "Say {{ text }}", model, {
    runDir: null,
  });
  expect((await run.plan()).warnings).toEqual([]);
  await run.detach();
});

it("a column that can be written neither with its type nor as text is refused by the plan", async () => {
  const type = new arrow.Struct<{ gap: arrow.IntervalYearMonth; raw: arrow.Binary }>([
    new arrow.Field("gap", new arrow.IntervalYearMonth()),
    new arrow.Field("raw", new arrow.Binary()),
  ]);
  const input = join(folder, "odd.arrow");
  const odd = arrow.vectorFromArray([null], type);
  const text = arrow.vectorFromArray(["a"], new arrow.Utf8());
  await writeFile(input, arrow.tableToIPC(new arrow.Table({ text, odd }), "file"));
  const model = { provider: "openai", model: "gpt-5-mini", apiKey: "none-needed-to-plan" } as const;
  const planned = async (name: string) => {
    const run = enrichFile({ input, output: join(folder, name) }, "{{ text }}", model, {
      runDir: null,
    });
    try {
      return await run.plan();
    } finally {
      await run.detach();
    }
  };
  await expect(planned("out.parquet")).rejects.toMatchObject({
    code: "column_type",
    message: expect.stringContaining('"odd"') as unknown,
  });
  expect(await planned("out.arrow")).toMatchObject({ requests: 1, warnings: [] });
});

it("an order of categories that is lost is said before anything is sent, and where it stays nothing is", async () => {
  const type = new arrow.Dictionary(new arrow.Utf8(), new arrow.Int8(), 1, true);
  const sizes = arrow.vectorFromArray(["small", "large", "small"], type);
  const path = join(folder, "sizes.arrow");
  await writeFile(path, arrow.tableToIPC(new arrow.Table({ sizes }), "file"));
  expect((await labelled(path, "kept.arrow")).notes).toEqual([]);
  const lost = [
    'Column "sizes" holds categories in an order of their own; it is written as categories without an order.',
  ];
  expect((await labelled(path, "out.parquet")).notes).toEqual(lost);
});
