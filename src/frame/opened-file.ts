/** One file of any format, opened by the reader of its format. */

import { InputError } from "../core/errors.ts";
import type { ArrowFrame } from "./arrow.ts";
import { textChunks } from "./compression.ts";
import type { OnBadRow } from "./csv-judged.ts";
import { openCsv, type CsvFrame } from "./csv.ts";
import { namedFormat, sniffedFormat, type FileFormat } from "./format.ts";
import { openJson, type JsonFrame } from "./json.ts";
import type { ParquetFrame } from "./parquet.ts";

/** What a caller knows better than a file shows. */
export interface OpenFileOptions {
  /** The format; by the name's ending when left out, and by the content where that says nothing. */
  readonly format?: FileFormat;
  /** One character between the cells of CSV; found from the file when left out. */
  readonly delimiter?: string;
  /** What becomes of CSV rows that cannot be used; `fail` when left out. */
  readonly onBadRow?: OnBadRow;
  /** False where the first line of CSV is a row; the columns are then `column_1`, `column_2`, …, and the output has no header either. */
  readonly header?: boolean;
  /** Looks at the first rows only where that saves a reading; for a first sight. All rows when left out. */
  readonly rowsSeen?: number;
}

/** A file's frame, and of what kind it is. */
export type OpenedFile =
  | { readonly kind: "csv"; readonly frame: CsvFrame }
  | { readonly kind: "json"; readonly frame: JsonFrame }
  | { readonly kind: "parquet"; readonly frame: ParquetFrame }
  | { readonly kind: "arrow"; readonly frame: ArrowFrame };

/**
 * The format of a file: as its name's ending says, else as its first bytes do.
 *
 * @throws {InputError} `file_format`, and what reading the file throws.
 */
export async function formatOf(path: string): Promise<FileFormat> {
  const { format, compression } = namedFormat(path);
  if (format === null) return sniffedFormat(await headOf(path), path);
  if (compression === null || (format !== "parquet" && format !== "arrow")) return format;
  throw new InputError("file_format", `${path} is a compressed ${format} file. Nothing was sent.`, {
    hint: "Decompress it first: such files cannot be read from the middle, and are compressed inside already.",
  });
}

/**
 * Opens a file as this format.
 *
 * A `.json` file with one object on each line, as some programs write it, is read as JSON Lines.
 *
 * @throws {InputError} `option_invalid` for options that the format has no use for, and what the
 * format's own reader throws.
 */
export async function openAs(
  path: string,
  format: FileFormat,
  options: Omit<OpenFileOptions, "format">,
): Promise<OpenedFile> {
  const { delimiter, onBadRow, header, rowsSeen } = options;
  if (format === "csv" || format === "tsv") {
    const cut = delimiter ?? (format === "tsv" ? "\t" : undefined);
    const own = {
      ...(cut === undefined ? {} : { delimiter: cut }),
      ...(onBadRow === undefined ? {} : { onBadRow }),
      ...(header === undefined ? {} : { header }),
    };
    return { kind: "csv", frame: await openCsv(path, own) };
  }
  refuseCsvOptions(path, format, options);
  // Loaded when needed: text needs neither, and both bring large packages.
  if (format === "parquet") {
    const { openParquet } = await import("./parquet.ts");
    return { kind: "parquet", frame: await openParquet(path) };
  }
  if (format === "arrow") {
    const { openArrow } = await import("./arrow.ts");
    return { kind: "arrow", frame: await openArrow(path) };
  }
  const isLines = format === "jsonl" || sniffedFormat(await headOf(path), path) === "jsonl";
  const layout = isLines ? "jsonl" : "json";
  const seen = rowsSeen === undefined ? {} : { rowsSeen };
  return { kind: "json", frame: await openJson(path, { layout, ...seen }) };
}

function refuseCsvOptions(path: string, format: FileFormat, options: OpenFileOptions): void {
  const { delimiter, onBadRow = "fail", header = true } = options;
  const [absent] = [
    ...(delimiter === undefined ? [] : ["delimiter"]),
    ...(onBadRow === "fail" ? [] : ["row with too few or too many cells"]),
    ...(header ? [] : ["header to do without"]),
  ];
  if (absent === undefined) return;
  throw new InputError(
    "option_invalid",
    `${path} is read as ${format}, where there is no ${absent}. Nothing was sent.`,
    {
      hint: "Leave delimiter, onBadRow and header out, which are for CSV, or name the format csv.",
    },
  );
}

/** Enough to see past a byte order mark and blank lines. */
const headBytes = 4096;

async function headOf(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of textChunks(path)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, headBytes);
}
