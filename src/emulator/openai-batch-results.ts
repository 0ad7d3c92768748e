/** The two result files of a batch, written as its rows end. */
import type { FileWriter } from "./file-store.ts";
import type { BatchRecord } from "./openai-batch.ts";
import { addFile } from "./openai-files.ts";
import { startResultFile, type ResultFile } from "./result-file.ts";
import type { HostWorld } from "./openai-world.ts";

const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1000;

/** Which of the two files. */
export type ResultKind = "output" | "error";

/** Result files in the making. */
export interface ResultFiles {
  /** Adds a line, with the line faults in force when its file was begun; a promise where it must be waited for. */
  write(kind: ResultKind, line: string): Promise<void> | undefined;
  /** Finishes a file and gives its id; null when nothing was written to it. */
  publish(kind: ResultKind): Promise<string | null>;
  /** Publishes a file without a byte. */
  publishEmpty(kind: ResultKind): Promise<string>;
  /** Throws away what was not published. */
  discard(): Promise<void>;
}

/** Two files without a line. */
export function startResults(world: HostWorld, batch: BatchRecord): ResultFiles {
  // Promises, so that two rows which end together do not begin one file each.
  const files = new Map<ResultKind, Promise<ResultFile>>();
  const begun = new Map<ResultKind, ResultFile>();
  const begin = async (kind: ResultKind): Promise<ResultFile> => {
    const starting = files.get(kind) ?? startResultFile(world, [batch.sequence, kind]);
    files.set(kind, starting);
    const file = await starting;
    begun.set(kind, file);
    return file;
  };
  const addFirst = async (kind: ResultKind, line: string): Promise<void> => {
    const file = await begin(kind);
    await file.write(line);
  };
  const publishFile = async (kind: ResultKind, writer: FileWriter): Promise<string> => {
    files.delete(kind);
    begun.delete(kind);
    await writer.finish();
    const lifeMs = batch.request.outputLifeMs ?? THIRTY_DAYS_MS;
    const filename = `${batch.id}_${kind}.jsonl`;
    return addFile(world, writer, { filename, purpose: "batch_output", lifeMs }).id;
  };
  return {
    write(kind, line) {
      const file = begun.get(kind);
      return file === undefined ? addFirst(kind, line) : file.write(line);
    },
    async publish(kind) {
      const file = await files.get(kind);
      return file === undefined ? null : publishFile(kind, file.writer);
    },
    async publishEmpty(kind) {
      return publishFile(kind, await world.files.startWriting());
    },
    async discard() {
      for (const file of files.values()) await (await file).writer.discard();
      files.clear();
      begun.clear();
    },
  };
}
