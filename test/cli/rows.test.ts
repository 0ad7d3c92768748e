import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";
import { cli, folder, runsIn } from "./support.ts";

const FREE = ["classify", "in.csv", "--text", "review", "--labels", "positive,negative"];
const TEXTS = ["Wonderful", "Terrible", "Great", "Awful", "Lovely", "Bad"];
const ROWS = `id,review,lang\n${TEXTS.map((text, at) => `${String(at + 1)},${text} thing,${at % 2 === 0 ? "en" : "de"}`).join("\n")}\n`;

describe("--where", () => {
  it("asks the rows that meet it, and accounts for all", async () => {
    const cwd = folder({ "in.csv": ROWS });
    const words = [...FREE, "-c", "mood", "--where", "lang = 'en' and id > 1"];
    const ended = await cli(cwd, words);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("2 requests = 6 rows − 4 left out by the condition");
    expect(ended.stderr).toContain("6 rows = 2 ok + 4 skipped (left out by the condition)");
    // Of the rows those are shown that were asked.
    expect(ended.stderr).toMatch(
      /\n +3 +Great thing +positive\n +5 +Lovely thing +\w+\n +… and 4 more\n/,
    );
    const written = readFileSync(join(cwd, "in.enriched.csv"), "utf8").trimEnd().split("\n");
    expect(written.slice(1, 4)).toEqual([
      "1,Wonderful thing,en,,skipped,",
      "2,Terrible thing,de,,skipped,",
      "3,Great thing,en,positive,ok,",
    ]);
    expect(written).toHaveLength(7);
    const again = await cli(cwd, [...words, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ skippedBy: { where: 4 } });
    expect(runsIn(cwd)).toHaveLength(1);
    // Another condition is another run; a run is gone on with by its name under its own.
    await cli(cwd, [...words.slice(0, -1), "lang = 'de'"]);
    expect(runsIn(cwd)).toHaveLength(2);
    const resumed = await cli(cwd, ["resume", runsIn(cwd)[0] ?? "", "--json"]);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ rows: { total: 6 } });
    expect(resumed.code).toBe(0);
  });

  it("asks as many of them as --limit says", async () => {
    const cwd = folder({ "in.csv": ROWS });
    const ended = await cli(cwd, [...FREE, "--where", "lang = 'de'", "-n", "2", "--json"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      rows: { total: 6, ok: 2, skipped: 4, failed: 0 },
      skippedBy: { where: 3, limit: 1 },
    });
    const resumed = await cli(cwd, ["resume", "latest", "--json"]);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ skippedBy: { where: 3, limit: 1 } });
  });

  it.each([
    ["lagn = 'en'", "lang"],
    ["lang = en", "at character 8"],
    ["lang = 'fr'", "6 do not meet the condition"],
  ])("refuses %s before anything is sent", async (where, said) => {
    const cwd = folder({ "in.csv": ROWS });
    const ended = await cli(cwd, [...FREE, "--where", where]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(said);
    expect(ended.stderr).toContain("Nothing was sent.");
    expect(runsIn(cwd)).toHaveLength(0);
  });

  it("holds for the prompt that is shown, previews and votes", async () => {
    const cwd = folder({ "in.csv": ROWS });
    const where = ["--where", "id >= 5"];
    const shown = await cli(cwd, [...FREE, ...where, "--print-prompt"]);
    expect(shown.stderr).toContain("The prompt of row 5.");
    const left = await cli(cwd, [...FREE, ...where, "--print-prompt", "2"]);
    expect(left).toMatchObject({ code: 2 });
    const tried = await cli(cwd, [...FREE, ...where, "--preview", "4", "--json"]);
    expect(JSON.parse(tried.stdout)).toMatchObject({ status: "previewed", rows: [5, 6] });
    const voted = await cli(cwd, [...FREE, ...where, "--votes", "3", "--json"]);
    expect(JSON.parse(voted.stdout)).toMatchObject({ rows: { total: 6, ok: 2, skipped: 4 } });
  });
});

