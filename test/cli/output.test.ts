/** Where rows go, which columns go along, and what a spreadsheet would run of them. */

import { chmodSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { table } from "../../src/emulator/emulator.ts";
import type { Ended } from "../setup/spawned.ts";
import { emulated, folder, pointedAt, REVIEWS, startPiped } from "./support.ts";

const cli = async (...given: Parameters<typeof startPiped>): Promise<Ended> =>
  await startPiped(...given).ended;

const FREE = ["classify", "in.csv", "--text", "review", "--labels", "positive,negative", "-c", "s"];

const read = (cwd: string, name: string): string => readFileSync(join(cwd, name), "utf8");

describe("without -o", () => {
  it("rows go to a pipe, in order and nothing else with them", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const ended = await cli(cwd, FREE);
    expect(ended.code).toBe(0);
    expect(ended.stdout.split("\n").slice(0, 2)).toEqual([
      "id,review,zip,s,s_status,s_error",
      "1,I love it. Wonderful and reliable.,02139,positive,ok,",
    ]);
    expect(ended.stdout.split("\n")).toHaveLength(7);
    expect(ended.stderr).toContain("wrote     standard output\n");
    expect(readdirSync(cwd)).toEqual([".batchframe", "in.csv"]);
  });

  it("they go beside the input where the pipe is for --json", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const ended = await cli(cwd, [...FREE, "--json", "-q"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ rows: { ok: 4 } });
    expect(read(cwd, "in.enriched.csv")).toContain("zip,s,s_status");
  });
});

describe("--no-headers", () => {
  const bare = REVIEWS.slice(REVIEWS.indexOf("\n") + 1);
  const words = FREE.map((word) => (word === "review" ? "column_2" : word));

  it("asks about the first line as well, and writes no header", async () => {
    const cwd = folder({ "in.csv": bare });
    const ended = await cli(cwd, [...words, "--no-headers", "-o", "out.csv"]);
    expect(ended).toMatchObject({ code: 0 });
    expect(read(cwd, "out.csv").split("\n")[0]).toBe(
      "1,I love it. Wonderful and reliable.,02139,positive,ok,",
    );
    expect(ended.stderr).toContain("5 rows = 4 ok");
    expect(ended.stderr).toMatch(/^ +1 +1 +I love it/m);
    const again = await cli(cwd, ["resume", "latest"]);
    expect(again.stderr).toMatch(/^ +1 +1 +I love it/m);
    const shown = await cli(cwd, ["show", "latest", "--row", "column_1=1"]);
    expect(shown.stderr).toContain("Wonderful");
  });

  it("writes none where rows are written anew either, and names columns where that must be", async () => {
    const cwd = folder({ "in.csv": bare });
    await cli(cwd, [...words, "--no-headers", "--only-new", "-o", "out.tsv"]);
    expect(read(cwd, "out.tsv").split("\n")[0]).toBe("positive\tok\t");
    await cli(cwd, [...words, "--no-headers", "-o", "out.jsonl"]);
    expect(read(cwd, "out.jsonl")).toContain('{"column_1":"1","column_2":"I love it.');
  });

  it("is refused for a format that has no header", async () => {
    const cwd = folder({ "in.jsonl": '{"review":"x"}\n' });
    const jsonl = FREE.map((word) => (word === "in.csv" ? "in.jsonl" : word));
    const ended = await cli(cwd, [...jsonl, "--no-headers"]);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.stderr).toContain("no header to do without");
  });
});

describe("--in-place", () => {
  it("puts the whole output in the input's place, with its permissions", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    chmodSync(join(cwd, "in.csv"), 0o640);
    expect(await cli(cwd, [...FREE, "--in-place"])).toMatchObject({ code: 0, stdout: "" });
    expect(read(cwd, "in.csv")).toContain("id,review,zip,s,s_status,s_error\n1,I love it.");
    expect(statSync(join(cwd, "in.csv")).mode & 0o777).toBe(0o640);
    expect(readdirSync(cwd)).toEqual([".batchframe", "in.csv"]);
  });

  it("can be planned, which changes nothing", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const ended = await cli(cwd, [...FREE, "--in-place", "--dry-run"]);
    expect(ended.stderr).toContain("Nothing was sent, and nothing is kept of this plan.");
    expect([ended.code, read(cwd, "in.csv")]).toEqual([0, REVIEWS]);
  });

  it.each([
    ["two places", ["classify", "in.csv", "-o", "out.csv"], "two places"],
    ["a pattern", ["classify", "*.csv"], "cannot be put in the place of"],
  ])("refuses %s, and the input stays", async (_, [verb = "", file = "", ...more], told) => {
    const cwd = folder({ "in.csv": REVIEWS, "more.csv": REVIEWS });
    const ended = await cli(cwd, [verb, file, ...FREE.slice(2), ...more, "--in-place"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(told);
    expect(read(cwd, "in.csv")).toBe(REVIEWS);
  });
});

