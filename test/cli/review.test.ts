import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt } from "./support.ts";

const GOOD = ["Splendid, I love it.", "Wonderful and reliable.", "=1+1 great value, a joy."];
const BAD = ["Terrible, it broke.", "Awful, a waste\nof money.", "Horrible. Nobody helps."];
const REVIEWS = csv([["id", "review"], ...[...GOOD, ...BAD].map((text, at) => [`0${at}`, text])]);
const CLASSIFY = ["classify", "in.csv", "--text", "review", "--labels", "positive,negative"];

const texts = ({ cwd, file }: { readonly cwd: string; readonly file: string }): string =>
  readFileSync(join(cwd, file), "utf8");

function csv(rows: readonly (readonly string[])[], delimiter = ","): string {
  const cell = (text: string): string =>
    /[",;\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => `${row.map(cell).join(delimiter)}\n`).join("");
}

/** The rows of a review, header first; the emptiest reader that knows quotes. */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, bare = "", end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/g,
  )) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === "\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

async function reviewed(): Promise<string> {
  const cwd = folder({ "in.csv": REVIEWS });
  await cli(cwd, [...CLASSIFY, "-c", "mood", "--name", "r", "-o", "out.csv"]);
  return cwd;
}

/** Fills in what `answers` says for each row number, as a spreadsheet in a land of commas saves it. */
function filled(sheet: string, answers: Readonly<Record<string, string>>): string {
  const [header = [], ...rows] = cellsOf(sheet);
  const moved = (row: readonly string[]): string[] => [row.at(-1) ?? "", ...row.slice(0, -1)];
  const given = rows.map((row) => [...row.slice(0, -1), answers[row[0] ?? ""] ?? ""]);
  return `\uFEFF${csv([header, ...given.toReversed()].map(moved), ";")}`;
}

describe("review export", () => {
  it("writes answers of every kind, the least sure first, for spreadsheets, and the same ones again", async () => {
    const cwd = await reviewed();
    const all = await cli(cwd, ["review", "export", "r", "--json"]);
    expect(all.code).toBe(0);
    expect(JSON.parse(all.stdout)).toMatchObject({
      ...{ rows: 6, failed: 0, output: "r.review.csv", fill: "correct_mood" },
    });
    const [header, ...rows] = cellsOf(texts({ cwd, file: "r.review.csv" }));
    expect(header?.join()).toBe(
      "row,request,review,mood,mood_status,mood_error,mood_confidence,correct_mood",
    );
    expect(rows.map(([row]) => row)).toEqual(["1", "2", "3", "4", "5", "6"]);
    expect(rows[2]?.[2]).toBe(`'${GOOD[2] ?? ""}`);
    expect(rows.every((row) => row.at(-1) === "")).toBe(true);

    await cli(cwd, ["review", "export", "r", "-n", "2", "-o", "two.csv"]);
    const two = cellsOf(texts({ cwd, file: "two.csv" })).slice(1);
    const leastSure = (mood: string): string | undefined =>
      rows
        .filter((row) => row[3] === mood)
        .toSorted((a, b) => Number(a[6]) - Number(b[6]))[0]
        ?.at(0);
    expect(new Set(two.map(([row]) => row))).toEqual(
      new Set([leastSure("positive"), leastSure("negative")]),
    );
    await cli(cwd, ["review", "export", "r", "-n", "2", "-o", "again.csv"]);
    expect(texts({ cwd, file: "again.csv" })).toBe(texts({ cwd, file: "two.csv" }));
    const over = await cli(cwd, ["review", "export", "r", "-o", "two.csv"]);
    expect(over.code).toBe(2);
    expect(over.stderr).toContain("two.csv is there already");
  });
});

