import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import { openFile } from "../../src/files/files.ts";
import { splitFile } from "../../src/files/split-file.ts";

const ANY = { reading: {}, maxBytes: Number.POSITIVE_INFINITY };

function fileWith(name: string, content: string | Buffer): string {
  const path = join(mkdtempSync(join(tmpdir(), "split-")), name);
  writeFileSync(path, content);
  return path;
}

async function piecesOf(
  path: string,
  how: { maxRows: number; maxBytes?: number; reading?: object },
): Promise<readonly { path: string; rows: number; text: string }[]> {
  const folder = mkdtempSync(join(tmpdir(), "pieces-"));
  const pieces = [];
  for await (const piece of splitFile(path, { ...ANY, ...how, folder }))
    pieces.push({ ...piece, text: readFileSync(piece.path, "utf8") });
  return pieces;
}

async function cellsOf(path: string): Promise<readonly unknown[]> {
  const file = await openFile(path);
  const rows: unknown[] = [];
  for await (const block of file.blocks(file.columns, 7)) {
    const cells = file.columns.map((name) => block.text(name));
    for (let row = 0; row < block.rowCount; row += 1) rows.push(cells.map((column) => column[row]));
  }
  return rows;
}

it("cuts CSV between records, under the file's own header, with every byte as it stands", async () => {
  const header = '\ufeff"a;b";c\r\n';
  const records = ['1;"two\r\nlines; and ""quotes"""\r\n', "2;\r\n", "\r\n3;x\r\n", "4;y\n", "5;z"];
  const pieces = await piecesOf(fileWith("a.csv", header + records.join("")), { maxRows: 2 });
  expect(pieces.map(({ rows, text }) => [rows, text])).toEqual([
    [2, header + records.slice(0, 2).join("")],
    [2, header + records.slice(2, 4).join("")],
    [1, header + records.slice(4).join("")],
  ]);
});

it("cuts CSV without a header, and with rows that are kept though they are bad", async () => {
  const bare = fileWith("b.csv", "1,2\n3,4\n5,6\n");
  const pieces = await piecesOf(bare, { maxRows: 2, reading: { header: false } });
  expect(pieces.map(({ text }) => text)).toEqual(["1,2\n3,4\n", "5,6\n"]);
  const bad = fileWith("c.csv", "a,b\n1\n2,3\n4,5,6\n");
  const kept = await piecesOf(bad, { maxRows: 1, reading: { onBadRow: "keep" } });
  expect(kept.map(({ text }) => text)).toEqual(["a,b\n1\n", "a,b\n2,3\n", "a,b\n4,5,6\n"]);
  await expect(piecesOf(bad, { maxRows: 1 })).rejects.toMatchObject({ code: "ragged_row" });
});

it("the pieces of any CSV hold its rows, one after the other", async () => {
  const cell = fc
    .stringMatching(/^[ab ,"\n\r;é]{0,6}$/)
    .map((text) => `"${text.replaceAll('"', '""')}"`);
  const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 5 }), async (table, maxRows) => {
      const path = fileWith("p.csv", `a,b\n${table.map((row) => `${row.join(",")}\n`).join("")}`);
      const pieces = await piecesOf(path, { maxRows });
      const rowsBack = [];
      for (const piece of pieces) {
        expect(piece.rows).toBeLessThanOrEqual(maxRows);
        rowsBack.push(...(await cellsOf(piece.path)));
      }
      expect(rowsBack).toEqual(await cellsOf(path));
    }),
    { numRuns: 40 },
  );
});

it("cuts JSON Lines between lines, compressed or not; blank lines make no piece", async () => {
  const lines = ['{"a":"1\\n"}\n', '\n{"a":"2"}\r\n', '{"a":"3"}\n', "\n \n"];
  const expected = [lines.slice(0, 2).join(""), lines.slice(2).join("")];
  const plain = await piecesOf(fileWith("a.jsonl", lines.join("")), { maxRows: 2 });
  expect(plain.map(({ text }) => text)).toEqual(expected);
  const zipped = await piecesOf(fileWith("b.jsonl.gz", gzipSync(lines.join(""))), { maxRows: 2 });
  expect(zipped.map(({ text }) => text)).toEqual(expected);
  expect(zipped[0]?.path).toMatch(/piece-00001\.jsonl$/);
});

it("a piece ends with the row that makes it too large", async () => {
  const path = fileWith("a.csv", `a\n${"x".repeat(100)}\n${"y".repeat(10)}\n${"z".repeat(10)}\n`);
  const pieces = await piecesOf(path, { maxRows: 10, maxBytes: 15 });
  expect(pieces.map(({ rows }) => rows)).toEqual([1, 2]);
});

it("cuts Parquet between row groups; other readers see the same values", async () => {
  const numbers = Array.from({ length: 25 }, (_, row) => row);
  const frame = pl.DataFrame({
    number: numbers,
    text: numbers.map((row) => (row % 4 === 0 ? null : `text ${String(row % 3)}`)),
    list: numbers.map((row) => [row, row + 1]),
  });
  const path = fileWith("a.parquet", "");
  await frame.lazy().sinkParquet(path, { rowGroupSize: 5 }).collect();
  const pieces = await piecesOf(path, { maxRows: 10 });
  expect(pieces.map(({ rows }) => rows)).toEqual([10, 10, 5]);
  const back = pl.concat(pieces.map((piece) => pl.readParquet(piece.path)));
  expect(back.toRecords()).toEqual(frame.toRecords());
  const cells = [];
  for (const piece of pieces) cells.push(...(await cellsOf(piece.path)));
  expect(cells).toEqual(await cellsOf(path));
});

it("says what cannot be cut", async () => {
  const path = fileWith("a.json", '[{"a":1},{"a":2}]');
  await expect(piecesOf(path, { maxRows: 1 })).rejects.toMatchObject({ code: "split_unsupported" });
});
