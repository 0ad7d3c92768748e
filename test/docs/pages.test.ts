/** Every block of code of these pages is run as it stands, in order, against an emulator or the model inside. */

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { blocksOf } from "./blocks.ts";
import { exampleEnvironment, execute, projectFolder, root } from "./project.ts";

/** What each page's examples print, on either stream. */
const PRINTED: Readonly<Record<string, readonly string[]>> = {
  "quick-start.md": [
    "3 rows = 3 ok",
    "id,label",
    "sentiment: 'positive'",
    "The prompt of row 2. Nothing was sent.",
  ],
  "templates.md": ["Answer in en: Where is my parcel?", "URGENT. Answer politely"],
  "schemas-and-verbs.md": ["2 rows = 2 ok", "2 ok + 0 skipped + 0 failed"],
  "costs.md": ["Nothing was sent", "measured on 5 answers", " actual · ", "claude-", "expected:"],
  "what-leaves-your-machine.md": ["1\n", "OPENAI_API_KEY", 'as formulas, in: "note"'],
  "on-disk-format.md": ["custom_id", "state: 'collected'"],
  "extending.md": ["3 answered, 1 sent again"],
  "recipes.md": ["accuracy", "0 2 ", "negative", "nightly"],
};

/** Pages whose code other tests run or compare, or that show what cannot be run as it stands. */
const ELSEWHERE = new Set([
  "cli.md", // written from the program: test/docs/cli.test.ts
  "coming-from.md", // test/docs/coming-from.test.ts
  "deno.md", // test/docs/deno.test.ts
  "files.md", // files of the reader's: test/frame, test/files*.test.ts
  "previews.md", // samples of the reader's rows: test/cli
  "many-machines.md", // a database and storage: test/store
  "errors.md", // what to type after a failure
  "quality.md", // models of two sizes and rows of the reader's own: test/cascade*.test.ts
  "local-models.md", // servers and weights that are not here: test/provider
  "providers.md", // keys and addresses: test/provider
]);

let emulator: Emulator;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  emulator = await startEmulator({ seed: 5 });
  env = exampleEnvironment(emulator);
});
afterAll(async () => {
  await emulator.close();
});

describe("docs", () => {
  it("has no page with code that no test runs", () => {
    const pages = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
    const withCode = pages.filter((name) => blocksIn(name).length > 0 && !ELSEWHERE.has(name));
    expect(withCode.filter((name) => !(name in PRINTED))).toEqual([]);
  });
});

describe.each(Object.entries(PRINTED))("docs/%s", (page, prints) => {
  it("runs as it stands", { timeout: 120_000 }, async () => {
    const folder = projectFolder();
    let printed = "";
    for (const [at, block] of blocksIn(page).entries()) {
      const ended = await execute(block, { folder, name: `block-${String(at)}`, env });
      expect(ended, `${block.code}\n${ended.stderr}`).toMatchObject({ code: 0, signal: null });
      if (block.language === "ts") expect(ended.stderr).toBe("");
      printed += `${ended.stdout}\n${ended.stderr}\n`;
    }
    for (const text of prints) expect(printed).toContain(text);
  });
});

function blocksIn(page: string): ReturnType<typeof blocksOf> {
  return blocksOf(readFileSync(join(root, "docs", page), "utf8"));
}
