import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import { joinFiles } from "../../src/files/join-files.ts";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "join-"));
}

it("puts CSV files into one, each row's bytes as they stand, and into another format", async () => {
  const at = folder();
  const texts = ['a;b\r\n1;"x\ny"\r\n2;z', "a;b\r\n3;x\r\n"];
  const paths = texts.map((text, part) => {
    const path = join(at, `${String(part)}.csv`);
    writeFileSync(path, text);
    return path;
  });
  const output = join(at, "whole.csv");
  expect(await joinFiles(paths, { output, reading: {} })).toBe(3);
  expect(readFileSync(output, "utf8")).toBe('a;b\r\n1;"x\ny"\r\n2;z\r\n3;x\r\n');
  const lines = join(at, "deep", "whole.jsonl");
  expect(await joinFiles(paths, { output: lines, reading: { format: "csv" } })).toBe(3);
  expect(readFileSync(lines, "utf8").split("\n")[1]).toBe('{"a":"2","b":"z"}');
});

it("puts Parquet files into one, row groups one after the other, and refuses other columns", async () => {
  const at = folder();
  const frames = [0, 5].map((from) =>
    pl.DataFrame({
      n: Array.from({ length: 5 }, (_, row) => from + row),
      text: Array.from({ length: 5 }, (_, row) => (row === 2 ? null : `t${String(from + row)}`)),
    }),
  );
  const paths: string[] = [];
  for (const [part, frame] of frames.entries()) {
    const path = join(at, `${String(part)}.parquet`);
    await frame.lazy().sinkParquet(path, { rowGroupSize: 2 }).collect();
    paths.push(path);
  }
  const output = join(at, "whole.parquet");
  expect(await joinFiles(paths, { output, reading: {} })).toBe(10);
  expect(pl.readParquet(output).toRecords()).toEqual(pl.concat(frames).toRecords());
  const other = join(at, "other.parquet");
  await pl
    .DataFrame({ x: [1] })
    .lazy()
    .sinkParquet(other)
    .collect();
  await expect(joinFiles([...paths, other], { output, reading: {} })).rejects.toMatchObject({
    code: "parts_differ",
  });
});
