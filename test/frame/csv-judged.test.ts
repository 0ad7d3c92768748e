import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { writeCsv } from "../../src/frame/csv-write.ts";
import { openCsv, type CsvFrame } from "../../src/frame/csv.ts";
import { allTexts, blocksOfCells, failureOf, fileOf } from "./support.ts";

/** Latin-1, so that a character such as é is a byte that is not UTF-8. */
const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

const bad = 'a,b\n1,2\n3\n\n4,5,6\nx\xe9,7\n8,"9\n9"\n';

/** The numbers of the rows that must not be asked. */
async function withheldRows(frame: CsvFrame, maxRows = 2): Promise<number[]> {
  const rows: number[] = [];
  for await (const block of frame.blocks(["a"], maxRows)) {
    for (let row = 0; row < block.rowCount; row += 1) {
      if (block.withheld?.(row) === "bad_row") rows.push(block.firstRow + row);
    }
  }
  return rows;
}

/** Writes the file with a column `n` that counts rows and gives the output's bytes. */
async function numbered(frame: CsvFrame, rowCount: number): Promise<Buffer> {
  const output = join(dirname(frame.path), "out.csv");
  const cells = blocksOfCells([Array.from({ length: rowCount }, (_, at) => at)]);
  const columns = [{ name: "n", type: "integer" }] as const;
  expect((await writeCsv({ input: frame, output, columns, cells })).rows).toBe(rowCount);
  return readFile(output);
}

describe("skip", () => {
  it("leaves out rows that cannot be used, and counts and lists them", async () => {
    const frame = await openCsv(await fileOf(bytes(bad)), { onBadRow: "skip" });
    expect(await allTexts(frame, { maxRows: 2 })).toEqual([
      ["1", "2"],
      ["8", "9\n9"],
    ]);
    expect(await withheldRows(frame)).toEqual([]);
    expect(await frame.badRows()).toEqual({
      count: 3,
      first: [
        { line: 3, why: "ragged", cells: 1 },
        { line: 5, why: "ragged", cells: 3 },
        { line: 6, why: "not_utf8", cells: 2 },
      ],
    });
    expect(await numbered(frame, 2)).toEqual(bytes('a,b,n\n1,2,0\n8,"9\n9",1\n'));
  });

  it("says that there are no rows where all are left out", async () => {
    const path = await fileOf("a,b\n1\n2\n");
    expect((await failureOf(() => openCsv(path, { onBadRow: "skip" }))).code).toBe("no_rows");
  });
});

describe("keep", () => {
  it("passes them on unasked, byte for byte, the new cells under their names where that can be", async () => {
    const frame = await openCsv(await fileOf(bytes(bad)), { onBadRow: "keep" });
    expect(await withheldRows(frame)).toEqual([1, 2, 3]);
    expect(await allTexts(frame)).toEqual([
      ["1", "2"],
      ["3", null],
      ["4", "5"],
      [null, null],
      ["8", "9\n9"],
    ]);
    const expected = 'a,b,n\n1,2,0\n3,,1\n\n4,5,6,2\nx\xe9,7,3\n8,"9\n9",4\n';
    expect(await numbered(frame, 5)).toEqual(bytes(expected));
    expect((await frame.badRows()).count).toBe(3);
  });
});

describe("fail", () => {
  it("is what happens when nothing is said", async () => {
    expect((await failureOf(async () => openCsv(await fileOf(bytes(bad))))).code).toBe("not_utf8");
    const frame = await openCsv(await fileOf("a,b\n1,2\n"));
    expect(await frame.badRows()).toEqual({ count: 0, first: [] });
  });
});

describe("whatever is said", () => {
  it.each(["skip", "keep"] as const)(
    "a header that is not UTF-8 is refused under %s",
    async (onBadRow) => {
      const path = await fileOf(bytes("caf\xe9,b\n1,2\n"));
      const failure = await failureOf(() => openCsv(path, { onBadRow }));
      expect(failure.code).toBe("not_utf8");
      expect(failure.message).toMatch(/line 1 /);
    },
  );

  it.each(["skip", "keep"] as const)(
    "a quote never closed is refused under %s",
    async (onBadRow) => {
      const path = await fileOf('a,b\n1,2\n3,"4\n5,6\n');
      const frame = await openCsv(path, { onBadRow });
      expect((await failureOf(() => allTexts(frame))).code).toBe("csv_syntax");
    },
  );

  it("the same file read otherwise is another run's", async () => {
    const path = await fileOf("a,b\n1,2\n");
    const hashes = await Promise.all(
      [{}, { onBadRow: "skip" }, { onBadRow: "keep" }, { delimiter: ";" }].map(async (options) =>
        (await openCsv(path, options as Parameters<typeof openCsv>[1])).fingerprint(),
      ),
    );
    expect(new Set(hashes).size).toBe(4);
    expect(await (await openCsv(path, { delimiter: ",", onBadRow: "fail" })).fingerprint()).toBe(
      hashes[0],
    );
  });
});

describe("any mixture of good and bad rows", () => {
  it("gives each row its due, compressed or not, over chunks of any length", async () => {
    const good = fc.tuple(fc.string({ unit: "grapheme" }), fc.nat()).map(([text, n]) => ({
      kind: "good" as const,
      cells: [text.replaceAll(/[\r\n\0\ufeff]/g, "") || "x", String(n)],
      raw: Buffer.from(
        `"${(text.replaceAll(/[\r\n\0\ufeff]/g, "") || "x").replaceAll('"', '""')}",${n}`,
      ),
    }));
    const ragged = fc
      .constantFrom("1", "1,2,3")
      .map((it) => ({ kind: "bad" as const, raw: bytes(it) }));
    const badBytes = fc
      .constantFrom("\xff,1", "a,\xe9", "\xc3,\x28", "\xe9\xe9,1")
      .map((it) => ({ kind: "bad" as const, raw: bytes(it) }));
    const row = fc.oneof({ arbitrary: good, weight: 3 }, ragged, badBytes);
    const path = await fileOf("");
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 20 }),
        fc.constantFrom(1, 4000),
        fc.boolean(),
        async (rows, times, isCompressed) => {
          const first = { kind: "good" as const, cells: ["first", "0"], raw: bytes("first,0") };
          const all = [first, ...Array.from({ length: times }, () => rows).flat()];
          const text = Buffer.concat([
            bytes("a,b\n"),
            ...all.flatMap(({ raw }) => [raw, bytes("\n")]),
          ]);
          await writeFile(path, isCompressed ? gzipSync(text) : text);
          const skipping = await openCsv(path, { onBadRow: "skip", delimiter: "," });
          const expected = all.flatMap((it) => (it.kind === "good" ? [it.cells] : []));
          expect(await allTexts(skipping)).toEqual(expected);
          const keeping = await openCsv(path, { onBadRow: "keep", delimiter: "," });
          const badAt = all.flatMap(({ kind }, at) => (kind === "bad" ? [at] : []));
          expect(await withheldRows(keeping, 500)).toEqual(badAt);
          const { count, first: listed } = await keeping.badRows();
          expect(count).toBe(badAt.length);
          expect(listed.map(({ line }) => line)).toEqual(badAt.slice(0, 100).map((at) => at + 2));
        },
      ),
      { numRuns: 30 },
    );
  });
});
