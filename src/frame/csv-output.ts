/** A file that appears whole or not at all. */

import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { access, constants, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../core/errors.ts";
import { systemCode } from "./csv-errors.ts";
import type { Compression } from "./compression.ts";
import { textSink } from "./text-sink.ts";
import { countedMarks, NO_MARKS, openMarked } from "./write-marks.ts";
import type { MarkedFile, Marks, WriteResume } from "./write-marks.ts";

/** Where an output will stand and what stands there now. */
interface Target {
  /** Absolute, links followed, so that a link keeps pointing at the file written. */
  readonly path: string;
  /** Permissions of the file to be replaced; null where there is none. */
  readonly mode: number | null;
}

/**
 * Refuses an output path that cannot be written, or that is the input under this or another name.
 *
 * Call it before anything is sent, as what it throws then says: a file is made beside the output and removed
 * again, since some folders take none though they look as if they did; a disk may still fill up later. Just
 * before an output is written answers may have been bought, and nothing is said of that.
 *
 * @throws {InputError} `output_is_input` or `output_unwritable`.
 */
export async function checkOutput(
  output: string,
  input: string,
  when: "before sending" | "before writing",
): Promise<void> {
  if (output === standardOutput) return;
  const told = when === "before sending" ? " Nothing was sent." : "";
  const { path } = await targetOf(output, input, told);
  if (when === "before sending") await tryFolder(dirname(path), { output, told });
}

async function tryFolder(
  folder: string,
  known: Pick<WriteState, "output" | "told">,
): Promise<void> {
  const path = temporaryIn(folder);
  try {
    await (await open(path, "wx")).close();
    await unlink(path);
  } catch (error) {
    const code = systemCode(error);
    const isKnown = code === "EACCES" || code === "EPERM" || code === "EROFS";
    if (isKnown) throw writeFailure(error, { ...known, bytes: 0, doneShare: 0 });
    throw unwritable(
      known,
      `no file can be made in ${folder} (${code ?? "no reason is given"})`,
      error,
    );
  }
}

function temporaryIn(folder: string): string {
  return join(folder, `.batchframe-${randomBytes(8).toString("hex")}.tmp`);
}

/** The output that is no file: the process's standard output. A file of that name is `./-`. */
export const standardOutput = "-";

/**
 * Writes a file through `write`, which is given a function that appends bytes.
 *
 * The bytes go to a temporary file in the same folder, are forced to the disk and then take the
 * output's name in one step. When anything fails the temporary file is removed and what stood at
 * `output` stays as it was. A killed process leaves at most a file named `.batchframe-*.tmp`, which
 * `resume` goes on with. Bytes for
 * {@link standardOutput} go there as they come, as fast as they are read: what has gone stays gone.
 *
 * @throws {InputError} `output_is_input`, `output_unwritable`, `disk_full`, and what `write` throws.
 */
export async function writeWhole<Result>(
  options: {
    readonly output: string;
    readonly input: string;
    /** The share of the work done, 0 to 1, to tell how much room is missing when the disk is full. */
    readonly doneShare: () => number;
    /** How the write goes on when it was killed; it begins anew when left out. */
    readonly resume?: WriteResume | undefined;
    /** How the bytes that `write` appends are compressed; not at all when left out. */
    readonly compression?: Compression | undefined;
  },
  write: (append: (bytes: Buffer) => Promise<void>, marks: Marks) => Promise<Result>,
): Promise<Result> {
  const { compression = null, resume } = options;
  if (options.output === standardOutput) return await writeToPipe(compression, write);
  const target = await targetOf(options.output, options.input, "");
  const folder = dirname(target.path);
  const temporary = temporaryIn(folder);
  let bytes = 0;
  // Only what this file does to the disk is put into its words: an ENOENT that `write` meets elsewhere
  // is not about the output.
  const inWords = <Value>(effect: Promise<Value>): Promise<Value> =>
    effect.catch((error: unknown) => {
      throw writeFailure(error, { output: options.output, bytes, doneShare: options.doneShare() });
    });
  const opened = await inWords(openedOutput(temporary, target, resume));
  const { file } = opened;
  bytes = opened.bytes;
  try {
    const append = async (more: Buffer): Promise<void> => {
      await inWords(file.writeFile(more));
      opened.appended(more);
      bytes += more.length;
    };
    const sink = textSink(compression, append, opened.marks);
    const result = await write(sink.append, countedMarks(sink.marks, resume?.counted));
    await sink.end();
    if (target.mode !== null) await inWords(file.chmod(target.mode));
    await inWords(file.sync());
    await inWords(file.close());
    await inWords(rename(opened.temporary, target.path));
    await inWords(syncFolder(folder));
    await opened.forget();
    return result;
  } catch (error) {
    // Closing twice, or what is gone already, is no news: the failure above is.
    await file.close().catch(() => undefined);
    await unlink(opened.temporary).catch(() => undefined);
    await opened.forget().catch(() => undefined);
    throw error;
  }
}

/** The file that takes the bytes: begun at its last mark where a killed write left one, else new. */
async function openedOutput(
  temporary: string,
  { path, mode }: Target,
  resume: WriteResume | undefined,
): Promise<MarkedFile> {
  const given = { target: path, temporary, mode: mode ?? 0o666 };
  if (resume !== undefined) return await openMarked(resume, given);
  return {
    file: await open(temporary, "wx", given.mode),
    ...{ temporary, bytes: 0, marks: NO_MARKS },
    appended: () => undefined,
    forget: () => Promise.resolve(),
  };
}

async function writeToPipe<Result>(
  compression: Compression,
  write: (append: (bytes: Buffer) => Promise<void>, marks: Marks) => Promise<Result>,
): Promise<Result> {
  const { stdout } = process;
  // A reader that goes away is reported to each write; without a listener the event would end the process.
  const ignore = (): void => undefined;
  stdout.on("error", ignore);
  const append = (bytes: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(pipeFailure(error));
      });
    });
  try {
    const sink = textSink(compression, append, NO_MARKS);
    const result = await write(sink.append, NO_MARKS);
    await sink.end();
    return result;
  } finally {
    stdout.off("error", ignore);
  }
}

