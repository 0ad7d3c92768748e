import { chmodSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, inner, KEY, pointedAt, REVIEWS, runsIn } from "./support.ts";

let emulator: Emulator;

beforeAll(async () => {
  emulator = await emulated();
});

afterAll(async () => {
  await emulator.close();
});

interface Bad {
  readonly name: string;
  /** The content of in.csv; the usual reviews when left out, no file when null. */
  readonly content?: string | Buffer | null;
  /** Words in place of, or after, those of an ordinary run. */
  readonly words?: readonly string[];
  readonly more?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  readonly says: RegExp;
}

const ORDINARY = [
  "run",
  "in.csv",
  "-p",
  "{{ review }}",
  "-m",
  "openai/gpt-5-mini",
  "--poll",
  "20ms",
  "--yes",
];

const BAD: readonly Bad[] = [
  { name: "a missing file", content: null, code: 2, says: /no file in\.csv/ },
  { name: "an unknown column", more: ["-p", "{{ reviw }}"], code: 2, says: /"reviw"[^]*"review"/ },
  {
    name: "an unknown column, told before a missing key",
    more: ["-p", "{{ reviw }}"],
    env: { OPENAI_API_KEY: "" },
    code: 2,
    says: /"reviw"[^]*"review"/,
  },
  {
    name: "an address for a model that has none",
    more: ["-m", "embedded/use-lite", "--labels", "a,b", "--base-url", "http://127.0.0.1:9/v1"],
    code: 2,
    says: /no use for baseUrl/,
  },
  {
    name: "a parameter for a model that takes none",
    more: ["-m", "embedded/use-lite", "--labels", "a,b", "-O", "temperature=0"],
    code: 2,
    says: /"temperature"/,
  },
  { name: "an empty file", content: "", code: 2, says: /empty/ },
  { name: "a header and no rows", content: "id,review\n", code: 2, says: /no rows/ },
  {
    name: "a header with a name twice",
    content: "review,review\na,b\n",
    code: 2,
    says: /two columns/,
  },
  { name: "a ragged row", content: "id,review\n1,a\n2,b,c\n", code: 2, says: /Line 3 .*3 cells/ },
  {
    name: "a file that is not UTF-8",
    content: Buffer.from("id,review\n1,\xfc\n", "latin1"),
    code: 2,
    says: /UTF-8/,
  },
  {
    name: "no rows left after blanks",
    content: "id,review\n1,\n2,\n",
    code: 2,
    says: /blank|nothing to ask/i,
  },
  {
    name: "an unknown model",
    more: ["-m", "embedded/use-heavy", "--labels", "a,b"],
    code: 2,
    says: /use-heavy/,
  },
  {
    name: "a model without a provider",
    more: ["-m", "my-model"],
    code: 2,
    says: /provider\/model/,
  },
  {
    name: "an unknown provider",
    more: ["-m", "opnai/gpt-5-mini"],
    code: 2,
    says: /"opnai"[^]*"openai"/,
  },
  { name: "a missing key", env: { OPENAI_API_KEY: "" }, code: 4, says: /OPENAI_API_KEY/ },
  {
    name: "an output that cannot be written",
    more: ["-o", "none/out.csv"],
    code: 2,
    says: /none\. Nothing was sent\./,
  },
  {
    name: "an output that is a folder",
    more: ["-o", "."],
    code: 2,
    says: /directory\. Nothing was sent\./,
  },
  {
    name: "failed rows to where they cannot be written",
    more: ["-o", "out.csv", "--failures-to", "none/failed.csv"],
    code: 2,
    says: /none\. Nothing was sent\./,
  },
  {
    name: "failed rows in a format they have not",
    more: ["-o", "out.csv", "--failures-to", "failed.parquet"],
    code: 2,
    says: /failed\.parquet\. Nothing was sent\./,
  },
  {
    name: "an output that is the input",
    more: ["-o", "./in.csv"],
    code: 2,
    says: /input file itself \(in\.csv\)\. Nothing was sent\./,
  },
  {
    name: "an output that is a link to the input",
    more: ["-o", "link.csv"],
    code: 2,
    says: /input file itself/,
  },
  { name: "a column that exists", more: ["-c", "zip"], code: 2, says: /already has a column/ },
  {
    name: "no prompt",
    words: ["run", "in.csv", "-m", "openai/x", "--yes"],
    code: 2,
    says: /no prompt/,
  },
  { name: "a prompt file that is missing", more: ["-p", "@none.txt"], code: 2, says: /none\.txt/ },
  {
    name: "no model",
    words: ["run", "in.csv", "-p", "{{ review }}"],
    code: 2,
    says: /No model is named/,
  },
  {
    name: "free text from a model that cannot write",
    more: ["-m", "embedded/use-lite"],
    code: 2,
    says: /cannot write text/,
  },
  { name: "a single label", more: ["--labels", "one"], code: 2, says: /at least two/ },
  {
    name: "a lane that does not exist",
    more: ["--lane", "express"],
    code: 2,
    says: /'express'[^]*batch, realtime, auto[^]*Nothing was sent/,
  },
  { name: "an unknown flag", more: ["--colunm", "x"], code: 2, says: /--colunm'[^]*--column/ },
  {
    name: "a flag without its value",
    words: ["run", "in.csv", "-o", "out.csv", "-p"],
    code: 2,
    says: /argument missing/,
  },
  { name: "a duration that is none", more: ["--poll", "soon"], code: 2, says: /--poll[^]*30s/ },
  { name: "a limit of nothing", more: ["--limit", "0"], code: 2, says: /--limit[^]*above 0/ },
  { name: "an option without a value", more: ["-O", "temperature"], code: 2, says: /key=value/ },
  {
    name: "a base URL that is none",
    more: ["--base-url", "localhost"],
    code: 2,
    says: /"localhost"/,
  },
  {
    name: "a name that no directory can have",
    more: ["--name", "../x"],
    code: 2,
    says: /"\.\.\/x"/,
  },
  {
    name: "an unknown command",
    words: ["clasify", "in.csv"],
    code: 2,
    says: /'clasify'[^]*classify/,
  },
  { name: "no command", words: [], code: 2, says: /Usage: batchframe/ },
  {
    name: "no consent and nobody to ask",
    words: ORDINARY.slice(0, -1),
    code: 2,
    says: /3 requests[^]*--yes/,
  },
];

describe("bad input", () => {
  it.each(BAD)("$name ends with one clear message", async (bad) => {
    const cwd = folder(bad.content === null ? {} : { "in.csv": bad.content ?? REVIEWS });
    if (bad.content !== null) symlinkSync(join(cwd, "in.csv"), join(cwd, "link.csv"));
    const before = emulator.requests().length;
    const words = bad.words ?? [...ORDINARY, ...(bad.more ?? [])];
    const ended = await cli(cwd, words, { ...pointedAt(emulator), ...bad.env });
    expect(ended.stderr).toMatch(bad.says);
    expect(ended.stderr.match(/^error: /gm)).toHaveLength(1);
    expect(ended.stderr).not.toContain("    at ");
    expect(ended).toMatchObject({ code: bad.code, stdout: "" });
    expect(emulator.requests().length).toBe(before);
    // Without consent the plan is kept, so that agreeing later is quick.
    expect(runsIn(cwd)).toHaveLength(bad.name.startsWith("no consent") ? 1 : 0);
    if (bad.content === undefined) expect(readFileSync(join(cwd, "in.csv"), "utf8")).toBe(REVIEWS);
  });

  it("tells a script as well, with --json", async () => {
    const ended = await cli(folder(), [...ORDINARY, "--json"], pointedAt(emulator));
    expect(JSON.parse(ended.stdout)).toMatchObject({
      schemaVersion: 1,
      error: { code: "file_missing", hint: expect.any(String) as string },
    });
    const misused = await cli(folder(), ["run", "--json", "--nonsense"]);
    expect(JSON.parse(misused.stdout)).toMatchObject({ error: { code: "usage" } });
  });

  it("without permission to write is refused", async () => {
    const cwd = folder({ "in.csv": REVIEWS });
    chmodSync(inner(cwd, "sealed"), 0o500);
    const ended = await cli(cwd, [...ORDINARY, "-o", "sealed/out.csv"], pointedAt(emulator));
    // The superuser may write anywhere, and then there is nothing to refuse.
    expect(ended.code).toBe(process.getuid?.() === 0 ? 0 : 2);
  });
});

describe("a refused key", () => {
  it("ends with 4, names what to check, and never shows the key", async () => {
    const strict = await emulated({ apiKeys: ["another"] });
    const cwd = folder({ "in.csv": REVIEWS });
    const ended = await cli(cwd, ORDINARY, pointedAt(strict));
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/401[^]*Check the key/);
    expect(ended.stderr + ended.stdout).not.toContain(KEY);
    expect(strict.stats()).toMatchObject({ uploads: 0, batchesCreated: 0 });
    await strict.close();
  });
});