describe("--sample", { timeout: 240_000 }, () => {
  const CSV = `id,review,team\n${Array.from({ length: 40 }, (_, at) => `${String(at + 1)},Wonderful thing ${String(at)},${at < 36 ? "many" : "few"}`).join("\n")}\n`;

  it("asks so many rows, says the seed, and accounts for all", async () => {
    const cwd = folder({ "in.csv": CSV });
    const words = [...FREE, "-c", "mood", "--sample", "10", "--sample-by", "team"];
    const ended = await cli(cwd, words);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('10 rows drawn by "team", seed 0');
    expect(ended.stderr).toContain("10 requests = 40 rows − 30 not in the sample");
    expect(ended.stderr).toContain("40 rows = 10 ok + 30 skipped (not in the sample)");
    const written = readFileSync(join(cwd, "in.enriched.csv"), "utf8").trimEnd().split("\n");
    expect(written).toHaveLength(41);
    const asked = written.filter((line) => line.endsWith(",ok,"));
    expect(asked.filter((line) => line.includes(",few,"))).toHaveLength(1);
    expect(written.filter((line) => line.endsWith(",,skipped,"))).toHaveLength(30);
    // Said in what programs read as well, and gone on with by name.
    const resumed = JSON.parse((await cli(cwd, ["resume", "latest", "--json"])).stdout) as object;
    expect(resumed).toMatchObject({
      skippedBy: { sample: 30 },
      sample: { rows: 10, by: "team", seed: 0 },
    });
    const planned = await cli(cwd, [...words, "--sample-seed", "3", "--dry-run", "--json"]);
    expect(JSON.parse(planned.stdout)).toMatchObject({ skipped: { sample: 30 } });
    expect(runsIn(cwd)).toHaveLength(1);
    // Another seed is another run, over other rows.
    const other = await cli(cwd, [...words, "--sample-seed", "3", "--json"]);
    expect(JSON.parse(other.stdout)).toMatchObject({ sample: { seed: 3 } });
    expect(runsIn(cwd)).toHaveLength(2);
  });

  it("draws of the rows that meet --where, also for the prompt that is shown and a preview", async () => {
    const cwd = folder({ "in.csv": CSV });
    const few = ["--where", "team = 'few'", "--sample", "2"];
    const ended = await cli(cwd, [...FREE, ...few, "-c", "mood", "--json"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      rows: { total: 40, ok: 2, skipped: 38 },
      skippedBy: { where: 36, sample: 2 },
    });
    const written = readFileSync(join(cwd, "in.enriched.csv"), "utf8").trimEnd().split("\n");
    const rows = written.flatMap((line, row) => (line.endsWith(",ok,") ? [row] : []));
    const shown = await cli(cwd, [...FREE, ...few, "--print-prompt"]);
    expect(shown.stderr).toContain(`The prompt of row ${String(rows[0])}.`);
    const tried = await cli(cwd, [...FREE, ...few, "--preview", "9", "--json"]);
    expect(JSON.parse(tried.stdout)).toMatchObject({ status: "previewed", rows });
  });

  it("takes the rows of a pipe", async () => {
    const cwd = folder();
    const command = join(import.meta.dirname, "../../bin/batchframe.js");
    const words = [command, ...FREE.with(1, "-"), "--sample", "10", "-o", "out.csv"];
    const run = spawned(process.execPath, words, { cwd, stdin: CSV });
    expect(await run.ended).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "out.csv"), "utf8").match(/,ok,/g)).toHaveLength(10);
  });

  it.each([
    [["--sample", "10", "--limit", "5"], "cannot be used with option"],
    [["--sample", "0"], "--sample"],
    [["--sample", "5", "--sample-by", "teem"], 'Did you mean "team"?'],
    [["--sample-by", "team"], "says nothing without '--sample' or '--preview'"],
  ])("refuses %j before anything is sent", async (words, said) => {
    const cwd = folder({ "in.csv": CSV });
    const ended = await cli(cwd, [...FREE, ...words]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(said);
    expect(runsIn(cwd)).toHaveLength(0);
  });
});
