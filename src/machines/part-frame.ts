/** The rows of a part: its columns and content are known from the first look, its file is fetched when rows are read. */

import { join } from "node:path";
import type { Json } from "../core/hash.ts";
import { openFile, type FileFrame } from "../files/files.ts";
import { asOneOf } from "../files/json-columns.ts";
import type { Frame } from "../frame/frame.ts";
import type { SeenColumns } from "../frame/joined-types.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import type { Objects } from "../store/objects.ts";
import type { Part } from "../store/postgres-parts.ts";

/** A part's rows. */
export interface PartFrame extends Frame {
  /** The file itself, fetched to this machine at the first call. */
  file(): Promise<FileFrame>;
  /** What is to be remembered of it, so that the next worker needs not fetch it to look at a batch. */
  known(): Promise<Json>;
}

interface Known {
  readonly name: string;
  readonly columns: readonly string[];
  readonly fingerprint: string | null;
}

/** Opens a part's rows; fetches the file now only where nothing is known of it yet. */
export async function partFrame(
  part: Part,
  from: {
    readonly objects: Objects;
    readonly spool: string;
    readonly reading: OpenFileOptions;
    /** What was seen of the whole input; null where nobody had to look. */
    readonly whole: SeenColumns | null;
  },
): Promise<PartFrame> {
  let opened: Promise<FileFrame> | null = null;
  const file = (): Promise<FileFrame> =>
    (opened ??= (async () => {
      const path = join(from.spool, "input", nameOf(part.input));
      await from.objects.fetch(part.input, path);
      const own = await openFile(path, from.reading);
      return from.whole === null ? withoutOwnTypes(own) : asOneOf(own, from.whole);
    })());
  const known = part.frame === null ? await look(await file()) : (part.frame as unknown as Known);
  return {
    name: known.name,
    columns: known.columns,
    blocks: async function* (columns, maxRows) {
      yield* (await file()).blocks(columns, maxRows);
    },
    fingerprint: () => Promise.resolve(known.fingerprint),
    file,
    known: () => Promise.resolve(known as unknown as Json),
  };
}

/** A part's file without the types of JSON, which might be others in the next part. */
function withoutOwnTypes(file: FileFrame): FileFrame {
  if (file.format !== "json" && file.format !== "jsonl") return file;
  const { types: _types, ...untyped } = file;
  return untyped;
}

async function look(file: FileFrame): Promise<Known> {
  const { name, columns } = file;
  return { name, columns, fingerprint: await file.fingerprint() };
}

/** An object's own name, without the folders it is in. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
