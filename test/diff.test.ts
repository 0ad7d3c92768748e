import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { diffFiles } from "../src/diff.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "diff-"));
});

async function file(name: string, ...lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const header = "id,text,mood,mood_status,mood_error";
const before = [header, "1,x,good,ok,", '2,"a, b",good,ok,', "3,z,bad,ok,", "4,w,,failed,refused"];
const after = [header, "1,x,good,ok,", '2,"a, b",bad,ok,', "3,z,,failed,refused", "4,w,,ok,"];

describe("a comparison", () => {
  it("counts what changed into what, and writes the changed rows", async () => {
    const a = { file: await file("a.csv", ...before), column: "mood" };
    const b = { file: await file("b.csv", ...after), column: "mood" };
    const changedTo = join(folder, "changed.csv");
    const report = await diffFiles(a, b, { changedTo });
    expect(report).toMatchObject({
      rows: 4,
      changed: 2,
      agreement: 0.5,
      transitions: [
        { from: "bad", to: "", rows: 1 },
        { from: "good", to: "bad", rows: 1 },
      ],
    });
    // Chance: good 2/4 * 1/4 + bad 1/4 * 1/4 + none 1/4 * 2/4 = 5/16.
    expect(report.kappa).toBeCloseTo((0.5 - 5 / 16) / (1 - 5 / 16), 12);
    expect(await readFile(changedTo, "utf8")).toBe(
      'id,text,mood_before,mood_after\n2,"a, b",good,bad\n3,z,bad,\n',
    );
  });

  it("compares columns of different names", async () => {
    const a = { file: await file("c.csv", "id,one", "1,x", "2,y"), column: "one" };
    const b = { file: await file("d.csv", "id,two", "1,x", "2,z"), column: "two" };
    const changedTo = join(folder, "renamed.csv");
    await diffFiles(a, b, { changedTo });
    expect(await readFile(changedTo, "utf8")).toBe("id,one,two\n2,y,z\n");
  });

  it.each([
    ["another row", ["id,mood", "1,good", "9,bad"], "row 2 differs in"],
    ["fewer rows", ["id,mood", "1,good"], "ends after 1"],
  ])("refuses a file with %s, and writes nothing", async (_what, lines, problem) => {
    const a = { file: await file("e.csv", "id,mood", "1,good", "2,bad"), column: "mood" };
    const b = { file: await file("f.csv", ...lines), column: "mood" };
    const changedTo = join(folder, "never.csv");
    const failing = diffFiles(a, b, { changedTo });
    await expect(failing).rejects.toMatchObject({ code: "rows_differ" });
    await expect(failing).rejects.toThrow(problem);
    expect(existsSync(changedTo)).toBe(false);
  });

  it("refuses a column that does not exist", async () => {
    const a = { file: await file("g.csv", "id,mood", "1,good"), column: "moood" };
    await expect(diffFiles(a, a)).rejects.toMatchObject({ code: "unknown_column" });
  });
});
