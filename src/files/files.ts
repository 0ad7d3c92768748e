/** Files as frames, and frames as files, whatever the format: the one door for every file of rows. */

import { basename, resolve as absolute } from "node:path";
import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import { filesAt } from "./file-parts.ts";
import type { Compression } from "../frame/compression.ts";
import type { FormulaSafe } from "../frame/csv-cells.ts";
import { beforeSending } from "../frame/csv-errors.ts";
import type { BadRows } from "../frame/csv-judged.ts";
import { checkOutput, standardOutput } from "../frame/csv-output.ts";
import { writeCsvParts } from "../frame/csv-write.ts";
import { listedFormats, namedFormat, type FileFormat } from "../frame/format.ts";
import type { Frame } from "../frame/frame.ts";
import { writeJson } from "../frame/json-write.ts";
import { formatOf, openAs, type OpenedFile, type OpenFileOptions } from "../frame/opened-file.ts";
import { partsFrame } from "../frame/parts.ts";
import { stayingNames } from "../frame/new-columns.ts";
import { writeFreshText } from "../frame/text-write.ts";
import type { WriteResume } from "../frame/write-marks.ts";
import type { RowKeeper } from "./kept-rows.ts";
import { inputContent } from "./input-content.ts";
import { spooledInput } from "./spool.ts";
import { joinedTyping, refuseRewriting, staysWhole, typedNames } from "./typed-files.ts";

/** A file, or several read as one, as a {@link Frame}. */
export interface FileFrame extends Frame {
  /** As it was given; `-` for standard input. */
  readonly path: string;
  /** As it was given or named, else as the content showed. */
  readonly format: FileFormat;
  /** The files in the order of their rows: one, or more for a directory or a pattern. */
  readonly files: readonly [OpenedFile, ...OpenedFile[]];
  /** The rows of each file that were left out or passed on unasked; files without any are left out. */
  badRows(): Promise<readonly (BadRows & { readonly path: string })[]>;
}

/** What stands for standard input where a path is asked for. A file of that name is `./-`. */
const standardInput = "-";

/**
 * Opens a file of rows: CSV, TSV, JSON Lines, a JSON array (each also compressed with gzip or zstd),
 * Parquet or Arrow.
 *
 * A directory, or a pattern with `*`, stands for all its files in the order of their names, which must be
 * of one format and have one header; JSON parts may lack names that others have. `-` is standard input,
 * which is read to its end first and kept in a private temporary file until the process ends.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_format`, `parts_differ`,
 * `option_invalid` for options that the format has no use for, and what the format's own reader throws;
 * nothing was sent.
 */
export async function openFile(
  path: string,
  options: OpenFileOptions & {
    /** A file that is not taken for a part, though it lies among them: the output of an earlier call. */
    readonly output?: string;
  } = {},
): Promise<FileFrame> {
  if (path === standardInput) {
    return await openAll([await spooledInput()], { path, name: "stdin", options });
  }
  const found = await filesAt(path);
  const isItself = found.length === 1 && found[0] === path;
  const output = isItself ? null : absolute(options.output ?? "");
  const parts = found.filter((part) => absolute(part) !== output);
  // Where there is nothing else, the output is refused for being the input.
  const paths = parts.length > 0 ? parts : found;
  return await openAll(paths, { path, name: isItself ? basename(path) : folderOf(path), options });
}

/** Opens files as one, in this order, as {@link openFile} opens those of a directory. */
export async function openFiles(
  paths: readonly string[],
  options: OpenFileOptions,
): Promise<FileFrame> {
  const [path = ""] = paths;
  return await openAll(paths, { path, name: basename(path), options });
}

