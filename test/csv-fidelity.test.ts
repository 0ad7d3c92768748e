/** CSV files that break other readers, enriched whole: what was there comes back byte for byte. */

import { readdirSync, readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichFile } from "../src/enrich.ts";
import { openCsv } from "../src/frame/csv.ts";
import type { OpenFileOptions } from "../src/frame/opened-file.ts";
import { allTexts, failureOf, newFolder } from "./frame/support.ts";

const spectrum = dirname(createRequire(import.meta.url).resolve("csv-spectrum/package.json"));
const names = readdirSync(join(spectrum, "csvs")).filter((name) => name.endsWith(".csv"));

let emulator: Emulator;

beforeAll(async () => {
  emulator = await startEmulator({ seed: 3 });
});
afterAll(async () => {
  await emulator.close();
});

/** The bytes of a file enriched by the emulator with a column `s`, asked about its column `of`. */
async function enriched(
  content: Buffer,
  options: { readonly of: string; readonly name?: string; readonly reading?: OpenFileOptions },
): Promise<Buffer> {
  const { of, name = "in.csv", reading = {} } = options;
  const folder = await newFolder();
  const [input, output] = [join(folder, name), join(folder, `out-${name}`)];
  await writeFile(input, content);
  const settings = {
    column: "s",
    output: { labels: ["positive", "negative"] as const },
    runDir: join(folder, "runs"),
    pollEveryMs: 5,
  };
  const model = {
    provider: "openai",
    model: "m",
    baseUrl: emulator.url,
    apiKey: "test-key",
    settleMs: 1,
  } as const;
  const ask = (row: Readonly<Record<string, unknown>>) => String(row[of]);
  await enrichFile({ input, output, reading }, ask, model, settings);
  expect(await readFile(input)).toEqual(content);
  return await readFile(output);
}

/** The output without the three new cells of each row; Latin-1, in which every byte is a character. */
function oldBytes(output: Buffer, delimiter = ","): Buffer {
  const d = delimiter === "|" ? "\\|" : delimiter;
  const header = new RegExp(`${d}s${d}s_status${d}s_error(?=\r|\n)`);
  const row = new RegExp(`${d}(?:(?:positive|negative)${d}ok|${d}skipped)${d}(?=\r|\n|$)`, "g");
  const text = output.toString("latin1");
  expect(text).toMatch(header);
  return Buffer.from(text.replace(header, "").replace(row, ""), "latin1");
}

describe("csv-spectrum", () => {
  it("is there", () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
  });

  it.each(names)("%s comes back byte for byte, and means what its JSON says", async (name) => {
    const path = join(spectrum, "csvs", name);
    const content = readFileSync(path);
    const frame = await openCsv(path);
    const told = readFileSync(join(spectrum, "json", `${basename(name, ".csv")}.json`), "utf8");
    const rows = (await allTexts(frame)).map((row) =>
      Object.fromEntries(row.map((cell, at) => [frame.columns[at] ?? "", cell ?? ""])),
    );
    const meant = JSON.parse(told) as Record<string, string>[] | Record<string, string>;
    // Of one file the JSON is no list, and its telephone number is another than the CSV's.
    if (Array.isArray(meant)) expect(rows).toEqual(meant);
    else expect(rows).toEqual([{ ...meant, "Contact Phone Number": "2095257564" }]);
    const output = await enriched(content, { of: frame.columns[0] ?? "" });
    expect(output).not.toEqual(content);
    expect(oldBytes(output)).toEqual(content);
  });
});