describe("review import", () => {
  it("stands before the model's answer, in later runs over a grown file too, and tells the agreement", async () => {
    const cwd = await reviewed();
    await cli(cwd, ["review", "export", "r"]);
    const sheet = texts({ cwd, file: "r.review.csv" });
    const moods: Readonly<Record<string, string>> = Object.fromEntries(
      cellsOf(sheet).map((row): [string, string] => [row[0] ?? "", row[3] ?? ""]),
    );
    const other = moods["5"] === "negative" ? "positive" : "negative";
    const back = filled(sheet, { "1": moods["1"] ?? "", "4": moods["4"] ?? "", "5": ` ${other} ` });
    writeFileSync(join(cwd, "back.csv"), back);
    const done = await cli(cwd, ["review", "import", "back.csv", "--json"]);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      blank: 3,
      scores: { n: 3, correct: 2 },
      receipt: { corrected: 1, rows: { ok: 6 }, output: join(cwd, "out.csv") },
    });
    const out = cellsOf(texts({ cwd, file: "out.csv" }));
    expect(out.slice(1).map((row) => row[2])).toEqual(
      ["1", "2", "3", "4", "5", "6"].map((row) => (row === "5" ? other : moods[row])),
    );
    expect((await cli(cwd, ["show", "r", "--row", "5"])).stderr).toContain("corrected by a person");

    const grown = `${REVIEWS}06,A fine thing indeed.\n`;
    writeFileSync(join(cwd, "in.csv"), grown);
    const later = await cli(cwd, [...CLASSIFY, "-c", "mood", "-o", "later.csv", "--json"]);
    expect(JSON.parse(later.stdout)).toMatchObject({ corrected: 1, rows: { total: 7 } });
    expect(cellsOf(texts({ cwd, file: "later.csv" }))[5]?.[2]).toBe(other);

    const left = await cli(cwd, ["review", "export", "latest", "-o", "left.csv", "--json"]);
    expect(JSON.parse(left.stdout)).toMatchObject({ rows: 4, reviewed: 3 });
  });

  it("refuses an unknown label with its line, and rows of another run, and changes nothing", async () => {
    const cwd = await reviewed();
    await cli(cwd, ["review", "export", "r"]);
    const sheet = texts({ cwd, file: "r.review.csv" });
    const before = texts({ cwd, file: "out.csv" });
    const refused = async (text: string): Promise<string> => {
      writeFileSync(join(cwd, "back.csv"), text);
      const { code, stderr } = await cli(cwd, ["review", "import", "r", "back.csv"]);
      expect(code).toBe(2);
      expect(stderr).toContain("Nothing was changed.");
      return stderr;
    };
    // The sheet is turned round, and row 5 has a line break in a cell: row 4 begins on line 5.
    const label = await refused(filled(sheet, { "4": "negativ", "6": "positive" }));
    expect(label).toContain('Line 5 of back.csv: "negativ"');
    expect(label).toContain('Did you mean "negative"');
    const foreign = filled(sheet, { "4": "negative" }).replaceAll(
      /r[0-9a-f]{12}/g,
      "r000000000000",
    );
    expect(await refused(foreign)).toContain("is not a row that run r has asked");
    expect(await refused(sheet)).toContain("No row of back.csv has anything");
    expect(await refused("row,mood\n1,positive\n")).toContain('no column named "request"');
    expect(texts({ cwd, file: "out.csv" })).toBe(before);
    const again = await cli(cwd, ["export", "r", "-o", "again.csv", "--json"]);
    expect(JSON.parse(again.stdout)).not.toHaveProperty("corrected");
  });

  let emulator: Emulator | null = null;
  afterEach(async () => {
    await emulator?.close();
    emulator = null;
  });

  it("answers failed rows, which retry then does not buy again", async () => {
    const standing = await emulated({ answer: table(() => '{"label":"odd"}') });
    emulator = standing;
    const cwd = folder({ "in.csv": csv([["review"], ["one"], ["two"]]) });
    const batchframe = (...words: string[]) => cli(cwd, words, pointedAt(standing));
    const how = ["-m", "openai/x", "--yes", "--poll", "20ms", "--settle", "200ms"];
    await batchframe(...CLASSIFY, ...how, "--name", "r", "-o", "out.csv", "--retries", "0");
    const sheet = await batchframe("review", "export", "r", "--json");
    expect(JSON.parse(sheet.stdout)).toMatchObject({ rows: 2, failed: 2 });
    expect((await batchframe("failures", "r")).stderr).toContain("2 rows failed: 2 ");
    const text = filled(texts({ cwd, file: "r.review.csv" }), { "1": "positive", "2": "negative" });
    writeFileSync(join(cwd, "back.csv"), text);
    const calls = standing.requests().length;
    const done = await batchframe("review", "import", "r", "back.csv", "--json");
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({
      ...{ scores: { n: 2, correct: 0, unanswered: 2 } },
      receipt: { corrected: 2, rows: { ok: 2, failed: 0 } },
    });
    const left = await batchframe("failures", "r");
    expect([left.code, left.stdout]).toEqual([0, ""]);
    expect(left.stderr).toContain("No row of run r has failed.");
    expect(left.stderr).toContain("2 rows that had failed were given their answers by a review.");
    const retried = await batchframe("retry", "r", "--yes");
    expect(retried.code).toBe(0);
    expect(standing.requests()).toHaveLength(calls);
  });
});