describe("--overwrite", () => {
  it("puts the new columns in the place of old ones, which are refused without it", async () => {
    const old = REVIEWS.replace("zip", "s").replace("02139", "'=old");
    const cwd = folder({ "in.csv": old });
    const refused = await cli(cwd, FREE);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toContain('in.csv already has a column named "s". Nothing was sent.');
    expect(refused.stderr).toContain("--overwrite");
    const ended = await cli(cwd, [...FREE, "--overwrite", "--in-place"]);
    expect(ended).toMatchObject({ code: 0 });
    const [names, first] = read(cwd, "in.csv").split("\n");
    expect(names).toBe("id,review,s,s_status,s_error");
    expect(first).toBe("1,I love it. Wonderful and reliable.,positive,ok,");
    const again = await cli(cwd, [...FREE, "--overwrite", "-o", "again.csv"]);
    expect(again).toMatchObject({ code: 0 });
    expect(read(cwd, "again.csv")).toBe(read(cwd, "in.csv").replaceAll(",ok,", ",cached,"));
  });

  it("can be planned", async () => {
    const cwd = folder({ "in.csv": REVIEWS.replace("zip", "s") });
    const words = ["-p", "{{ review }}", "--labels", "positive,negative", "-c", "s"];
    const ended = await cli(cwd, ["plan", "in.csv", ...words, "--overwrite"]);
    expect(ended.stderr).toContain("The new columns replace s of in.csv.");
    expect(ended.stderr).toContain("Nothing was sent, and nothing is kept of this plan.");
    expect(ended.code).toBe(0);
  });
});

describe("--skip-existing", () => {
  it("asks only rows without an answer, says so, and changes nothing the second time", async () => {
    const cwd = folder({ "in.csv": "review,s\nI love it,\nAwful,mine\n" });
    const words = [...FREE, "--skip-existing", "--in-place"];
    const first = await cli(cwd, words);
    expect(first.stderr).toContain("1 request = 2 rows − 1 answered already");
    expect(first.stderr).toContain("2 rows = 1 ok + 1 skipped (answered already) + 0 failed");
    const made = "review,s,s_status,s_error\nI love it,positive,ok,\nAwful,mine,skipped,\n";
    expect([first.code, read(cwd, "in.csv")]).toEqual([0, made]);
    const second = await cli(cwd, [...words, "--json"]);
    expect(JSON.parse(second.stdout)).toMatchObject({
      rows: { skipped: 2 },
      costUsd: 0,
    });
    expect([second.code, read(cwd, "in.csv")]).toEqual([0, made]);
  });

  it("is refused beside --overwrite", async () => {
    const ended = await cli(folder({ "in.csv": REVIEWS }), [
      ...FREE,
      "--skip-existing",
      "--overwrite",
    ]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("cannot be used with");
  });
});

describe("--only-new", () => {
  it("writes the new columns, and those old ones that are named", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    const named = await cli(cwd, [...FREE, "--only-new", "zip,id"]);
    expect(named.stdout.split("\n").slice(0, 2)).toEqual([
      "zip,id,s,s_status,s_error",
      "02139,1,positive,ok,",
    ]);
    const none = await cli(cwd, [...FREE, "--only-new"]);
    expect(none.stdout.split("\n").slice(0, 2)).toEqual(["s,s_status,s_error", "positive,ok,"]);
    expect(none.stdout.split("\n")).toHaveLength(7);
  });

  it("refuses a column that there is not, with near misses", async () => {
    const ended = await cli(folder({ "in.csv": REVIEWS }), [...FREE, "--only-new", "zpi"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain('no column "zpi" to write. Nothing was sent.');
    expect(ended.stderr).toContain('Did you mean "zip"?');
  });
});

describe("formulas", () => {
  const CELLS = "id;note\n1;=HYPERLINK(A1)\n2;+1 555 0100\n3;-5\n4;plain\n";
  const SAID = ['=cmd|" /C calc"!A0', "@SUM(A1)", "-12.5", "fine"];

  async function run(more: readonly string[]): Promise<Ended & { readonly cwd: string }> {
    const emulator = await emulated({ answer: table((id) => SAID[Number(id) - 1] ?? "") });
    const cwd = folder({ "in.csv": CELLS });
    const words = ["run", "in.csv", "-p", "{{ id }}", "-m", "openai/x", "--yes", "--poll", "20ms"];
    const ended = await cli(cwd, [...words, "-c", "a", ...more], pointedAt(emulator));
    await emulator.close();
    expect(ended.code).toBe(0);
    return { ...ended, cwd };
  }

  it("that a model wrote are made harmless, and the input's own are named and untouched", async () => {
    const { stdout, stderr } = await run([]);
    expect(stdout.split("\n").slice(1, 5)).toEqual([
      `1;=HYPERLINK(A1);"'=cmd|"" /C calc""!A0";ok;`,
      "2;+1 555 0100;'@SUM(A1);ok;",
      "3;-5;-12.5;ok;",
      "4;plain;fine;ok;",
    ]);
    expect(stderr.replaceAll(/\s+/g, " ")).toContain("2 new cells a spreadsheet would run");
    expect(stderr.replaceAll(/\s+/g, " ")).toContain('run some of them as formulas, in: "note".');
  });

  it("are left alone with off, and made harmless in every column with all", async () => {
    const off = (await run(["--formula-safe", "off"])).stdout;
    expect(off).toContain('"=cmd|"" /C calc""!A0"');
    expect(off).not.toContain("'");
    const all = await run(["--formula-safe", "all"]);
    expect(all.stdout.split("\n").slice(0, 4)).toEqual([
      "id;note;a;a_status;a_error",
      `1;'=HYPERLINK(A1);"'=cmd|"" /C calc""!A0";ok;`,
      "2;'+1 555 0100;'@SUM(A1);ok;",
      "3;-5;-12.5;ok;",
    ]);
    expect(all.stderr).not.toContain("run some of them");
  });

  it("are never altered in JSON", async () => {
    const { stdout, cwd } = await run(["-o", "out.jsonl", "--json", "-q"]);
    expect(JSON.parse(stdout)).toMatchObject({ neutralisedCells: 0 });
    expect(read(cwd, "out.jsonl")).toContain('"a":"=cmd|\\" /C calc\\"!A0"');
  });
});
