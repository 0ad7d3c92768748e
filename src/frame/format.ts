/** Which format a file has, by its name and by its first bytes. */

import { InputError } from "../core/errors.ts";
import type { Compression } from "./compression.ts";
import { isUtf16 } from "./csv-dialect.ts";

/** The formats that are read and written. */
export type FileFormat = "csv" | "tsv" | "jsonl" | "json" | "parquet" | "arrow";

/** What a file's name says of it. */
export interface NamedFormat {
  /** Null where the name's ending says nothing. */
  readonly format: FileFormat | null;
  readonly compression: Compression;
  /** The ending, with that of the compression: ".csv.gz"; "" where there is none. */
  readonly ending: string;
}

const endings: ReadonlyMap<string, FileFormat> = new Map([
  ["csv", "csv"],
  ["tsv", "tsv"],
  ["tab", "tsv"],
  ["jsonl", "jsonl"],
  ["ndjson", "jsonl"],
  ["json", "json"],
  ["parquet", "parquet"],
  ["pq", "parquet"],
  ["arrow", "arrow"],
  ["arrows", "arrow"],
  ["ipc", "arrow"],
  ["feather", "arrow"],
]);

const compressions: ReadonlyMap<string, Compression> = new Map([
  ["gz", "gzip"],
  ["zst", "zstd"],
]);

/** What the ending of a path's last part says, letters of either case. */
export function namedFormat(path: string): NamedFormat {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  const [, outer = ""] = /.\.([a-z0-9]+)$/i.exec(name) ?? [];
  const compression = compressions.get(outer.toLowerCase()) ?? null;
  const inner = compression === null ? name : name.slice(0, -outer.length - 1);
  const [, word = ""] = /.\.([a-z0-9]+)$/i.exec(inner) ?? [];
  const format = endings.get(word.toLowerCase()) ?? null;
  const known = format === null ? "" : `.${word}`;
  const ending = compression === null ? `.${word}` : `${known}.${outer}`;
  return { format, compression, ending: ending === "." ? "" : ending };
}

/**
 * The format of a file that begins with these bytes of its text, decompressed where it is compressed.
 *
 * Text that begins with `{` is JSON Lines, with `[` a JSON array, any other text CSV.
 *
 * @throws {InputError} `file_format` for bytes that are none of it.
 */
export function sniffedFormat(head: Buffer, path: string): Exclude<FileFormat, "tsv"> {
  if (head.subarray(0, 4).toString("latin1") === "PAR1") return "parquet";
  if (head.subarray(0, 6).toString("latin1") === "ARROW1") return "arrow";
  // A stream begins with a continuation marker: the Arrow columnar format, "Encapsulated message format".
  if (head.length >= 8 && head.readUInt32LE() === 0xffffffff) return "arrow";
  // The reader of CSV has the words for it.
  if (isUtf16(head)) return "csv";
  const isZip = head.subarray(0, 4).toString("latin1") === "PK\u0003\u0004";
  if (isZip || head.includes(0)) throw unknownContent(path, isZip);
  const start = head.toString("utf8").replace(/^\ufeff?\s*/, "");
  if (start.startsWith("{")) return "jsonl";
  return start.startsWith("[") ? "json" : "csv";
}

function unknownContent(path: string, isZip: boolean): InputError {
  const what = isZip ? "is a ZIP archive, as Excel workbooks are" : "is not text";
  return new InputError("file_format", `${path} ${what}; it cannot be read.`, {
    hint: `What can be read: ${listedFormats()}. ${isZip ? "Save the sheet as CSV, or unpack the archive." : "If it is one of these, give the format by name."}`,
  });
}

/** The formats and endings, as messages name them. */
export function listedFormats(): string {
  return ".csv .tsv .jsonl .json (also with .gz or .zst), .parquet, .arrow";
}
