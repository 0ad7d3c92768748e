/** Writes docs/cli.md from the program: node scripts/cli-page.ts. A test fails while the page says anything else. */

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DescribedCommand, DescribedFlag } from "../src/cli/described.ts";
import { describedProgram } from "../src/cli/program.ts";
import { EXIT_CODES } from "../src/cli/help-text.ts";

const path = fileURLToPath(new URL("../docs/cli.md", import.meta.url));
const MARK = "<!-- Written by scripts/cli-page.ts from the program. -->";

/** The page: what stands before the mark as it is, and everything after it from the program. */
export function cliPage(page: string): string {
  const [before = ""] = page.split(MARK);
  const commands = describedProgram();
  const headings = [...new Set(commands.map(({ heading }) => heading))];
  const parts = headings.map((heading) => {
    const these = commands.filter((command) => command.heading === heading);
    return `## ${heading.replace(/:$/, "")}\n\n${these.map(commandText).join("\n\n")}`;
  });
  return `${before}${MARK}\n\n## Exit codes\n\n${codesText()}\n\n${parts.join("\n\n")}\n`;
}

function codesText(): string {
  const lines = EXIT_CODES.split("\n").flatMap((line) => {
    const [, code, means] = /^ +(\d+) {2}(.*)$/.exec(line) ?? [];
    return code === undefined || means === undefined ? [] : [`- \`${code}\`: ${means}`];
  });
  return lines.join("\n");
}

function commandText({ words, does, arguments: names, flags, example }: DescribedCommand): string {
  const usage = [`batchframe ${words}`, ...names.map(({ name }) => name)].join(" ");
  const args = names.map(({ name, is }) => `- \`${name}\`: ${escaped(is)}`);
  return [
    `### ${words}`,
    `\`${usage}\`: ${escaped(does)}.`,
    ...(example === null ? [] : [`Example: \`batchframe ${example}\``]),
    [...args, ...flags.map(flagText)].join("\n"),
  ].join("\n\n");
}

function flagText({ written, is, choices }: DescribedFlag): string {
  const among = choices.length === 0 ? "" : ` (${choices.join(", ")})`;
  return `- \`${written}\`: ${escaped(is)}${among}`;
}

/** Text that means nothing to Markdown. */
function escaped(text: string): string {
  return text.replace(/[<>*_|[\]{}]/g, "\\$&");
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(path, cliPage(readFileSync(path, "utf8")));
