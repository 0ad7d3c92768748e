import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { headOfFile } from "../../src/files/file-head.ts";

function file(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "preview-")), "in.csv");
  writeFileSync(path, content);
  return path;
}

describe("headOfFile", () => {
  it("gives the first rows as text, and no more than asked for", async () => {
    const path = file('zip,note\n007,"a\nb"\n,""\n9,last\n');
    expect(await headOfFile(path, 2)).toEqual({
      columns: ["zip", "note"],
      rows: [
        ["007", "a\nb"],
        [null, ""],
      ],
    });
  });

  it("gives all rows of a shorter file", async () => {
    expect((await headOfFile(file("a\n1\n2\n"), 5)).rows).toEqual([["1"], ["2"]]);
  });

  it("refuses what is no CSV file", async () => {
    await expect(headOfFile(file(""), 5)).rejects.toMatchObject({ code: "file_empty" });
  });
});
