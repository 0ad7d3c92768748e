/** What becomes of the types of Parquet, Arrow and JSON files when their rows are written into Parquet or Arrow. */

import { InputError } from "../core/errors.ts";
import type { FileFormat } from "../frame/format.ts";
import type { Frame, TypedField } from "../frame/frame.ts";
import { joinedSeen, joinedTypes, seenTypes } from "../frame/joined-types.ts";
import type { OpenedFile } from "../frame/opened-file.ts";
import type { TypedFormat } from "../frame/typed-columns.ts";

/** Files that are read as one. */
interface Input extends Pick<Frame, "types"> {
  readonly path: string;
  readonly files: readonly OpenedFile[];
}

/** Where their rows go. */
interface Target {
  readonly output: string;
  readonly format: FileFormat;
  /** Whether that is their own format. */
  readonly isOwn: boolean;
}

/** The types that the columns of several files have, for the frame over them; nothing where they say none. */
export function joinedTyping(files: readonly OpenedFile[]): Pick<Frame, "types"> {
  const json = files.flatMap(({ kind, frame }) => (kind === "json" ? [frame] : []));
  if (json.length > 0) {
    const seen = joinedSeen(json);
    if (seen === null) return {};
    const types = seenTypes(seen);
    return { types: () => Promise.resolve(types) };
  }
  const typed = files.flatMap(({ kind, frame }) => (kind === "csv" ? [] : [frame]));
  if (typed.length === 0) return {};
  // The footers of many files are read once.
  let types: Promise<readonly TypedField[]> | null = null;
  return { types: () => (types ??= joinedTypes(typed)) };
}

/** Whether files in their own format can be written as they stand, with new columns put in. */
export async function staysWhole(files: readonly OpenedFile[]): Promise<boolean> {
  if (files.length === 1) return true;
  const [first] = files;
  if (first?.kind === "parquet") {
    const { joinableParquet } = await import("../frame/parquet-write.ts");
    return await joinableParquet(
      files.flatMap(({ kind, frame }) => (kind === "parquet" ? [frame] : [])),
    );
  }
  if (first?.kind !== "arrow") return true;
  const { joinableArrow } = await import("../frame/arrow-joined.ts");
  return await joinableArrow(files.flatMap(({ kind, frame }) => (kind === "arrow" ? [frame] : [])));
}

function isTyped(format: FileFormat): format is TypedFormat {
  return format === "parquet" || format === "arrow";
}

/** The columns that keep their types in a typed format; none in another. */
export async function typedNames(input: Input, format: FileFormat): Promise<ReadonlySet<string>> {
  if (!isTyped(format)) return new Set();
  const { typeObstacle } = await import("../frame/typed-columns.ts");
  const types = (await input.types?.()) ?? [];
  const own = types.filter(
    ({ type, told }) => told === undefined && typeObstacle(type, format) === null,
  );
  return new Set(own.map(({ name }) => name));
}

/** Refuses to write columns of a typed file again that could not be the same then. @throws {InputError} `output_format` */
export async function refuseRewriting(
  input: Input,
  { output, format, isOwn }: Target,
  why: "leaving out" | "joining",
): Promise<void> {
  if (!isOwn || !isTyped(format)) return;
  const { exactObstacle } = await import("../frame/typed-columns.ts");
  for (const { name, type } of (await input.types?.()) ?? []) {
    const obstacle = exactObstacle(type, format);
    if (obstacle === null) continue;
    const what =
      why === "leaving out"
        ? `Rows cannot be left out of ${output}: its`
        : `The files of ${input.path} are not all alike and cannot be joined into ${output}: their`;
    throw new InputError(
      "output_format",
      `${what} column ${JSON.stringify(name)} holds ${obstacle}, which cannot be written again as they are. Nothing was sent.`,
      {
        hint:
          why === "leaving out"
            ? "Let the output's name end in .csv or .jsonl, or keep all rows and their column."
            : "Let the output's name end in .csv or .jsonl, or give the files one by one.",
      },
    );
  }
}
