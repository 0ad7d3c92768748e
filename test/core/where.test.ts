import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import fc from "../property.ts";
import { beforeAll, describe, expect, it } from "vitest";
import { checkWhere, parseWhere } from "../../src/core/where.ts";

type Row = Readonly<Record<string, string | null>>;

const holds = (where: string, row: Row): boolean =>
  parseWhere(where).holds((column) => row[column] ?? null);

describe("a condition", () => {
  const row = {
    lang: "en",
    stars: "4",
    note: null,
    "odd | name": "it's",
    spam: "True",
    text: "a_b",
  };

  it.each([
    ["lang = 'en'", true],
    ["lang = 'EN'", false],
    ["LANG_ = 'x' or lang = 'en'", true],
    ["lang <> 'de' AND stars >= 4", true],
    ["stars = 4.0", true],
    ["stars = '4.0'", false],
    ["stars < 10", true],
    ["stars < '10'", false],
    ["lang < 5 or lang >= 5", false],
    ["not lang = 5", false],
    ["note = ''", false],
    ["not note = ''", false],
    ["note is null and lang is not null", true],
    ["lang in ('de', 'en')", true],
    ["stars in (1, 4)", true],
    ["lang not in ('de')", true],
    ["note not in ('de')", false],
    ["lang like 'e%'", true],
    ["lang not like '_'", true],
    ["text like 'a__'", true],
    ["\"odd | name\" = 'it''s'", true],
    ["spam = true", true],
    ["spam != true", false],
    ["lang = true or lang = false", false],
    ["lang = 'de' or lang = 'en' and stars > 9", false],
    ["(lang = 'de' or lang = 'en') and not (stars > 9)", true],
    ["  stars=+4e0\n", true],
  ])("%s", (where, expected) => {
    expect(holds(where, row)).toBe(expected);
  });

  it("tells apart integers that a double takes for one another", () => {
    expect(holds("id = 9007199254740993", { id: "9007199254740993" })).toBe(true);
    expect(holds("id = 9007199254740993", { id: "9007199254740992" })).toBe(false);
    expect(holds("id > 9007199254740992", { id: "9007199254740993" })).toBe(true);
  });

  it("names its columns once each, in order", () => {
    expect(parseWhere("b = 1 or a = 2 and b is null").columns).toEqual(["b", "a"]);
  });

  it.each([
    ["", 1, "a column, not, or ("],
    ["lang", 5, 'after "lang"'],
    ["lang = en", 8, "a text in single quotes"],
    ["lang = null", 8, "is null"],
    ["lang = 'en", 8, "a quote that is never closed"],
    ["lang == 'en'", 7, "a text in single quotes"],
    ["(lang = 'en'", 13, "expected )"],
    ["lang = 'en' stars = 4", 13, "and, or, or the end"],
    ["lang not = 'en'", 10, "in or like"],
    ["lang in ()", 10, "a text in single quotes"],
    ["lang like 4", 11, "a pattern in single quotes"],
    ["spam < true", 8, "= or !="],
    ["stars = 4x", 9, '"4x"'],
    ["lang = 'en'; drop", 12, '"; drop"'],
    [`${"(".repeat(200)}a = 1${")".repeat(200)}`, 102, "no more than 100 levels"],
  ])("is refused with the position: %s", (where, position, wanted) => {
    expect(() => parseWhere(where)).toThrow(
      expect.objectContaining({
        code: "where_invalid",
        message: expect.stringMatching(
          new RegExp(`at character ${String(position)}: .*Nothing was sent`),
        ) as string,
      }) as Error,
    );
    expect(() => parseWhere(where)).toThrow(wanted);
  });

  it("offers the column that was meant", () => {
    const condition = parseWhere("lagn = 'en'");
    expect(() => {
      checkWhere(condition, ["lang", "text"]);
    }).toThrow(
      expect.objectContaining({ code: "unknown_column", hint: 'Did you mean "lang"?' }) as Error,
    );
  });
});

/** A condition, as it is written for us and for DuckDB, whose texts become numbers only by a cast. */
interface Both {
  readonly ours: string;
  readonly theirs: string;
}

const column = fc.constantFrom("a", "b");
const text = fc.string({ unit: fc.constantFrom("x", "Y", "1", "%", "_", "'", "é"), maxLength: 4 });
const quoted = text.map((it) => `'${it.replaceAll("'", "''")}'`);
const number = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.constantFrom(0.5, 1.5)).map(String);
const comparing = fc.constantFrom("=", "!=", "<>", "<", "<=", ">", ">=");

const same = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<Both> =>
  arbitrary.map((it) => ({ ours: it, theirs: it }));
const numeric = (name: string): string => `try_cast(${name} as double)`;

const leaf: fc.Arbitrary<Both> = fc.oneof(
  same(fc.tuple(column, comparing, quoted).map((parts) => parts.join(" "))),
  fc.tuple(column, comparing, number).map(([name, how, value]) => ({
    ours: `${name} ${how} ${value}`,
    theirs: `${numeric(name)} ${how} ${value}`,
  })),
  same(
    fc
      .tuple(
        column,
        fc.constantFrom("in", "not in"),
        fc.array(quoted, { minLength: 1, maxLength: 3 }),
      )
      .map(([name, how, values]) => `${name} ${how} (${values.join(", ")})`),
  ),
  same(fc.tuple(column, fc.constantFrom("like", "not like"), quoted).map((it) => it.join(" "))),
  same(fc.tuple(column, fc.constantFrom("is null", "is not null")).map((it) => it.join(" "))),
);

const { condition } = fc.letrec<{ condition: Both }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small" },
    leaf,
    tie("condition").map(({ ours, theirs }) => ({
      ours: `not (${ours})`,
      theirs: `not (${theirs})`,
    })),
    fc
      .tuple(tie("condition"), fc.constantFrom("and", "or"), tie("condition"))
      .map(([a, how, b]) => ({
        ours: `(${a.ours}) ${how} ${b.ours}`,
        theirs: `(${a.theirs}) ${how} ${b.theirs}`,
      })),
  ),
}));

describe("conditions beside DuckDB's", () => {
  let duckdb: DuckDBConnection;
  beforeAll(async () => {
    duckdb = await (await DuckDBInstance.create(":memory:")).connect();
  });

  it("hold for the same rows", async () => {
    const cell = fc.option(fc.oneof(text, number), { nil: null });
    const rows = fc.array(fc.record({ a: cell, b: cell }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(condition, rows, async ({ ours, theirs }, given) => {
        const values = given
          .map(({ a, b }, at) => `(${String(at)}, ${sql(a)}, ${sql(b)})`)
          .join(", ");
        const reader = await duckdb.runAndReadAll(
          `select n from (values ${values}, (-1, '', '')) t(n, a, b) where n >= 0 and (${theirs}) order by n`,
        );
        const met = reader.getRows().map(([n]) => Number(n));
        expect(given.flatMap((row, at) => (holds(ours, row) ? [at] : []))).toEqual(met);
      }),
      { numRuns: 300 },
    );
  });
});

function sql(cell: string | null): string {
  return cell === null ? "null::varchar" : `'${cell.replaceAll("'", "''")}'`;
}
