import { describe, expect, it } from "vitest";
import { namedFormat, sniffedFormat } from "../../src/frame/format.ts";
import { failureOf } from "./support.ts";

describe("namedFormat", () => {
  it.each([
    ["a.csv", "csv", null, ".csv"],
    ["dir.csv/a.TSV", "tsv", null, ".TSV"],
    ["a.tab.gz", "tsv", "gzip", ".tab.gz"],
    ["x/a.b.ndjson.zst", "jsonl", "zstd", ".ndjson.zst"],
    ["a.json", "json", null, ".json"],
    ["a.pq", "parquet", null, ".pq"],
    ["a.parquet.gz", "parquet", "gzip", ".parquet.gz"],
    ["a.feather", "arrow", null, ".feather"],
    ["a.xlsx", null, null, ".xlsx"],
    ["a.gz", null, "gzip", ".gz"],
    ["a", null, null, ""],
    [".csv", null, null, ""],
    ["dir.csv/a", null, null, ""],
    ["a.constructor", null, null, ".constructor"],
    ["-", null, null, ""],
  ])("of %s", (path, format, compression, ending) => {
    expect(namedFormat(path)).toEqual({ format, compression, ending });
  });
});

describe("sniffedFormat", () => {
  it.each([
    ["PAR1\u0015", "parquet"],
    ["ARROW1\0\0", "arrow"],
    ["\ufeff\r\n {", "jsonl"],
    [" [\n", "json"],
    ["a,b\n1,2", "csv"],
    ["one column", "csv"],
    ["", "csv"],
  ])("of %j is %s", (head, format) => {
    expect(sniffedFormat(Buffer.from(head), "x")).toBe(format);
  });

  it("tells an Arrow stream, and leaves UTF-16 to who explains it", () => {
    expect(sniffedFormat(Buffer.from("ffffffff18000000", "hex"), "x")).toBe("arrow");
    expect(sniffedFormat(Buffer.from("\ufeffa,b", "utf16le"), "x")).toBe("csv");
  });

  it("names what can be read where it is none of it", async () => {
    const workbook = await failureOf(() =>
      sniffedFormat(Buffer.from("PK\u0003\u0004\0"), "a.xlsx"),
    );
    expect(workbook.code).toBe("file_format");
    expect(workbook.message).toMatch(/a\.xlsx is a ZIP archive, as Excel workbooks are/);
    const binary = await failureOf(() => sniffedFormat(Buffer.from([1, 0, 2]), "a.bin"));
    expect(binary.hint).toMatch(/\.csv .*\.jsonl.*\.parquet/);
  });
});
