/** Paths and command lines as a person would type them. */

import { basename, dirname, extname, isAbsolute, join, relative } from "node:path";

/** A pipe in words, else the path from the working directory where that is shorter. */
export function shortInput(path: string): string {
  return path === "-" ? "standard input" : shortPath(path);
}

/** The path from the working directory where that is shorter, else as it is. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  if (near === "") return ".";
  return near.length < path.length && !isAbsolute(near) ? near : path;
}

/**
 * Where the output goes when nobody says: `reviews.enriched.csv` beside `reviews.csv`, `parts.enriched.csv`
 * beside the folder of `parts/*.csv`, and a pipe for a pipe.
 */
export function enrichedPath(input: string): string {
  if (input === "-") return input;
  const extension = /\.[^./]+\.(gz|zst)$/i.exec(input)?.[0] ?? extname(input);
  if (isPattern(input)) {
    const plain = input.split("/").filter((part) => !isPattern(part));
    return enrichedPath(`${plain.length > 0 ? plain.join("/") : "all"}${extension}`);
  }
  const stem = basename(input, extension);
  return join(dirname(input), `${stem}.enriched${extension === "" ? ".csv" : extension}`);
}

function isPattern(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** Words as one line a shell takes back as the same words. */
export function commandLine(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
}

/** How this program was started, and can be started again: by its name, or through npm, which then finds it. */
export function programName(): readonly string[] {
  const throughNpm = ["exec", "run-script"].includes(process.env["npm_command"] ?? "");
  return throughNpm ? ["npx", "batchframe"] : ["batchframe"];
}

/** A command about one run, with the directory of runs where it is not the usual one, and further words. */
export function runCommandLine(
  command: string,
  run: string,
  runDir: string | undefined,
  words: readonly string[] = [],
): string {
  return commandLine([
    ...programName(),
    command,
    run,
    ...(runDir === undefined ? [] : ["--run-dir", runDir]),
    ...words,
  ]);
}