describe("nasty files come back byte for byte", () => {
  const corpus: Record<string, [content: string, of?: string, delimiter?: string, name?: string]> =
    {
      "a byte order mark": ["\ufeffid,t\n1,a\n2,b\n"],
      CRLF: ['id,t\r\n1,a\r\n2,"b\r\nc"\r\n'],
      "CR alone": ["id,t\r1,a\r2,b\r"],
      "line ends that change": ["id,t\n1,a\r\n2,b\n3,c\r\n"],
      "a byte order mark, CRLF, semicolons and no last line end": [
        '\ufeffid;t\r\n1;"a;b"\r\n2;c,d',
        "t",
        ";",
      ],
      "tabs, under .tsv": ["id\tt\n1\ta,b\n2\t\n", "t", "\t", "in.tsv"],
      bars: ["id|t\n1|a, b; c\n2|d\n", "t", "|"],
      "line ends, doubled quotes and characters beyond the first plane in quotes": [
        'id,t\n1,"line1\nline2, ""q"" 😀"\n2,"\r\r\n\n"\n3,x\n',
      ],
      "quotes nobody needed": ['"id","t"\n"1",a\n2,"b"\n'],
      "nothing, an empty text and words for nothing": [
        'id,t,u\n1,,\n2,"",""\n3,NULL,NA\n4,null,\\N\n5,nan,None\n',
      ],
      "numbers that a number would change": [
        "zip,t\n00701,1.10\n02139,1e5\n9007199254740993,-0\n12345678901234567890,+1\n0x10,1_000\n",
      ],
      "words that a type would change": ["f,t\ntrue,2024-01-02\nFALSE,01/02/2024\nTrue,12:00\n"],
      "a column that stops being numbers late": [
        `n,t\n${Array.from({ length: 300 }, (_, at) => `${at},x\n`).join("")}abc,y\n`,
      ],
      "quotes within bare cells": ['id,t\n1,5" pipe\n2,37\'37.8"N ""\n3,"""q"""\n'],
      "blank lines": ["\n\nid,t\n1,a\n\n\n2,b\n\n"],
      "one column, with rows that are blank": ["t\na\n\nb\n\n"],
      "a column without a name, and one of spaces": ["t,, \n1,2,3\n"],
      "names like methods and prototypes": [
        "t,select,height,__proto__,constructor,toString\n1,2,3,4,5,6\n",
      ],
      "names with quotes, line ends and delimiters": ['t,"a ""b""","c\nd","e,f"\n1,2,3,4\n'],
      "names that only differ in case, spaces or composition": [
        "t,T, t,t ,e\u0301,\u00e9\n1,2,3,4,5,6\n",
      ],
      "spaces around cells": ["id,t\n 1 ,  a  \n\t2,b\t\n"],
      formulas: ['id,t\n=1+1,@SUM(A1)\n-2,+3\n"=HYPERLINK(""x"")",b\n'],
      "control, direction and separator characters": [
        "id,t\n1,a\0b\n2,\u2028\u2029\u0085\n3,\u202e\u200b\ufeff\n4,\x1b[31m\x07\n",
      ],
      "a delimiter at each end": [",t,u\n,a,\n1,b,2\n"],
      "more commas within cells than delimiters": ['id;t\n1;"a,b,c,d"\n2;"e,f,g,h"\n', "t", ";"],
      "what the new cells look like": ['id,t\n1,positive\n2,"a,s,s_status,s_error"\n'],
      "a cell larger than what is read at once": [
        `id,t\n1,"${"x,\n".repeat(100_000)}"\n2,y\n`,
        "id",
      ],
      "a thousand columns": [
        `t,${Array.from({ length: 999 }, (_, at) => `c${at}`).join(",")}\n${"v,".repeat(999)}v\n`,
      ],
    };

  it.each(Object.entries(corpus))("%s", async (_name, [text, of = "t", delimiter = ",", name]) => {
    const content = Buffer.from(text, "utf8");
    const output = await enriched(content, { of, ...(name === undefined ? {} : { name }) });
    expect(output.length).toBeGreaterThan(content.length);
    expect(oldBytes(output, delimiter).equals(content)).toBe(true);
  });
});

describe("bad rows", () => {
  const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
  const bad = bytes('\xef\xbb\xbfid,t\r\n1,"a\nb"\r\n2\r\n3,c,d\r\n4,caf\xe9\r\n5,e');

  it("are passed on byte for byte under keep, and left out under skip", async () => {
    const kept = (await enriched(bad, { of: "t", reading: { onBadRow: "keep" } })).toString(
      "latin1",
    );
    const [header, first, rest, ...others] = kept.split("\r\n");
    expect(header).toBe("\xef\xbb\xbfid,t,s,s_status,s_error");
    expect(first).toMatch(/^1,"a\nb",(positive|negative),ok,$/);
    expect(rest).toMatch(/^2,,,skipped,$/);
    expect(others[0]).toMatch(/^3,c,d,,skipped,$/);
    expect(others[1]).toMatch(/^4,caf\xe9,,skipped,$/);
    expect(others[2]).toMatch(/^5,e,(positive|negative),ok,$/);
    expect(others).toHaveLength(3);
    const skipped = await enriched(bad, { of: "t", reading: { onBadRow: "skip" } });
    expect(oldBytes(skipped)).toEqual(bytes('\xef\xbb\xbfid,t\r\n1,"a\nb"\r\n5,e'));
  });

  const refused: Record<string, [content: string, code: string, says: RegExp]> = {
    "a short row": ['id,t\n1,"a\nb"\n2\n', "ragged_row", /Line 4 /],
    "a long row": ["id,t\n1,a\n2,b,c\n", "ragged_row", /Line 3 /],
    "a byte that is not UTF-8": ["id,t\n1,a\n2,caf\xe9\n", "not_utf8", /line 3 .*0xE9/],
    "a name twice": ["id,t,t\n1,a,b\n", "duplicate_column", /"t": number 2 and number 3/],
    "a quote after a space": ['id,t\n1, "x y"\n', "csv_syntax", /line 2 /],
    "text after a closing quote": ['id,t\n1,"x"y\n', "csv_syntax", /line 2 /],
    "a quote never closed": ['id,t\n1,a\n2,"b\n', "csv_syntax", /line 3 /],
  };
  it.each(Object.entries(refused))("fail: %s", async (_name, [content, code, says]) => {
    const before = emulator.stats().rowsExecuted;
    const failure = await failureOf(() => enriched(bytes(content), { of: "t" }));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(says);
    expect(emulator.stats().rowsExecuted).toBe(before);
  });

  it.each(["keep", "skip"] as const)(
    "two columns of one name are refused under %s",
    async (onBadRow) => {
      const content = bytes("id,t,t\n1,a,b\n");
      const failure = await failureOf(() => enriched(content, { of: "t", reading: { onBadRow } }));
      expect(failure.code).toBe("duplicate_column");
    },
  );
});
