/** How the rows of a run go into its file: which columns, what is made harmless, and whether the input gives way. */

import { randomBytes } from "node:crypto";
import { chmod, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, extname, join, resolve as absolute } from "node:path";
import { InputError } from "../core/errors.ts";
import { contentHash } from "../core/hash.ts";
import type { Receipt } from "../core/receipt.ts";
import { didYouMean } from "../core/suggest.ts";
import {
  checkFileOutput,
  outputNotes,
  writeFileFrame,
  type FileFrame,
  type FileWritten,
} from "./files.ts";
import type { FormulaSafe } from "../frame/csv-cells.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";

/** How an output is written; all of it may be left out. */
export interface OutputHow {
  /**
   * Which text cells that a spreadsheet would run as a formula get a leading apostrophe in CSV and TSV:
   * `auto`, when left out, those a model wrote; `all`, the input's as well; `off`, none. A receipt names
   * the input's columns that hold such cells.
   */
  readonly formulaSafe?: FormulaSafe;
  /** The columns of the input that are written before the new ones; all when left out, none when empty. */
  readonly oldColumns?: readonly string[];
  /** Puts the output in the input's place, once it is whole; `output` must then be the input's path. */
  readonly inPlace?: boolean;
}

/** A file to read and a file to write. */
export interface FilePair extends OutputHow {
  /** The file to read; never changed. A directory or a pattern for several, `-` for standard input. */
  readonly input: string;
  /** The file to write, in the format of its ending, whole or not at all; it may exist. `-` for standard output. */
  readonly output: string;
  /** What the input does not show of itself. */
  readonly reading?: OpenFileOptions;
}

/** The members of {@link OutputHow} that are given, to be remembered or passed on. */
export function outputHow({ formulaSafe, oldColumns, inPlace }: OutputHow): OutputHow {
  return {
    ...(formulaSafe === undefined ? {} : { formulaSafe }),
    ...(oldColumns === undefined ? {} : { oldColumns }),
    ...(inPlace === undefined ? {} : { inPlace }),
  };
}

/**
 * Refuses what cannot be written, before anything is sent; gives what is to be said of columns whose types
 * the output will not have, in sentences.
 *
 * @throws {InputError} `unknown_column`, `in_place_unable`, and what {@link checkFileOutput} throws.
 */
export async function checkHow(
  input: FileFrame,
  output: string,
  how: OutputHow & { readonly leavesOutRows: boolean },
): Promise<readonly string[]> {
  const missing = how.oldColumns?.find((name) => !input.columns.includes(name));
  if (missing !== undefined)
    throw new InputError(
      "unknown_column",
      `${input.name} has no column ${JSON.stringify(missing)} to write. Nothing was sent.`,
      { hint: didYouMean(missing, input.columns) },
    );
  const isOne = input.files.length === 1 && input.path !== "-";
  if (how.inPlace === true && !(isOne && absolute(output) === absolute(input.path)))
    throw new InputError(
      "in_place_unable",
      `${output} cannot be put in the place of ${input.path}. Nothing was sent.`,
      { hint: "Only a single file can be replaced, and by itself; else name an output." },
    );
  await checkFileOutput(input, targetOf(output, how), how.leavesOutRows);
  return await outputNotes(input, targetOf(output, how), how);
}

/** Writes the output; gives what was written. @throws {InputError} as {@link writeFileFrame} does. */
export async function writeOutput(
  write: Parameters<typeof writeFileFrame>[0],
  how: OutputHow,
): Promise<FileWritten> {
  const target = targetOf(write.output, how, write.resume?.journal);
  const { inPlace, ...rest } = outputHow(how);
  const written = await writeFileFrame({ ...write, ...rest, output: target });
  if (inPlace !== true) return written;
  try {
    const input = await realpath(write.output);
    await chmod(target, (await stat(input)).mode);
    await rename(target, input);
    return written;
  } finally {
    await rm(target, { force: true });
  }
}

/** The receipt with a word on the input's columns that a spreadsheet would run, or that have lost their types. */
export function withNotes(
  receipt: Receipt,
  { formulaColumns, notes = [] }: Pick<FileWritten, "formulaColumns" | "notes">,
): Receipt {
  const told = [...formulaNotes(formulaColumns), ...notes];
  if (told.length === 0) return receipt;
  return { ...receipt, warnings: [...(receipt.warnings ?? []), ...told] };
}

function formulaNotes(columns: ReadonlySet<string>): readonly string[] {
  if (columns.size === 0) return [];
  const names = [...columns].slice(0, MOST_NAMED).map((name) => JSON.stringify(name));
  const more = columns.size > MOST_NAMED ? `, and ${String(columns.size - MOST_NAMED)} more` : "";
  const told = `The input's own cells are written as they are; a spreadsheet would run some of them as formulas, in: ${names.join(", ")}${more}.`;
  return [told];
}

/** What is told of an output before anything is written. */
export const NOTHING_TOLD: Pick<FileWritten, "formulaColumns" | "notes"> = {
  formulaColumns: new Set<string>(),
};

const MOST_NAMED = 10;
const MARK = randomBytes(4).toString("hex");

/** Where the output is written first: beside the input, with its ending, when it is to take its place. */
function targetOf(output: string, { inPlace }: OutputHow, journal?: string): string {
  if (inPlace !== true) return output;
  // Named for the run, a write that was killed finds its file again.
  const mark = journal === undefined ? MARK : contentHash(journal).slice(0, MARK.length);
  const ending = /\.[^./\\]+\.(gz|zst)$/i.exec(output)?.[0] ?? extname(output);
  return join(dirname(output), `.batchframe-${mark}${ending}`);
}