function pipeFailure(error: Error): Error {
  const code = systemCode(error);
  if (code !== "EPIPE" && code !== "ERR_STREAM_DESTROYED") return error;
  return unwritable({ output: "standard output" }, "nobody reads it any more", error);
}

/** What stands at the output; errors end with `told`: what is known of money spent. */
async function targetOf(output: string, input: string, told: string): Promise<Target> {
  const state = { output, bytes: 0, doneShare: 0, told };
  const path = await realpath(output).catch(() => resolve(output));
  const existing = await stat(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw writeFailure(error, state);
  });
  if (existing !== null && !existing.isFile()) {
    throw unwritable(state, existing.isDirectory() ? "it is a directory" : "it is not a file");
  }
  const source = await stat(input).catch(() => null);
  if (existing !== null && source?.dev === existing.dev && source.ino === existing.ino) {
    throw new InputError(
      "output_is_input",
      `${output} is the input file itself (${input}).${told}`,
      { hint: `Choose another name, for instance ${JSON.stringify(besideInput(input))}.` },
    );
  }
  const folder = dirname(path);
  const parent = await stat(folder).catch(() => null);
  if (parent === null) throw unwritable(state, `there is no folder ${folder}`);
  if (!parent.isDirectory()) throw unwritable(state, `${folder} is not a folder`);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw writeFailure(error, state);
  }
  return { path, mode: existing === null ? null : existing.mode & 0o777 };
}

function besideInput(input: string): string {
  const name = basename(input);
  const dot = name.lastIndexOf(".");
  const [stem, ending] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return join(dirname(input), `${stem}.enriched${ending}`);
}

/** A rename is durable only once the folder that holds the name is. Not every file system lets it be asked. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(folder, "r");
    await handle.sync();
  } catch (error) {
    const code = systemCode(error);
    const isUnsupported = code === "EINVAL" || code === "EPERM" || code === "EISDIR";
    if (!isUnsupported && code !== "ENOTSUP" && code !== "EACCES") throw error;
  } finally {
    await handle?.close();
  }
}

/** How far an output has come. */
interface WriteState {
  readonly output: string;
  readonly bytes: number;
  /** Of the work, 0 to 1. */
  readonly doneShare: number;
  /** What is known of money spent, as the end of a message; nothing when left out. */
  readonly told?: string;
}

/** What to throw when the output could not be written; anything unknown is given back as it is. */
export function writeFailure(error: unknown, state: WriteState): unknown {
  switch (systemCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return diskFull(error, state);
    case "EACCES":
    case "EPERM":
      return unwritable(state, "permission denied", error);
    case "EROFS":
      return unwritable(state, "the disk is read-only", error);
    case "ENOTDIR":
      return unwritable(state, "a part of the path is not a folder", error);
    case "ENOENT":
      return unwritable(state, "its folder is gone", error);
    case "ENAMETOOLONG":
      return unwritable(state, "the name is too long", error);
    default:
      return error;
  }
}

function diskFull(error: unknown, state: WriteState): InputError {
  const whole = state.doneShare > 0 ? Math.ceil(state.bytes / state.doneShare) : null;
  const needed = whole === null ? "" : `; about ${megabytes(whole)} are needed in all`;
  return new InputError(
    "disk_full",
    `The disk is full: ${state.output} could not be written after ${megabytes(state.bytes)}${needed}. The answers are kept in the run directory.`,
    {
      hint: `Make room in ${dirname(resolve(state.output))} (\`batchframe gc --older-than 24h\` deletes finished runs), or name an output on another disk: batchframe resume RUN --output PATH. Nothing is bought again.`,
      cause: error,
    },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function unwritable(
  { output, told = "" }: Pick<WriteState, "output" | "told">,
  why: string,
  cause?: unknown,
): InputError {
  return new InputError("output_unwritable", `${output} cannot be written: ${why}.${told}`, {
    hint: "Name an output in a folder that exists and that you may write to.",
    ...(cause === undefined ? {} : { cause }),
  });
}
