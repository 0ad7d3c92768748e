/** What a shared run reads: the files of its input, each a part, and large ones cut into several. */

import { mkdir, rm, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { InputError } from "../core/errors.ts";
import { filesAt } from "../files/file-parts.ts";
import { splitFile } from "../files/split-file.ts";
import { namedFormat } from "../frame/format.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import type { Objects } from "../store/objects.ts";
import { nameOf } from "./part-frame.ts";
import { isRemote, openPlace } from "./places.ts";

/** A file of the input. */
export interface InputFile {
  readonly name: string;
  /** Differs when the content does. */
  readonly version: string;
  readonly bytes: number;
  /** Its path on this machine, or where it is among objects. */
  readonly at: string | { readonly place: Objects; readonly key: string };
}

/** What a part reads: a file on this machine that has to be handed over, or an object where it is. */
export interface PartInput extends Omit<InputFile, "bytes"> {
  /** Whether it is one of several pieces of a file; its own file is gone once the next is asked for. */
  readonly isPiece: boolean;
}

/**
 * The files an input stands for, in the order of their names; what is marked as no data, by `_` or `.`,
 * is left out.
 *
 * @throws {InputError} `file_missing`, `option_unsupported` for standard input.
 */
export async function inputFiles(input: string): Promise<readonly InputFile[]> {
  if (isRemote(input)) return await remoteFiles(input);
  if (input === "-")
    throw new InputError(
      "option_unsupported",
      "Standard input cannot be shared by many machines. Nothing was sent.",
      { hint: "Write it to a file first." },
    );
  const files: InputFile[] = [];
  for (const found of await filesAt(input)) {
    const path = resolve(found);
    const { size, mtimeMs } = await stat(path).catch((cause: unknown) => {
      throw new InputError("file_missing", `There is no file ${path}. Nothing was sent.`, {
        cause,
      });
    });
    const version = `${String(size)}-${String(Math.floor(mtimeMs))}`;
    files.push({ name: basename(path), version, bytes: size, at: path });
  }
  return files;
}

async function remoteFiles(input: string): Promise<readonly InputFile[]> {
  const at = input.lastIndexOf("/");
  const name = input.slice(at + 1);
  const isOne = namedFormat(name).format !== null;
  const place = openPlace(isOne ? input.slice(0, at) : input);
  const found = (await place.list(isOne ? name : "")).filter(({ key }) =>
    isOne ? key === name : !/^[._]/.test(nameOf(key)),
  );
  if (found.length > 0)
    return found.map(({ key, ...entry }) => ({ ...entry, name: nameOf(key), at: { place, key } }));
  await place[Symbol.asyncDispose]();
  throw new InputError("file_missing", `There is no object in ${input}. Nothing was sent.`, {
    hint: "Give an object, or the folder of the parts, such as s3://bucket/folder/.",
  });
}

/** How files are cut. */
export interface Cuts {
  /** The most rows of a part; null cuts files larger than 256 MiB into parts of about so many bytes. */
  readonly partRows: number | null;
  readonly reading: OpenFileOptions;
  /** A folder for copies and pieces. */
  readonly folder: string;
}

const MOST_BYTES = 256 * 1024 * 1024;

/**
 * The inputs of the parts, in order; a large file's pieces are written one at a time, as they are asked for.
 *
 * @throws {InputError} `split_unsupported` where `partRows` is given for what cannot be cut, and what
 * reading the files throws.
 */
export async function* partInputs(
  files: readonly InputFile[],
  { partRows, reading, folder }: Cuts,
): AsyncGenerator<PartInput> {
  for (const { bytes, ...file } of files) {
    const format = reading.format ?? namedFormat(file.name).format;
    const isLarge = bytes > MOST_BYTES && format !== null && CUT_UNASKED.has(format);
    if (partRows === null && !isLarge) {
      yield { ...file, isPiece: false };
      continue;
    }
    const pieces = join(folder, "pieces");
    await mkdir(pieces, { recursive: true });
    const path = await localPath(file, folder);
    const { ending } = namedFormat(file.name);
    const stem = file.name.slice(0, file.name.length - ending.length);
    const how = {
      maxRows: partRows ?? Number.POSITIVE_INFINITY,
      maxBytes: partRows === null ? MOST_BYTES : Number.POSITIVE_INFINITY,
    };
    let number = 0;
    for await (const piece of splitFile(path, { ...how, reading, folder: pieces })) {
      number += 1;
      const own = `${stem}-${String(number)}${namedFormat(piece.path).ending}`;
      const version = `${file.version}#${String(number)}`;
      yield { name: own, version, at: piece.path, isPiece: true };
      await rm(piece.path);
    }
    if (path !== file.at) await rm(path);
  }
}

const CUT_UNASKED: ReadonlySet<string> = new Set(["csv", "tsv", "jsonl", "parquet"]);

/** A file's path on this machine, to which it is copied when it is elsewhere. */
export async function localPath(
  { name, at }: Pick<InputFile, "name" | "at">,
  folder: string,
): Promise<string> {
  if (typeof at === "string") return at;
  const path = join(folder, "input", name);
  await at.place.fetch(at.key, path);
  return path;
}
