/** What shows only in the whole of an input, and every part of it is written by: the columns and types of JSON. */

import { rm } from "node:fs/promises";
import { canonicalJson, contentHash } from "../core/hash.ts";
import { jsonColumns } from "../files/json-columns.ts";
import { namedFormat, type FileFormat } from "../frame/format.ts";
import type { SeenColumns } from "../frame/joined-types.ts";
import type { Database } from "../store/postgres-client.ts";
import { readDatasets } from "../store/postgres-datasets.ts";
import type { DatasetJob } from "./dataset-job.ts";
import { datasetSpec, type WholeInput } from "./dataset-spec.ts";
import { localPath, type InputFile } from "./inputs.ts";

/**
 * What the whole of an input has, to be recorded with the run; null where parts need to know nothing of one another.
 *
 * JSON that is written anew is read to its end for it, one file at a time, unless a run of the state has recorded
 * it of the same files before.
 *
 * @throws {InputError} what reading the files throws; nothing was sent.
 */
export async function wholeInput(
  { input, reading = {}, writing = {} }: DatasetJob,
  files: readonly InputFile[],
  {
    output,
    database,
    folder,
  }: {
    /** The format of the output's parts. */
    readonly output: FileFormat | null;
    readonly database: Database;
    /** A folder on this machine for copies. */
    readonly folder: string;
  },
): Promise<WholeInput | null> {
  const { oldColumns } = writing;
  // Objects that stay JSON are copied as they stand, whatever they hold.
  const staysJson = isJson(output) && oldColumns === undefined;
  const formats = files.map(({ name }) => reading.format ?? namedFormat(name).format);
  const mayBeJson = formats.every((format) => format === null || isJson(format));
  if (staysJson || oldColumns?.length === 0 || !mayBeJson) return null;
  const versions = files.map(({ name, version, bytes }) => [name, version, bytes]);
  const source = contentHash(canonicalJson({ input, versions, reading: { ...reading } }));
  for (const { spec } of await readDatasets(database)) {
    const { whole } = datasetSpec(spec);
    if (whole?.source === source) return whole;
  }
  const columns = await jsonColumns(localPaths(files, folder), reading);
  return columns === null ? null : { source, columns: [...columns] };
}

/** What a run has recorded of its whole input, as it is looked up. */
export function seenIn(whole: WholeInput | null): SeenColumns | null {
  return whole === null ? null : new Map(whole.columns);
}

function isJson(format: FileFormat | null): boolean {
  return format === "json" || format === "jsonl";
}

async function* localPaths(files: readonly InputFile[], folder: string): AsyncGenerator<string> {
  for (const file of files) {
    const path = await localPath(file, folder);
    try {
      yield path;
    } finally {
      if (path !== file.at) await rm(path);
    }
  }
}
