/** `batchframe init`: a script, a notebook or a CI job to begin with, which work as they stand. */

import { lstat, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { InputError, headOfFile } from "../index.ts";
import { commandLine, enrichedPath } from "./paths.ts";
import {
  jobText,
  notebookText,
  SAMPLE,
  SAMPLE_NAME,
  scriptText,
  type Beginning,
} from "./starters.ts";
import type { Terminal } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What can be written, and how one goes on from there. */
const KINDS: Readonly<Record<string, Kind>> = {
  // A module whatever package.json says: `npm init` makes one in which .ts files are none.
  ts: {
    path: "enrich.mts",
    text: scriptText,
    next: () => ["npm install batchframe", "node enrich.mts"],
  },
  notebook: {
    path: "enrich.ipynb",
    text: notebookText,
    next: () => ["deno jupyter --install", "jupyter lab enrich.ipynb"],
  },
  ci: {
    path: ".github/workflows/enrich.yml",
    text: jobText,
    next: (input) => [
      `git add ${commandLine([".github", input])}`,
      "git commit -m 'Enrich in CI'",
      "git push",
    ],
  },
};

interface Kind {
  readonly path: string;
  readonly text: (beginning: Beginning) => string;
  /** The command lines to type next, for this file of rows. */
  readonly next: (input: string) => readonly string[];
}

/** The names of what can be written. */
export const STARTERS = Object.keys(KINDS);

const ROWS_SEEN = 50;

/**
 * Runs the command; gives 0. Without a file of rows a small one is written as well.
 *
 * @throws {InputError} `init_unknown`, `init_exists` or `init_unwritable`, nothing having been written; and
 * what {@link headOfFile} throws.
 */
export async function initCommand(
  name: string,
  file: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (kind === undefined)
    throw new InputError("init_unknown", `There is no ${JSON.stringify(name)} to begin with.`, {
      hint: `Name one of ${STARTERS.join(", ")}; a file of rows comes after it: batchframe init ts ${commandLine([name])}`,
    });
  const input = file ?? SAMPLE_NAME;
  const column = file === undefined ? "review" : await longestColumn(file);
  const version = packageVersion();
  const text = kind.text({ input, column, output: enrichedPath(input), version });
  const files: readonly (readonly [string, string])[] = [
    [kind.path, text],
    ...(file === undefined ? [[SAMPLE_NAME, SAMPLE] as const] : []),
  ];
  for (const [path] of files) if (await isThere(path)) throw exists(path);
  for (const [path, content] of files) await writeNew(path, content);
  const next = kind.next(input);
  terminal.data({
    schemaVersion: 1,
    written: files.map(([path]) => path),
    input,
    column,
    next,
  });
  terminal.say(`Wrote ${files.map(([path]) => path).join(" and ")}. Next:\n`);
  for (const line of next) terminal.say(`  ${line}`);
  if (file !== undefined)
    terminal.say(
      `\nIt asks about the column ${JSON.stringify(column)}; change it, and the labels, there.`,
    );
  return 0;
}

/** The column with the longest texts in the first rows: most likely what there is something to ask about. */
async function longestColumn(file: string): Promise<string> {
  const { columns, rows } = await headOfFile(file, ROWS_SEEN);
  const lengths = columns.map((_, at) =>
    rows.reduce((sum, cells) => sum + (cells[at]?.length ?? 0), 0),
  );
  const column = columns[lengths.indexOf(Math.max(...lengths))];
  if (column !== undefined) return column;
  throw new InputError("file_empty", `${file} has no columns. Nothing was written.`, {
    hint: "Name a file with a header and a few rows.",
  });
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    // Also a file that appeared since it was looked for is left as it is.
    await writeFile(path, content, { flag: "wx" });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "EEXIST") throw exists(path);
    throw new InputError("init_unwritable", `${path} cannot be written: ${code}.`, {
      hint: "Go to a directory that may be written to.",
      cause,
    });
  }
}

function exists(path: string): InputError {
  return new InputError("init_exists", `${path} is there already. It was left as it is.`, {
    hint:
      path === SAMPLE_NAME
        ? `To begin with these rows: batchframe init ts ${SAMPLE_NAME}`
        : "Move it away, or begin in another directory.",
  });
}
