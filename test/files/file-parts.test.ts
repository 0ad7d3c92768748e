import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { filesAt } from "../../src/files/file-parts.ts";
import { failureOf, newFolder } from "../frame/support.ts";

let folder: string;

beforeEach(async () => {
  folder = await newFolder();
  for (const name of ["b.csv", "a.csv", "B.csv", "c.json", ".hidden.csv", "_SUCCESS"])
    writeFileSync(join(folder, name), "a\n1\n");
});

const namesAt = async (...parts: string[]): Promise<string[]> =>
  (await filesAt(join(folder, ...parts))).map((path) => basename(path));

describe("filesAt", () => {
  it("gives a directory's files by name, without those that are marked as no data", async () => {
    expect(await namesAt()).toEqual(["B.csv", "a.csv", "b.csv", "c.json"]);
    expect(await filesAt(folder)).toContain(join(folder, "a.csv"));
  });

  it("gives what fits a pattern, in any folder where it says so", async () => {
    mkdirSync(join(folder, "A", "y"), { recursive: true });
    writeFileSync(join(folder, "A", "y", "0.csv"), "a\n1\n");
    expect(await namesAt("*.csv")).toEqual(["B.csv", "a.csv", "b.csv"]);
    expect(await namesAt("[ab].csv")).toEqual(["a.csv", "b.csv"]);
    expect(await namesAt("**", "*.csv")).toEqual(["0.csv", "B.csv", "a.csv", "b.csv"]);
  });

  it("takes a path that exists as it is, whatever its characters, and one that does not", async () => {
    writeFileSync(join(folder, "a[1]*.csv"), "a\n1\n");
    expect(await namesAt("a[1]*.csv")).toEqual(["a[1]*.csv"]);
    expect(await namesAt("missing.csv")).toEqual(["missing.csv"]);
  });

  it("refuses a pattern that nothing fits, and folders among files or nothing at all", async () => {
    expect((await failureOf(() => namesAt("*.tsv"))).code).toBe("file_missing");
    mkdirSync(join(folder, "inner"));
    const failure = await failureOf(() => namesAt());
    expect(failure.code).toBe("parts_differ");
    expect(failure.message).toContain("inner");
    expect((await failureOf(() => namesAt("inner"))).code).toBe("file_missing");
  });
});