/** The last folder that a path names without a pattern. */
function folderOf(path: string): string {
  const plain = absolute(path)
    .split(/[\\/]/)
    .filter((part) => part !== "" && !/[*?[{]/.test(part));
  return plain.at(-1) ?? "files";
}

async function openAll(
  paths: readonly string[],
  given: { readonly path: string; readonly name: string; readonly options: OpenFileOptions },
): Promise<FileFrame> {
  const { path, name, options } = given;
  const files: OpenedFile[] = [];
  const format = options.format ?? (await commonFormat(paths));
  for (const part of paths) files.push(await openAs(part, format, options));
  const [first, ...others] = files;
  if (first === undefined) throw new InvariantError("files_none", `${path} stands for no file.`);
  refuseOtherDelimiters(files);
  const frames = files.map(({ frame }) => frame);
  const frame =
    others.length === 0
      ? first.frame
      : partsFrame(name, frames, { mayLack: first.kind === "json", ...joinedTyping(files) });
  return {
    name,
    columns: frame.columns,
    blocks: (columns, maxRows, firstRow) => frame.blocks(columns, maxRows, firstRow),
    fingerprint: () => frame.fingerprint(),
    ...(frame.types === undefined ? {} : { types: () => frame.types?.() ?? Promise.resolve([]) }),
    path,
    format,
    files: [first, ...others],
    badRows: () => badRowsOf(files),
  };
}

/** The one format of all files. @throws {InputError} `parts_differ` */
async function commonFormat(paths: readonly string[]): Promise<FileFormat> {
  const formats: FileFormat[] = [];
  for (const path of paths) {
    formats.push(
      await formatOf(path).catch((error: unknown) => {
        throw beforeSending(error);
      }),
    );
  }
  const [first] = formats;
  const at = formats.findIndex((format) => format !== first);
  if (first !== undefined && at < 0) return first;
  throw new InputError(
    "parts_differ",
    `${paths[at] ?? ""} is ${formats[at] ?? ""} and ${paths[0] ?? ""} is ${first ?? ""}. Nothing was sent.`,
    { hint: 'Give files of one format, as with a pattern such as "parts/*.csv".' },
  );
}

function refuseOtherDelimiters(files: readonly OpenedFile[]): void {
  const cut = files.flatMap(({ kind, frame }) =>
    kind === "csv" ? [{ path: frame.path, delimiter: frame.dialect.delimiter }] : [],
  );
  const other = cut.find(({ delimiter }) => delimiter !== cut[0]?.delimiter);
  if (other === undefined) return;
  throw new InputError(
    "parts_differ",
    `${other.path} is cut by ${JSON.stringify(other.delimiter)} and ${cut[0]?.path ?? ""} by ${JSON.stringify(cut[0]?.delimiter)}. Nothing was sent.`,
    { hint: "Give parts that are written alike, or say what the delimiter is." },
  );
}

async function badRowsOf(
  files: readonly OpenedFile[],
): Promise<readonly (BadRows & { readonly path: string })[]> {
  const found: (BadRows & { readonly path: string })[] = [];
  for (const { kind, frame } of files) {
    if (kind !== "csv" || frame.onBadRow === "fail") continue;
    const bad = await frame.badRows();
    if (bad.count > 0) found.push({ path: frame.path, ...bad });
  }
  return found;
}

/** How an output is to be written. */
interface OutputPlan {
  readonly format: FileFormat;
  readonly compression: Compression;
  /** Whether the input's own bytes are given back, with new columns put in. */
  readonly isOwn: boolean;
}

/**
 * Refuses an output that cannot be written, or not from this input. Writes nothing; call it before
 * anything is sent.
 *
 * @throws {InputError} `output_format`, `column_type` for a column that the output's format cannot hold,
 * or, where rows are to be left out, cannot hold unchanged; `output_is_input` or `output_unwritable`.
 */
export async function checkFileOutput(
  input: FileFrame,
  output: string,
  leavesOutRows = false,
): Promise<void> {
  const plan = planOf(input, output);
  const target = { output, ...plan };
  if (leavesOutRows) await refuseRewriting(input, target, "leaving out");
  for (const { frame } of input.files) await checkOutput(output, frame.path, "before sending");
  if (plan.isOwn && (await staysWhole(input.files))) return;
  await refuseRewriting(input, target, "joining");
  const asValues = await typedNames(input, plan.format);
  // Whether a column has text, or values, is known once its first cell is asked for.
  for await (const block of input.blocks(input.columns, 1)) {
    for (const name of input.columns)
      if (asValues.has(name)) block.values(name);
      else block.text(name);
    return;
  }
}

/** How the rows of a file are written. */
interface WrittenHow {
  readonly leavesOutRows: boolean;
  /** The columns of the input that are written; all when left out. */
  readonly oldColumns?: readonly string[];
}

/**
 * What is to be said before anything is sent of columns whose types the output will not have, in sentences.
 *
 * @throws {InputError} `output_format`, and what reading the types throws.
 */
export async function outputNotes(
  input: FileFrame,
  output: string,
  { leavesOutRows, oldColumns }: WrittenHow,
): Promise<readonly string[]> {
  const { format, isOwn } = planOf(input, output);
  if (format !== "parquet" && format !== "arrow") return [];
  const isWhole = isOwn && !leavesOutRows && oldColumns === undefined;
  if (isWhole && (await staysWhole(input.files))) return [];
  const { plannedTypeNotes } = await import("../frame/typed-columns.ts");
  const written = oldColumns === undefined ? input : { ...input, columns: oldColumns };
  return await plannedTypeNotes(written, format);
}

/** What was written. */
export interface FileWritten {
  readonly rows: number;
  /** New text cells that began like a formula and got a leading apostrophe; in CSV and TSV only. */
  readonly neutralisedCells: number;
  /** Columns of the input with text that a spreadsheet would run, written as it was; in CSV and TSV only. */
  readonly formulaColumns: ReadonlySet<string>;
  /** What is to be said of columns that have lost their types, in sentences; left out where none can. */
  readonly notes?: readonly string[];
}

/**
 * Writes the rows of a file with new columns after its own, in the format that the output's ending says.
 *
 * With `replaces`, old columns that have the names of new ones are left out. Without an ending, and for `-`, which is standard output, that is the input's. In its own format the
 * input's bytes come back as they are; in another its cells are written anew, into Parquet and Arrow from
 * one another with their types, else as text, since other formats do not say theirs. Where rows are left
 * out, Parquet and Arrow are written anew as well. `.gz` and `.zst` compress. A file appears whole or
 * not at all.
 *
 * @throws {InputError} `output_format`, `column_exists`, `output_is_input`, `output_unwritable`,
 * `disk_full`, `input_changed`, and what reading the input throws.
 * @throws {InvariantError} `cells_misaligned`, `cells_count` or `cells_type` where the cells do not fit.
 */
export async function writeFileFrame(options: {
  readonly input: FileFrame;
  readonly output: string;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  /** Says which rows are written, by their new cells; all are when left out. */
  readonly keeper?: Pick<RowKeeper, "keeps" | "counted">;
  /** Which cells that a spreadsheet would run are made harmless; those that are new when left out. */
  readonly formulaSafe?: FormulaSafe;
  /** The columns of the input that are written; all when left out. */
  readonly oldColumns?: readonly string[];
  /**
   * Whether old columns with the names of new ones are left out; they are refused when left out. In CSV and JSON of
   * their own, new cells that have the value of such an old one are written as that was.
   */
  readonly replaces?: boolean;
  /** How a write that was killed is gone on with; it begins anew when left out. */
  readonly resume?: WriteResume;
}): Promise<FileWritten> {
  const { output, oldColumns, formulaSafe, replaces = false } = options;
  const chosen = oldColumns ?? options.input.columns;
  const input = { ...options.input, columns: stayingNames(chosen, options.columns, replaces) };
  const named = planOf(input, output);
  const altersText = formulaSafe === "all" && (named.format === "csv" || named.format === "tsv");
  const isTyped = named.format === "parquet" || named.format === "arrow";
  const isWhole = oldColumns === undefined && !(isTyped && options.keeper !== undefined);
  const plan = { ...named, isOwn: named.isOwn && isWhole && !altersText };
  const inputPaths = input.files.map(({ frame }) => frame.path);
  for (const path of inputPaths) await checkOutput(output, path, "before writing");
  const [{ kind, frame: first }] = input.files;
  const { resume, keeper } = options;
  const written = {
    formulaSafe: formulaSafe ?? null,
    oldColumns: oldColumns ?? null,
    replaces,
    ...plan,
  };
  const keeps = keeper === undefined ? {} : { keeps: keeper.keeps };
  const counted = keeper === undefined ? {} : { counted: keeper.counted };
  const content = resume === undefined ? "" : await inputContent(input.files);
  const key = resume === undefined ? "" : `${resume.key} ${JSON.stringify(written)} ${content}`;
  const marked = resume === undefined ? {} : { resume: { ...resume, ...counted, key } };
  const to = { ...options, ...keeps, ...marked, compression: plan.compression };
  const own = oldColumns === undefined ? await writeOwn(input, to, plan) : null;
  const nothing = { neutralisedCells: 0, formulaColumns: new Set<string>() };
  if (own !== null) return { ...nothing, ...own };
  const fresh = { ...options, ...keeps, ...marked, frame: input, inputPath: first.path };
  switch (plan.format) {
    case "parquet": {
      const { codecOfFile, writeFreshParquet } = await parquet();
      const codec = kind === "parquet" ? { codec: codecOfFile(first) } : {};
      return { ...(await writeFreshParquet({ ...fresh, ...codec })), ...nothing };
    }
    case "arrow": {
      const { writeFreshArrow } = await arrow();
      const container = /\.arrows$/i.test(output) ? "stream" : "file";
      return { ...(await writeFreshArrow({ ...fresh, container })), ...nothing };
    }
    default:
      return await writeFreshText({
        ...{ ...to, frame: input, inputPaths, format: plan.format },
        ...layoutOf(input, named.isOwn),
      });
  }
}

/** How a file of text is written anew: like the input, where that is CSV too. */
function layoutOf(
  { files: [{ kind, frame }] }: FileFrame,
  isOwn: boolean,
): { readonly delimiter?: string; readonly header?: boolean } {
  if (kind !== "csv") return {};
  return {
    header: frame.hasHeader,
    ...(isOwn ? { delimiter: frame.dialect.delimiter } : {}),
  };
}

// Loaded when needed: text needs neither, and both bring large packages.
const parquet = () => import("../frame/parquet-write.ts");
const arrow = () => import("../frame/arrow-write.ts");

type To = Parameters<typeof writeFileFrame>[0] & {
  readonly compression: Compression;
  readonly keeps?: (row: readonly NewCell[]) => boolean;
};

/** Writes what needs no cell of the input to be written anew; null where that cannot be. */
async function writeOwn(
  { files }: FileFrame,
  to: To,
  plan: OutputPlan,
): Promise<(Partial<FileWritten> & { readonly rows: number }) | null> {
  const [first] = files;
  const json = files.flatMap(({ kind, frame }) => (kind === "json" ? [frame] : []));
  // Objects stay as they are between JSON Lines and arrays too.
  if (first.kind === "json" && (plan.format === "json" || plan.format === "jsonl")) {
    const layout = plan.isOwn ? first.frame.layout : plan.format;
    return await writeJson({ ...to, inputs: json, layout });
  }
  if (!plan.isOwn) return null;
  const csv = files.flatMap(({ kind, frame }) => (kind === "csv" ? [frame] : []));
  if (first.kind === "csv") return await writeCsvParts({ ...to, inputs: csv });
  if (!(await staysWhole(files))) return null;
  const [, ...others] = files;
  if (first.kind === "parquet") {
    const more = others.flatMap(({ kind, frame }) => (kind === "parquet" ? [frame] : []));
    return await (await parquet()).writeParquet({ ...to, input: first.frame, others: more });
  }
  if (first.kind !== "arrow") return null;
  const more = others.flatMap(({ kind, frame }) => (kind === "arrow" ? [frame] : []));
  return await (await arrow()).writeArrow({ ...to, input: first.frame, others: more });
}

function planOf(input: FileFrame, output: string): OutputPlan {
  const named = namedFormat(output);
  const isNamed = named.format !== null || !/^(\.txt)?$/i.test(named.ending);
  if (output !== standardOutput && isNamed && named.format === null) throw unknownEnding(output);
  const { format = null, compression } = output === standardOutput ? { compression: null } : named;
  const plan = { format: format ?? input.format, compression };
  const isBinary = plan.format === "parquet" || plan.format === "arrow";
  if (isBinary && compression !== null) throw unknownEnding(output);
  const isOwn = plan.format === input.format || isTabbed(input, plan.format);
  return { ...plan, isOwn };
}

/** Whether a file, whatever its name, is written as TSV is. */
function isTabbed({ files: [{ kind, frame }] }: FileFrame, format: FileFormat): boolean {
  return format === "tsv" && kind === "csv" && frame.dialect.delimiter === "\t";
}

function unknownEnding(output: string): InputError {
  return new InputError(
    "output_format",
    `${output} cannot be written: its ending stands for no format that is known. Nothing was sent.`,
    { hint: `Let the name end in one of: ${listedFormats()}.` },
  );
}
