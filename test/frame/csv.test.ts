import { createHash } from "node:crypto";
import { appendFile, utimes, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { openCsv } from "../../src/frame/csv.ts";
import { allTexts, allValues, failureOf, fileOf, newFolder } from "./support.ts";

async function read(content: string | Buffer, name?: string) {
  const frame = await openCsv(await fileOf(content, name));
  return { columns: frame.columns, rows: await allTexts(frame) };
}

describe("openCsv reads what is written", () => {
  const corpus: Record<string, [content: string, columns: string[], rows: (string | null)[][]]> = {
    "leading zeros, dates, numbers": [
      "zip,day,n\n00701,2024-01-02,1.10\n",
      ["zip", "day", "n"],
      [["00701", "2024-01-02", "1.10"]],
    ],
    "integers beyond 64 bits": ["id\n12345678901234567890\n", ["id"], [["12345678901234567890"]]],
    "missing and empty": [
      'a,b\n,x\n"",y\n',
      ["a", "b"],
      [
        [null, "x"],
        ["", "y"],
      ],
    ],
    "words that mean missing elsewhere": ["a\nNULL\nNA\nnan\n", ["a"], [["NULL"], ["NA"], ["nan"]]],
    "delimiters, quotes and line ends in quotes": [
      'a,b\n"x,""y""","1\n2\r\n3"\n',
      ["a", "b"],
      [['x,"y"', "1\n2\r\n3"]],
    ],
    "a byte order mark": ["\ufeffid,name\n1,a\n", ["id", "name"], [["1", "a"]]],
    "a byte order mark before a quoted name": ['\ufeff"id",n\n1,a\n', ["id", "n"], [["1", "a"]]],
    CRLF: ["a,b\r\n1,2\r\n", ["a", "b"], [["1", "2"]]],
    "CR alone, as old Macs wrote": [
      "a,b\r1,2\r3,4\r",
      ["a", "b"],
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    "CRLF among LF": [
      'a,b\n1,2\r\n3,"4"\r\n5,6\n',
      ["a", "b"],
      [
        ["1", "2"],
        ["3", "4"],
        ["5", "6"],
      ],
    ],
    "quotes inside bare cells, and doubled at the edges of quoted ones": [
      'a,b\n5" pipe,"""x"""\n"a""",y"\n',
      ["a", "b"],
      [
        ['5" pipe', '"x"'],
        ['a"', 'y"'],
      ],
    ],
    "a CR inside a bare cell of an LF file": ["a,b\n1,x\ry\n", ["a", "b"], [["1", "x\ry"]]],
    "a CR inside a quoted name of an LF file": [
      '"x\ry",b\n1,p\rq\n',
      ["x\ry", "b"],
      [["1", "p\rq"]],
    ],
    "no line end at the end": ["a,b\n1,2", ["a", "b"], [["1", "2"]]],
    "blank lines between rows are no rows": [
      "a,b\n1,2\n\n\n3,4\n\n",
      ["a", "b"],
      [
        ["1", "2"],
        ["3", "4"],
      ],
    ],
    "blank lines before the header": ["\n\r\na,b\n1,2\n", ["a", "b"], [["1", "2"]]],
    "an empty line of a one-column file is a row": [
      "a\nx\n\ny\n\n",
      ["a"],
      [["x"], [null], ["y"], [null]],
    ],
    "spaces are text": ["a, b\n 1 , \n", ["a", " b"], [[" 1 ", " "]]],
    "NUL bytes": ["a,b\nx\0y,\0\n", ["a", "b"], [["x\0y", "\0"]]],
    "names with spaces, quotes, line ends and other scripts": [
      '"my ""text""",\"two\nlines\",\u540d\u524d,\ud83d\ude00\n1,2,3,4\n',
      ['my "text"', "two\nlines", "\u540d\u524d", "\ud83d\ude00"],
      [["1", "2", "3", "4"]],
    ],
    "one name that is empty": ["a,\n1,2\n", ["a", ""], [["1", "2"]]],
    "names of object members": [
      "__proto__,constructor\n1,2\n",
      ["__proto__", "constructor"],
      [["1", "2"]],
    ],
    semicolons: [
      "a;b\n1,5;2\n3,5;4\n",
      ["a", "b"],
      [
        ["1,5", "2"],
        ["3,5", "4"],
      ],
    ],
    bars: ["a|b|c\n1|2|3\n", ["a", "b", "c"], [["1", "2", "3"]]],
    tabs: ["a\tb\n1\t2\n", ["a", "b"], [["1", "2"]]],
    "a header where the wrong delimiter is more frequent": [
      "name, first, second;age\nAnn;30\nBob;31\n",
      ["name, first, second", "age"],
      [
        ["Ann", "30"],
        ["Bob", "31"],
      ],
    ],
    "delimiters inside a quoted name do not count": [
      '"a;b;c;d",e\n1,2\n',
      ["a;b;c;d", "e"],
      [["1", "2"]],
    ],
  };

  it.each(Object.entries(corpus))("%s", async (_name, [content, columns, rows]) => {
    expect(await read(content)).toEqual({ columns, rows });
  });

  it("takes TAB for a .tsv file even where commas are more frequent", async () => {
    const { columns } = await read("a,b,c\td,e\n1,2,3\t4,5\n", "x.tsv");
    expect(columns).toEqual(["a,b,c", "d,e"]);
  });

  it("takes the delimiter the caller names", async () => {
    const frame = await openCsv(await fileOf("a#b\n1#2\n"), { delimiter: "#" });
    expect(await allTexts(frame)).toEqual([["1", "2"]]);
  });

  it("reads a cell of 3 MB, and characters cut by the edge of a chunk", async () => {
    const huge = "x\u00e9\ud83d\ude00".repeat(430_000);
    expect(await read(`a,b\n1,"${huge}"\n2,z\n`)).toEqual({
      columns: ["a", "b"],
      rows: [
        ["1", huge],
        ["2", "z"],
      ],
    });
  });

  it("gives values as text, and the same rows at every reading", async () => {
    const frame = await openCsv(await fileOf("a,b\n1,x\n,y\n3,z\n"));
    expect(await allValues(frame, "a")).toEqual(["1", null, "3"]);
    expect(await allTexts(frame, { columns: ["b", "a"], maxRows: 1 })).toEqual([
      ["x", "1"],
      ["y", null],
      ["z", "3"],
    ]);
  });

  it("cuts blocks at maxRows and numbers their rows", async () => {
    const frame = await openCsv(await fileOf(`a\n${"x\n".repeat(7)}`));
    const blocks: [number, number][] = [];
    for await (const block of frame.blocks(["a"], 3)) blocks.push([block.firstRow, block.rowCount]);
    expect(blocks).toEqual([
      [0, 3],
      [3, 3],
      [6, 1],
    ]);
  });

  it("counts rows even when no column is asked for", async () => {
    const frame = await openCsv(await fileOf("a,b\n1,2\n3,4\n"));
    let rows = 0;
    for await (const block of frame.blocks([], 10)) rows += block.rowCount;
    expect(rows).toBe(2);
  });
});

describe("the fingerprint", () => {
  it("is the SHA-256 of the bytes as they are now", async () => {
    const path = await fileOf("a\n1\n");
    const frame = await openCsv(path);
    expect(await frame.fingerprint()).toBe(createHash("sha256").update("a\n1\n").digest("hex"));
    await writeFile(path, "a\n2\n");
    expect(await frame.fingerprint()).toBe(createHash("sha256").update("a\n2\n").digest("hex"));
  });
});

describe("openCsv refuses what it cannot read without loss", () => {
  const latin1 = Buffer.from('a,b\n1,2\n"x\ny",caf\xe9\n', "latin1");
  const cases: Record<string, [content: string | Buffer, code: string, says: RegExp]> = {
    "an empty file": ["", "file_empty", /0 bytes/],
    "blank lines only": ["\n\n", "file_empty", /blank lines/],
    "a byte order mark only": ["\ufeff", "file_empty", /blank lines/],
    "a header only": ["a,b\n", "no_rows", /header and no rows/],
    "a header without line end": ["a,b", "no_rows", /header and no rows/],
    "a name twice": ["a,b,a\n1,2,3\n", "duplicate_column", /"a": number 1 and number 3/],
    "a short row": ["a,b\n1\n", "ragged_row", /Line 2 .* 1 cell where the header has 2/],
    "a long row after line ends in quotes and blank lines": [
      'a,b\n"1\n1\r\n1",2\n\n\n3,4,5\n',
      "ragged_row",
      /Line 7 .* 3 cells where the header has 2/,
    ],
    "a long row of a CR file": ["a,b\r1,2\r3,4,5\r", "ragged_row", /Line 3 /],
    "Latin-1": [latin1, "not_utf8", /line 4 .*0xE9 \(byte 18 /],
    "a character cut off by the end": [
      Buffer.from("a\nx\xe2\x82", "latin1"),
      "not_utf8",
      /line 2 .*0xE2/,
    ],
    "a stray continuation byte": [Buffer.from("a\nx\x80\n", "latin1"), "not_utf8", /line 2 .*0x80/],
    "an overlong form": [Buffer.from("a\n\xc0\xaf\n", "latin1"), "not_utf8", /line 2 .*0xC0/],
    "UTF-16": [Buffer.from("\ufeffa,b\n1,2\n", "utf16le"), "not_utf8", /UTF-16/],
    "a quote never closed": ['a,b\n1,2\n3,"x\ny\n', "csv_syntax", /line 3 .* never closed/],
    "text after a closing quote": ['a,b\n1,2\n"x\ny"z,1\n', "csv_syntax", /line 3 .* quote/],
    "a quote after blanks": ['a,b\n1,2\n\n5, "x"\n', "csv_syntax", /line 4 .* quote/],
  };

  it.each(Object.entries(cases))("%s", async (_name, [content, code, says]) => {
    const path = await fileOf(content);
    const failure = await failureOf(async () => allTexts(await openCsv(path)));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(says);
    expect(failure.message).toContain(path);
    expect(failure.hint).toBeTruthy();
  });

  it.each(Object.entries(cases).filter(([, [, code]]) => /^(file|no|dup|not)_/.test(code)))(
    "and says that nothing was sent: %s",
    async (_name, [content]) => {
      const path = await fileOf(content);
      expect((await failureOf(() => openCsv(path))).message).toMatch(/ Nothing was sent\.$/);
    },
  );

  it("names iconv where another encoding is the cause", async () => {
    const utf16 = await fileOf(Buffer.from("\ufeffa\n1\n", "utf16le"));
    expect((await failureOf(() => openCsv(utf16))).hint).toContain("iconv -f UTF-16 -t UTF-8");
    const path = await fileOf(latin1);
    expect((await failureOf(() => openCsv(path))).hint).toContain("iconv");
  });

  it("a missing file, a folder, a pipe", async () => {
    const folder = await newFolder();
    expect((await failureOf(() => openCsv(join(folder, "none.csv")))).code).toBe("file_missing");
    for (const [path, what] of [
      [folder, "a directory"],
      ["/dev/null", "a device"],
    ] as const) {
      const failure = await failureOf(() => openCsv(path));
      expect(failure.code).toBe("file_unreadable");
      expect(failure.message).toContain(what);
    }
  });

  it("a fault far down, after the blocks before it have been given", async () => {
    const good = "1,2\n".repeat(50_000);
    const frame = await openCsv(await fileOf(`a,b\n${good}3\n${good}`));
    let rows = 0;
    const failure = await failureOf(async () => {
      for await (const block of frame.blocks(["a"], 1000)) rows += block.rowCount;
    });
    expect(failure).toMatchObject({ code: "ragged_row" });
    expect(failure.message).toContain("Line 50002 ");
    expect(failure.message).not.toContain("Nothing was sent");
    expect(rows).toBe(50_000);
  });

  it("a file that was written to since it was opened", async () => {
    const path = await fileOf("a\n1\n");
    const grown = await openCsv(path);
    await appendFile(path, "2\n");
    expect((await failureOf(() => allTexts(grown))).code).toBe("input_changed");
    const touched = await openCsv(path);
    await utimes(path, 1, 1);
    expect((await failureOf(() => allTexts(touched))).code).toBe("input_changed");
  });
});

/** Cells made of what breaks parsers. */
const anyCell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constant("") },
  {
    weight: 4,
    arbitrary: fc
      .array(
        fc.constantFrom(
          '"',
          ",",
          ";",
          "\t",
          "|",
          "\n",
          "\r",
          "\r\n",
          " ",
          "a",
          "é",
          "😀",
          "\0",
          "=",
        ),
      )
      .map((parts) => parts.join("")),
  },
  { weight: 2, arbitrary: fc.string({ unit: "grapheme" }) },
);

function written(cell: string | null, options: { delimiter: string; quoteAll: boolean }): string {
  if (cell === null) return "";
  const mustQuote = cell === "" || /["\r\n]/.test(cell) || cell.includes(options.delimiter);
  return options.quoteAll || mustQuote ? `"${cell.replaceAll('"', '""')}"` : cell;
}

describe("any table", () => {
  const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
    fc.record({
      rows: fc.array(fc.array(anyCell, { minLength: width, maxLength: width }), {
        minLength: 1,
        maxLength: 8,
      }),
      delimiter: fc.constantFrom(",", ";", "\t", "|"),
      terminator: fc.constantFrom("\n", "\r\n", "\r"),
      quoteAll: fc.boolean(),
      bom: fc.boolean(),
      endsWithTerminator: fc.boolean(),
      maxRows: fc.integer({ min: 1, max: 5 }),
    }),
  );

  it("is read back as it was written", async () => {
    const path = await fileOf("");
    await fc.assert(
      fc.asyncProperty(table, async ({ rows, ...style }) => {
        const width = rows[0]?.length ?? 0;
        const names = Array.from({ length: width }, (_, at) => `c${at}`);
        const lines = [names, ...rows].map((row) =>
          row.map((cell) => written(cell, style)).join(style.delimiter),
        );
        const text = lines.join(style.terminator);
        // Without an ending, a last line that is empty would not be there at all.
        const ends = style.endsWithTerminator || lines.at(-1) === "";
        await writeFile(path, `${style.bom ? "\ufeff" : ""}${text}${ends ? style.terminator : ""}`);
        const frame = await openCsv(path, { delimiter: style.delimiter });
        expect(frame.columns).toEqual(names);
        expect(await allTexts(frame, style)).toEqual(rows);
      }),
      { numRuns: 500 },
    );
  });
});

const banking = join(import.meta.dirname, "../../../shared/data/banking77-train.csv");

const isHere = existsSync(banking);

describe.runIf(isHere)(
  `banking77, a public data set${isHere ? "" : " (not on this machine)"}`,
  () => {
    it("has the cells that polars reads", async () => {
      const frame = await openCsv(banking);
      const df = pl.readCSV(banking, { inferSchemaLength: 0 });
      const texts = await allTexts(frame);
      expect(texts.length).toBe(10_003);
      expect(texts.map(([text]) => text)).toEqual(df.getColumn("text").toArray());
      expect(texts.map(([, category]) => category)).toEqual(df.getColumn("category").toArray());
    });
  },
);

describe("a file without a header", () => {
  const content = "a,1\r\nb,2";

  it("has a row for each line, and columns with numbers", async () => {
    const frame = await openCsv(await fileOf(content), { header: false });
    expect(frame.columns).toEqual(["column_1", "column_2"]);
    expect(await allTexts(frame)).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
  });

  it("is another input than the same file with one", async () => {
    const path = await fileOf(content);
    const [bare, headed] = [await openCsv(path, { header: false }), await openCsv(path)];
    expect(await bare.fingerprint()).not.toBe(await headed.fingerprint());
  });

  it("may hold one row only, and cells that are alike", async () => {
    const frame = await openCsv(await fileOf("x,x\n"), { header: false });
    expect(await allTexts(frame)).toEqual([["x", "x"]]);
  });
});
