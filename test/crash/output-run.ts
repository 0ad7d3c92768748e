/** A run of the public calls, of one kind or another, over a file; a process of it may kill itself while it writes. */

import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { enrichFile } from "../../src/enrich.ts";
import { enrichFileColumns } from "../../src/enrich-columns.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import { TEMPORARY_NAME } from "../../src/frame/write-marks.ts";
import { filterTask } from "../../src/verbs/filter.ts";
import { fileTask } from "../../src/verbs/task.ts";

/**
 * What is asked: several columns, several votes, a second model, long texts in pieces, only some rows, rows that have no
 * answer yet (also in several columns, the second over the first or beside it), prompts that a function makes.
 */
export type OutputKind =
  | ("steps" | "votes" | "fallback" | "cascade" | "pieces" | "filter" | "in place")
  | ("kept in place" | "kept steps" | "kept columns" | "function");

/** One run. */
export interface OutputJob {
  readonly kind: OutputKind;
  readonly input: string;
  readonly output: string;
  readonly runDir: string;
  readonly baseUrl: string;
  /** The mark after which the process kills itself; 0 for none. */
  readonly killAtMark: number;
}

const LABELS = { labels: ["even", "odd"] } as const;

/** Runs it; the receipt. */
export async function runOutput(job: OutputJob): Promise<Receipt> {
  const { input, output, runDir, baseUrl } = job;
  const model = { provider: "openai", model: "gpt-test", baseUrl, apiKey: "k" } as const;
  const second = { ...model, model: "gpt-large" };
  const conduct = { runDir, name: "run", pollEveryMs: 5, lane: "batch" } as const;
  const files = { input, output };
  const prompt = "Is it odd? {{text}}";
  const labelled = { ...conduct, column: "side", output: LABELS } as const;
  switch (job.kind) {
    case "steps":
      return await enrichFileColumns(
        files,
        [
          { column: "side", template: prompt, model, output: LABELS },
          { column: "why", template: "{{text}} is {{side}}. Why?", model },
        ],
        conduct,
      );
    case "kept steps":
    case "kept columns": {
      const asks = job.kind === "kept steps" ? "{{text}} is {{side}}. Why?" : "{{text}}. Why?";
      return await enrichFileColumns(
        files,
        [
          { column: "side", template: prompt, model, output: LABELS },
          { column: "why", template: asks, model },
        ],
        { ...conduct, chunkRows: 300, existing: "skip" },
      );
    }
    case "function":
      return await enrichFile(
        files,
        ({ text }) => (typeof text === "string" ? `Is it odd? ${text}` : null),
        model,
        labelled,
      );
    case "votes":
      return await enrichFile(files, prompt, model, { ...labelled, votes: 3 });
    case "fallback":
      return await enrichFile(files, prompt, model, { ...labelled, fallbackModel: second });
    case "cascade": {
      const cascade = { model: second, target: 0.9, delta: 0.3, labelBudget: 20 };
      return await enrichFile(files, prompt, model, { ...labelled, cascade });
    }
    case "pieces":
      return await enrichFile(files, prompt, model, {
        ...{ ...conduct, column: "side", output: { labels: ["even", "odd"], multi: true } },
        ...{ maxChars: 200, onLong: "chunk" },
      });
    case "filter": {
      const task = filterTask({ text: "text", condition: "it is odd", keepRows: true });
      return await fileTask(files, task, model, conduct);
    }
    case "kept in place":
      return await enrichFile({ ...files, inPlace: true }, prompt, model, {
        ...labelled,
        existing: "skip",
      });
    case "in place":
      return await enrichFile({ ...files, inPlace: true }, prompt, model, labelled);
  }
}

/** Makes a mark wherever one can be made, and kills this process after some of them. */
function strikeAt(killAtMark: number): void {
  const { open, rename } = fs;
  const now = performance.now.bind(performance);
  let marks = 0;
  Object.assign(fs, {
    open: async (...given: Parameters<typeof open>) => {
      const [path] = given;
      // From here on every look at the clock is past the time for the next mark.
      let looks = 0;
      if (TEMPORARY_NAME.test(basename(String(path))))
        performance.now = () => now() + 3000 * (looks += 1);
      return await open(...given);
    },
    rename: async (...given: Parameters<typeof rename>) => {
      await rename(...given);
      if (!String(given[0]).endsWith("writing.json.next")) return;
      marks += 1;
      if (marks === killAtMark) process.kill(process.pid, "SIGKILL");
    },
  });
  syncBuiltinESMExports();
}

const own = process.env["OUTPUT_JOB"];
if (own !== undefined) {
  const job = JSON.parse(own) as OutputJob;
  if (job.killAtMark > 0) strikeAt(job.killAtMark);
  const receipt = await runOutput(job);
  process.stdout.write(JSON.stringify(receipt));
}
