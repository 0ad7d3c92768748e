/** `--key`: rows told by what people call them. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt, runsIn } from "./support.ts";

const CSV = "id,lang,text\n7,en,first\n12,en,refuse me\n1,de,last\n12,de,refuse too\n,de,more\n";
const RUN = ["run", "in.csv", "-p", "Say it: {{ text }}", "-m", "openai/gpt-5-mini", "--yes"];
const bad = { error: { status: 400, body: { error: { message: "=no", code: "bad" } } } };

let emulator: Emulator;
let cwd: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  emulator = await emulated({
    answer: table((text) => (text.includes("refuse") ? bad : "said")),
  });
  cwd = folder({ "in.csv": CSV });
  env = pointedAt(emulator);
});
afterAll(async () => {
  await emulator.close();
});

const run = async (name: string, ...words: readonly string[]) =>
  await cli(cwd, [...RUN, "--poll", "20ms", "--name", name, "-o", `${name}.csv`, ...words], env);

// Each test is several commands, of which each starts a process.
describe("rows that have a key", { timeout: 240_000 }, () => {
  it("names failed rows, and tells rows that share a key or have none", async () => {
    const ended = await run("one", "--key", "id", "--failures-to", "failed.csv");
    expect(ended.code).toBe(3);
    expect(ended.stderr.replaceAll(/\s+/g, " ")).toContain(
      'The key "id" is not one row\'s alone: 1 row has that of a row before, as "12" in rows 2 and 4.',
    );
    expect(ended.stderr).toContain('The key "id" is missing in 1 row, the first of them row 5.');
    const failed = readFileSync(join(cwd, "failed.csv"), "utf8").split("\n");
    expect(failed[0]).toBe("row,id,code,message");
    expect(failed[1]).toMatch(/^2,12,invalid_input,/);
    const told = await cli(cwd, ["failures", "one"]);
    expect(told.stderr).toMatch(/row +id +code/);
    expect(told.stderr).toMatch(/4 +12 +invalid_input/);
    const [first] = told.stdout.trimEnd().split("\n");
    expect(JSON.parse(first ?? "")).toMatchObject({ row: 2, key: { id: "12" } });
    // Gone on with by its name, it is said again.
    const resumed = await cli(cwd, ["resume", "one"], env);
    expect(resumed.stderr).toContain("is missing in 1 row");
  });

  it("finds rows by it, where a number alone is the key and :2 the second row", async () => {
    const row = async (name: string, word: string): Promise<unknown> => {
      const { stdout } = await cli(cwd, ["show", name, "--row", word, "--json"]);
      const { traces } = JSON.parse(stdout) as { traces?: readonly { row: number }[] };
      return traces?.[0]?.row ?? null;
    };
    expect(await row("one", "1")).toBe(3);
    expect(await row("one", ":2")).toBe(2);
    expect(await row("one", "lang=de")).toBe(3);
    const shown = await cli(cwd, ["show", "one", "--row", "12"]);
    expect(shown.stderr).toContain("2 rows have it; this is the first of them.");
    expect(shown.stderr).toContain("2 (id 12) of one");
    const none = await cli(cwd, ["show", "one", "--row", "3"]);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain('No row of in.csv has the key "3"');
    expect(none.stderr).toContain("--row :17");
    await run("two", "--key", "id,lang", "--column", "again");
    expect(await row("two", "12,de")).toBe(4);
    expect(await row("two", '["12","en"]')).toBe(2);
    expect(await row("two", "12")).toBeNull();
    // Without a key a number is what it was.
    await run("none", "--column", "third");
    expect(await row("none", "1")).toBe(1);
    expect(await row("none", ":1")).toBe(1);
  });

  it("may be given later, without asking anything again", async () => {
    const before = emulator.stats().rowsExecuted + emulator.stats().liveCalls;
    await run("none", "--column", "third", "--key", "lang,id");
    expect(emulator.stats().rowsExecuted + emulator.stats().liveCalls).toBe(before);
    const { stdout } = await cli(cwd, ["failures", "none", "--json"]);
    expect(JSON.parse(stdout.split("\n")[0] ?? "")).toMatchObject({
      key: { lang: "en", id: "12" },
    });
  });

  it("names no row by an input that has other keys now", async () => {
    const path = join(cwd, "in.csv");
    writeFileSync(path, CSV.replace("7,en,first\n", ""));
    const told = await cli(cwd, ["failures", "one"]);
    expect(told.stderr).toContain("The input has other keys now, or is gone");
    expect(JSON.parse(told.stdout.split("\n")[0] ?? "")).toMatchObject({ row: 2, key: null });
    const shown = await cli(cwd, ["show", "one", "--row", "12"]);
    expect(shown.stderr).toContain("has other keys in");
    expect(await cli(cwd, ["show", "one", "--row", ":2", "--json"])).toMatchObject({ code: 0 });
    writeFileSync(path, CSV);
  });

  it("is written by --only-new beside the new columns, and by a preview beside the prompt's", async () => {
    await run("new", "--key", "lang,id", "--only-new");
    expect(readFileSync(join(cwd, "new.csv"), "utf8").split("\n")[0]).toBe(
      "lang,id,enriched,enriched_status,enriched_error",
    );
    const tried = await run("tried", "--column", "fifth", "--key", "id", "--preview", "2");
    expect(tried.stderr).toMatch(/row +(id|text)/);
    expect(tried.stderr).toContain("id");
  });

  it("goes with the run when it is removed", async () => {
    expect(existsSync(join(cwd, ".batchframe", "two", "key.json"))).toBe(true);
    await cli(cwd, ["rm", "two"]);
    expect(runsIn(cwd)).not.toContain("two");
  });

  it.each([
    [["--key", "idd"], 'Did you mean "id"?'],
    [["--key", "id,id"], "A key is one column or several, each once"],
  ])("refuses %j before anything is sent", async (words, said) => {
    const ended = await run("wrong", ...words);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.stderr).toContain(said);
    expect(runsIn(cwd)).not.toContain("wrong");
  });
});
