/**
 * The first run of a newcomer: prints the command it is about to run, runs it, and tells how often the
 * answers agree with the labels a careful person gave. No key, no network, no cost.
 */

import { hushSqliteWarning } from "../src/cli/hush.ts";
import { endWhenUnread } from "../src/cli/interrupt.ts";

hushSqliteWarning();
const { invoke } = await import("../src/cli/invoke.ts");
const { listRuns, headOfFile } = await import("../src/index.ts");

const output = "feedback.enriched.csv";

const words = [
  ...["classify", "sample-data/feedback.csv", "--text", "feedback"],
  ...["--labels", "@sample-data/sentiment-labels.csv", "--column", "sentiment"],
  ...["--model", "embedded/use-lite", "--output", output],
];

/** How many rows with a label of a person's were given the same one by the model. */
async function agreement(): Promise<string> {
  const { columns, rows } = await headOfFile(output, 1000);
  const gold = columns.indexOf("gold");
  const answer = columns.indexOf("sentiment");
  const judged = rows.filter((row) => row[gold] !== null);
  const agreed = judged.filter((row) => row[gold] === row[answer]).length;
  const share = ((100 * agreed) / judged.length).toFixed(1);
  return `${String(agreed)} of the ${String(judged.length)} texts were judged as a careful person did (${share} %).`;
}

async function countRuns(): Promise<number> {
  return (await listRuns()).runs.length;
}

endWhenUnread();
const runsBefore = await countRuns();
console.error(`$ npx batchframe ${words.join(" ")}\n`);
process.exitCode = await invoke(words);
if (process.exitCode === 0) {
  console.error(`\n${await agreement()}`);
  const isFirst = (await countRuns()) > runsBefore;
  console.error(
    isFirst
      ? "Run it again: every answer is kept, so nothing is asked twice."
      : "Now with a file of yours: npx batchframe classify FILE.csv --text COLUMN --labels a,b",
  );
}
