/** Every block of code of these pages is run as it stands, in order, against an emulator or the model inside. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { AT_HAND, type AtHand } from "./at-hand.ts";
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
  "files.md": ["12 rows = 12 ok"],
  "previews.md": ["tried     12 rows: 12 answered", "summary_status"],
  "errors.md": ["12 rows failed", "nothing to ask again"],
  "quality.md": ["asked again of anthropic/claude-sonnet-4-5", "rows compared"],
  "local-models.md": ["12 rows = 12 ok"],
  "many-machines.md": ["2 parts enqueued", "2 of 2 parts done"],
  "cli.md": ["from recipe triage"],
  "recipes.md": ["accuracy", "0 2 ", "negative", "nightly"],
};

/** Pages whose code another test runs, block by block. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "coming-from.md": "test/docs/coming-from.test.ts",
  "deno.md": "test/docs/deno.test.ts",
  "ui.md": "test/cli/ui.test.ts",
};

/** Blocks that need weights of some GB, by their first line, and the test that runs the like with small ones. */
const BLOCKS_ELSEWHERE: Readonly<Record<string, string>> = {
  "npm i --omit=optional node-llama-cpp @node-llama-cpp/linux-x64": "test/provider/gguf.test.ts",
};

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
    const withCode = pages.filter((name) => blocksIn(name).length > 0);
    expect([...Object.keys(PRINTED), ...Object.keys(ELSEWHERE)].toSorted()).toEqual(
      withCode.toSorted(),
    );
    for (const path of [...Object.values(ELSEWHERE), ...Object.values(BLOCKS_ELSEWHERE)])
      expect(existsSync(join(root, path)), path).toBe(true);
  });
});

describe.each(Object.entries(PRINTED))("docs/%s", (page, prints) => {
  it("runs as it stands", { timeout: 300_000 }, async () => {
    const folder = projectFolder();
    const hand: AtHand = (await AT_HAND[page]?.({ folder, emulator })) ?? {};
    const { PATH: programs, ...more } = hand.env ?? {};
    const path = [...(programs === undefined ? [] : [programs]), env["PATH"] ?? ""].join(":");
    let printed = "";
    try {
      for (const [at, block] of blocksIn(page).entries()) {
        if ((block.code.split("\n")[0] ?? "") in BLOCKS_ELSEWHERE) continue;
        const here = { ...block, code: standing(block.code, hand) };
        const place = { folder, name: `block-${String(at)}`, env: { ...env, ...more, PATH: path } };
        const ended = await execute(here, place);
        expect(ended, `${here.code}\n${ended.stderr}`).toMatchObject({ code: 0, signal: null });
        if (block.language === "ts") expect(ended.stderr).toBe("");
        printed += `${ended.stdout}\n${ended.stderr}\n`;
      }
    } finally {
      await hand.close?.();
    }
    for (const text of prints) expect(printed).toContain(text);
  });
});

/** A block with what is at hand in place of what the reader has. */
function standing(code: string, { standsFor = [] }: AtHand): string {
  return standsFor.reduce((text, [there, here]) => text.replace(there, here), code);
}

function blocksIn(page: string): ReturnType<typeof blocksOf> {
  return blocksOf(readFileSync(join(root, "docs", page), "utf8"));
}
