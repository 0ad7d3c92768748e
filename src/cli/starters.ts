/** The files that `batchframe init` writes. */

import { commandLine } from "./paths.ts";

/** What a starter is about. */
export interface Beginning {
  /** The file of rows. */
  readonly input: string;
  /** The column that is asked about. */
  readonly column: string;
  /** Where the enriched rows go. */
  readonly output: string;
  /** The version of batchframe that is written into what installs it. */
  readonly version: string;
}

/** The name of the file of rows for somebody who brings none. */
export const SAMPLE_NAME = "reviews.csv";

/** Its content. */
export const SAMPLE = `id,review
1,I love it. Wonderful and reliable.
2,Terrible. It broke on the first day and nobody helps.
3,Great value and a friendly team.
4,"Awful, a complete waste of money."
`;

/** A script for Node. */
export function scriptText({ input, column, output }: Beginning): string {
  return `import { enrichFile } from "batchframe";

// The model is inside the package: no key, no network, no cost. With OPENAI_API_KEY set, try
// "openai/gpt-5-mini"; run.plan() says beforehand what that will send.
const output = ${JSON.stringify(output)};
const run = enrichFile(
  { input: ${JSON.stringify(input)}, output },
  ${JSON.stringify(placeholder(column))},
  "embedded/use-lite",
  {
    column: "sentiment",
    output: { labels: { positive: "praise", negative: "a complaint", neutral: "neither" } },
  },
);

const { rows } = await run;
console.log(\`\${rows.ok} of \${rows.total} rows labelled in \${output}\`);
`;
}

/** A notebook for Deno's kernel. */
export function notebookText({ input, column, output }: Beginning): string {
  const cells = [
    prose(
      `# Labels for ${input}\n\n` +
        "For [Deno's kernel](https://docs.deno.com/runtime/reference/cli/jupyter/). The model is inside the " +
        "package: no key, no network, no cost. Running a cell again asks nothing twice.",
    ),
    code(
      'import { enrichFile, headOfFile } from "npm:batchframe";\n' +
        'import { bars } from "npm:batchframe/notebook";\n\n' +
        `const output = ${JSON.stringify(output)};\n` +
        "const receipt = await enrichFile(\n" +
        `  { input: ${JSON.stringify(input)}, output },\n` +
        `  ${JSON.stringify(placeholder(column))},\n` +
        '  "embedded/use-lite",\n' +
        "  {\n" +
        '    column: "sentiment",\n' +
        '    output: { labels: { positive: "praise", negative: "a complaint", neutral: "neither" } },\n' +
        "  },\n" +
        ");\n" +
        "receipt",
    ),
    code(
      "const { columns, rows } = await headOfFile(output, 1000);\n" +
        'const labels = rows.map((row) => row[columns.indexOf("sentiment")] ?? "none");\n' +
        "const counts = Object.fromEntries(\n" +
        "  [...new Set(labels)].map((name) => [name, labels.filter((label) => label === name).length]),\n" +
        ");\n" +
        'bars(counts, { title: "Labels" })',
    ),
  ];
  const notebook = {
    cells: cells.map((cell, at) => ({ id: `cell-${String(at + 1)}`, ...cell })),
    metadata: {
      kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
      language_info: { name: "typescript" },
    },
    nbformat: 4,
    nbformat_minor: 5,
  };
  return `${JSON.stringify(notebook, null, 1)}\n`;
}

/** A job for GitHub Actions. */
export function jobText({ input, column, output, version }: Beginning): string {
  const words = [
    ...["npx", "--yes", `batchframe@${version}`, "run", input],
    ...["--prompt", placeholder(column), "--labels", "positive,negative,neutral"],
    ...["--column", "sentiment", "--model", "embedded/use-lite", "--output", output],
    ...["--max-cost", "5", "--max-failures", "5%", "--yes", "--no-input"],
  ];
  return `# Labels the rows of a file whenever it changes, and keeps the result with the job.
name: enrich

on:
  push:
    paths: [${JSON.stringify(input)}]
  workflow_dispatch:

permissions:
  contents: read

jobs:
  enrich:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 24
      # Answers that were bought once: a later job asks about new rows only.
      - uses: actions/cache@v4
        with:
          path: .batchframe
          key: batchframe-\${{ github.run_id }}
          restore-keys: batchframe-
      # The model is inside the package. For one of a provider's, put its key into the repository's secrets:
      #   env: { OPENAI_API_KEY: "\${{ secrets.OPENAI_API_KEY }}" }
      - run: ${JSON.stringify(commandLine(words))}
      - uses: actions/upload-artifact@v4
        with:
          name: enriched
          path: ${JSON.stringify(output)}
`;
}

function prose(text: string): object {
  return { cell_type: "markdown", metadata: {}, source: linesOf(text) };
}

function code(text: string): object {
  return {
    cell_type: "code",
    execution_count: null,
    metadata: {},
    outputs: [],
    source: linesOf(text),
  };
}

function linesOf(text: string): readonly string[] {
  return text.split(/(?<=\n)/);
}

/** A column's place in a template, quoted where its name needs it. */
function placeholder(column: string): string {
  return /^[A-Za-z_]\w*$/.test(column) ? `{{ ${column} }}` : `{{ ${JSON.stringify(column)} }}`;
}
