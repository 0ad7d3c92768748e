/** Any rows of JSON in Parquet and Arrow: columns of one type have it, and every value comes back as it was. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { openFile, outputNotes, writeFileFrame, type FileFrame } from "../../src/files/files.ts";
import { jsonField, jsonSeen } from "../../src/frame/json-types.ts";
import { openJson } from "../../src/frame/json.ts";
import { fileOf, newFolder } from "./support.ts";
import { duckdb } from "./typed-support.ts";

/** A value as it is written in the file, and which kind it was made as. */
interface Made {
  readonly kind: "null" | "boolean" | "text" | "nested" | "integer" | "fraction" | "digits";
  readonly source: string;
}

const made = (kind: Made["kind"], source: fc.Arbitrary<string>): fc.Arbitrary<Made> =>
  source.map((it) => ({ kind, source: it }));

const bounds = [
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  -(2n ** 63n),
  -(2n ** 63n) - 1n,
  2n ** 64n,
];
const fraction = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .map((it) => (Object.is(it, -0) ? "-0" : JSON.stringify(it)))
  .map((text) => (/^-?\d+$/.test(text) && text !== "-0" ? `${text}.0` : text));

const kinds = {
  null: made("null", fc.constant("null")),
  boolean: made("boolean", fc.boolean().map(String)),
  text: made(
    "text",
    fc
      .oneof(fc.string(), fc.constantFrom("1", "true", "null", "\u2028"))
      .map((it) => JSON.stringify(it)),
  ),
  nested: made("nested", fc.constantFrom('["a",1]', '{"a":null}', "[]", "[9007199254740993]")),
  small: made("integer", fc.integer().map(String)),
  wide: made(
    "integer",
    fc
      .oneof(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), fc.constantFrom(...bounds))
      .map(String),
  ),
  fraction: made("fraction", fraction),
  /** More digits than a double has, the last of them not the exact expansion's. */
  digits: made(
    "digits",
    fc.bigInt({ min: 10n ** 24n, max: 10n ** 25n - 1n }).map((it) => `0.${String(it)}1`),
  ),
} as const;

/** A column draws from few kinds, or hardly any would be of one type. */
const column = fc
  .subarray(Object.keys(kinds) as (keyof typeof kinds)[], { minLength: 1, maxLength: 2 })
  .chain((names) =>
    fc.array(fc.option(fc.oneof(...names.map((name) => kinds[name])), { nil: null }), {
      minLength: 6,
      maxLength: 6,
    }),
  );

const expectedType = (cells: readonly (Made | null)[]): string => {
  const there = cells.filter((it): it is Made => it !== null && it.kind !== "null");
  const all = new Set(there.map(({ kind }) => kind));
  if (all.size === 1 && all.has("boolean")) return "BOOLEAN";
  if (there.length === 0 || there.some(({ kind }) => !["integer", "fraction"].includes(kind)))
    return "VARCHAR";
  const whole = there.filter(({ kind }) => kind === "integer").map(({ source }) => BigInt(source));
  if (all.has("fraction"))
    return whole.every((it) => BigInt(Number(it)) === it) ? "DOUBLE" : "VARCHAR";
  if (whole.every((it) => BigInt.asIntN(64, it) === it)) return "BIGINT";
  return whole.every((it) => BigInt.asUintN(64, it) === it) ? "UBIGINT" : "VARCHAR";
};

const textOf = ({ kind, source }: Made): string =>
  kind === "text" ? (JSON.parse(source) as string) : source;

/** What a cell is in a column of this type, as text that tells apart what must be. */
function expectedCell(type: string, cell: Made | null): string | null {
  if (cell === null || cell.kind === "null") return null;
  if (type === "BIGINT" || type === "UBIGINT") return String(BigInt(cell.source));
  if (type !== "DOUBLE") return textOf(cell);
  const value = Number(cell.source);
  return Object.is(value, -0) ? "-0" : String(value);
}

function fileText(columns: readonly (readonly (Made | null)[])[]): string {
  const rows = Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => {
    const members = columns.flatMap((cells, at) => {
      const cell = cells[row] ?? null;
      return cell === null ? [] : [`"c${String(at)}": ${cell.source}`];
    });
    return `{${['"row": 1', ...members].join(", ")}}`;
  });
  return `${rows.join("\n")}\n`;
}

async function writes(input: FileFrame, output: string): Promise<readonly string[]> {
  const planned = await outputNotes(input, output, { leavesOutRows: false });
  const none = Readable.from([]) as AsyncIterable<never>;
  const { notes = [] } = await writeFileFrame({ input, output, columns: [], cells: none });
  expect(planned).toEqual(notes);
  return notes;
}

async function rawCells(path: string, name: string): Promise<(string | null)[]> {
  const cells: (string | null)[] = [];
  const frame = await openFile(path);
  for await (const block of frame.blocks([name], 4))
    for (const cell of block.raw?.(name) ?? [])
      cells.push(
        cell === null || cell === undefined ? null : Object.is(cell, -0) ? "-0" : String(cell),
      );
  return cells;
}

