/** Every example of docs/coming-from.md is run as it stands, against an emulator of the providers. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { blocksOf } from "./blocks.ts";
import { exampleEnvironment, execute, projectFolder, root } from "./project.ts";

const blocks = blocksOf(readFileSync(join(root, "docs", "coming-from.md"), "utf8"));

/** How many requests the examples under each heading have answered, null where that is a race; and what they print. */
const EXPECTED: Readonly<Record<string, readonly [answered: number | null, ...prints: string[]]>> =
  {
    "lm-deluge: Submit prompts and wait (`submit_batch_job`, `wait_for_completion=True`)": [
      3,
      "programming → Write a haiku about programming",
    ],
    "lm-deluge: Several batches at once (`submit_batch_job_async`, `wait_for_batch_completion_async`)":
      [4, "Question 1", "Question 4"],
    "lm-deluge: Submit now, retrieve later": [6, "request-2 prompt 3", '"text":"prompt 3"'],
    "lm-deluge: Tools": [4, "name: 'get_weather'"],
    'lm-deluge: Prompt caching (`CachePattern`, `cache="system_and_tools"`)': [5, "request-2"],
    "lm-deluge: Progress": [2, "ended • completed"],
    "lm-deluge: Errors": [2],
    "lm-deluge: A large dataset": [6, "[ 'ok', 'ok', 'ok' ]"],
    "instructor: Structured answers, through a file (`BatchProcessor`, `create_batch_from_messages`)":
      [2, "2 parsed", "0 without an answer"],
    "instructor: In memory": [4, "years old", "'person_age'"],
    "instructor: The same bytes again": [4, "true\ntrue"],
    "instructor: Providers": [0],
    "instructor: Results as a union (`filter_successful`, `get_results_by_custom_id`)": [
      2,
      "inputTokens",
    ],
    "instructor: A results file that is at hand (`parse_results`)": [1, "request-0 Alice is 28"],
    "instructor: The whole way, over several providers": [
      8,
      "google/gemini-2.5-flash completed 0 without",
      "vertex/gemini-2.5-flash completed 0 without",
    ],
    "instructor: Command line (`instructor batch`)": [1],
    "openai-batch: Add, submit, wait, download (`Batch.add_to_batch`, `submit_wait_download`)": [
      5,
      "status completed and stored in batch_output.jsonl",
    ],
    "openai-batch: Embeddings": [4, "[ 256, 256 ]", "List"],
    "openai-batch: Step by step": [5, "5 of 5 answered"],
    "openai-batch: Which provider": [2, "openai\n"],
    "openai-batch: An existing batch (`batch_id=…`, `--resume`)": [
      2,
      "status: completed",
      "replyCount: 1",
    ],
    "openai-batch: Command line (`openai_batch.run`)": [4],
    "Regolo: Prepare the requests": [0, "3\n"],
    "Regolo: Create, monitor, retrieve": [6, "request-0 What is AI?", '"text":"What is AI?"'],
    "Regolo: A thousand questions": [1000, "0 errors"],
    "Regolo: A batch that is stuck": [null],
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

describe("docs/coming-from.md", () => {
  it("holds TypeScript and shell examples, under headings that are all known here", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["ts", "sh"]));
    const headings = new Set(blocks.map(({ part, heading }) => `${part}: ${heading}`));
    expect([...headings].toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });
});

for (const [part, ofPart] of Map.groupBy(blocks, (block) => block.part))
  describe(`docs/coming-from.md, ${part}`, () => {
    const folder = projectFolder();
    for (const [heading, examples] of Map.groupBy(ofPart, (block) => block.heading))
      it(`${heading}: runs as it stands`, { timeout: 120_000 }, async () => {
        const before = emulator.stats().rowsExecuted;
        const [answered, ...prints] = EXPECTED[`${part}: ${heading}`] ?? [];
        let printed = "";
        for (const [at, block] of examples.entries()) {
          const name = `${heading.replaceAll(/\W/g, "-")}-${String(at)}`;
          const ended = await execute(block, { folder, name, env });
          expect(ended, `${block.code}\n${ended.stderr}`).toMatchObject({ code: 0, signal: null });
          if (block.language === "ts") expect(ended.stderr).toBe("");
          printed += ended.stdout;
        }
        for (const text of prints) expect(printed).toContain(text);
        // What was submitted and not waited for is answered all the same.
        if (answered !== null)
          await expect
            .poll(() => emulator.stats().rowsExecuted - before, { timeout: 20_000 })
            .toBe(answered);
      });
  });