it("any rows come back from Parquet and Arrow with their values, in one file or cut into two", async () => {
  const folder = await newFolder();
  await fc.assert(
    fc.asyncProperty(
      fc.array(column, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (columns, isCut) => {
        const text = fileText(columns);
        const lines = text.split(/(?<=\n)/);
        const parts = isCut ? [lines.slice(0, 3).join(""), lines.slice(3).join("")] : [text];
        const paths = parts.map((_, at) => join(folder, `part-${String(at)}.jsonl`));
        for (const [at, path] of paths.entries()) await writeFile(path, parts[at] ?? "");
        const input = await openFile(isCut ? join(folder, "part-*.jsonl") : (paths[0] ?? ""), {
          format: "jsonl",
        });
        const seen = input.columns.filter((name) => name !== "row");
        for (const ending of ["parquet", "arrow"]) {
          const output = join(folder, `out.${ending}`);
          const notes = await writes(input, output);
          const described = await (
            await duckdb()
          ).runAndReadAll(`describe select * from '${join(folder, "out.parquet")}'`);
          const types = new Map(
            described.getRows().map(([name, type]) => [String(name), String(type)]),
          );
          for (const name of seen) {
            const cells = columns[Number(name.slice(1))] ?? [];
            const type = expectedType(cells);
            expect([name, types.get(name)]).toEqual([name, type]);
            expect(await rawCells(output, name)).toEqual(
              cells.map((cell) => expectedCell(type, cell)),
            );
            const isPlainText = cells.every(
              (it) => it === null || it.kind === "text" || it.kind === "null",
            );
            const isTold = notes.some((note) => note.includes(JSON.stringify(name)));
            expect([name, isTold]).toEqual([name, type === "VARCHAR" && !isPlainText]);
          }
        }
        for (const path of paths) await writeFile(path, "");
      },
    ),
    { numRuns: 30 },
  );
});

describe("what a number is", () => {
  const fieldOf = (...sources: readonly string[]) =>
    jsonField(
      "n",
      sources.reduce((seen, source) => seen | jsonSeen(source, 0, source.length), 0),
    );

  it.each([
    ["0.1", "0.30000000000000004"],
    ["0.10000000000000001", "1e0"],
    ["1E+2", "-0"],
    ["5e-324", "1.7976931348623157e308"],
    ["0.000000000000000000000000001", "-1.50"],
    ["9007199254740992", "0.5"],
    ["0e999", "0.0"],
  ])("a float keeps %s and %s", (one, other) => {
    expect(fieldOf(one, other)).toEqual({ name: "n", type: { kind: "float", bits: 64 } });
  });

  it.each([
    ["1e999"],
    ["1e-400"],
    ["0.1234567890123456789"],
    ["123456789012345678.5"],
    ["9007199254740993", "0.5"],
    ["123456789012345680000", "0.5"],
  ])("a float would round %s", (...sources) => {
    expect(fieldOf(...sources)).toMatchObject({
      type: { kind: "text" },
      told: expect.stringContaining("round") as unknown,
    });
  });

  it.each([
    [true, "9223372036854775807", "-9223372036854775808"],
    [false, "18446744073709551615", "0"],
  ])("integers of 64 bits are their own, signed: %s", (isSigned, ...sources) => {
    expect(fieldOf(...sources).type).toEqual({ kind: "integer", bits: 64, isSigned });
  });

  it.each([["18446744073709551616"], ["18446744073709551615", "-1"]])(
    "integers past 64 bits are text: %s",
    (...sources) => {
      expect(fieldOf(...sources)).toMatchObject({
        type: { kind: "text" },
        told: "hold integers past 64 bits",
      });
    },
  );
});

it("no types are said of a file of which only the first rows were looked at", async () => {
  const path = await fileOf('{"a":1}\n{"a":"x"}\n', "rows.jsonl");
  const first = await openJson(path, { layout: "jsonl", rowsSeen: 1 });
  expect([first.types, first.seen]).toEqual([undefined, null]);
  const all = await openJson(path, { layout: "jsonl" });
  expect(await all.types?.()).toEqual([
    { name: "a", type: { kind: "text" }, told: "hold numbers and text" },
  ]);
});

it("columns that lose the same are told in one sentence, ten of them by name", async () => {
  const members = Array.from({ length: 12 }, (_, at) => `"c${String(at)}":[1]`).join(",");
  const input = await openFile(await fileOf(`{${members}}\n`, "rows.jsonl"));
  const notes = await writes(input, join(await newFolder(), "out.arrow"));
  expect(notes).toEqual([
    expect.stringMatching(
      /^Columns "c0", .*"c9" and 2 more hold lists or objects; they are written as exact text\.$/,
    ),
  ]);
});
