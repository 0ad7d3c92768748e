/** A result file in the making, with the faults that concern all of its lines. */
import type { FileWriter } from "./file-store.ts";
import type { DrawKey } from "./random.ts";
import type { World } from "./world.ts";

/** A file being written line by line. */
export interface ResultFile {
  readonly writer: FileWriter;
  /** Adds a line, with the line end, blank line and so on that the file was begun with; waits as the writer does. */
  write(line: string): Promise<void> | undefined;
}

/** Begins a result file; `key` tells it from others, and the faults of lines are drawn now. */
export async function startResultFile(world: World, key: readonly DrawKey[]): Promise<ResultFile> {
  const lineEnd = world.faults.strike("crlf", { key }) === null ? "\n" : "\r\n";
  const blank = world.faults.strike("blankLines", { key }) === null ? "" : lineEnd;
  const writer = await world.files.startWriting();
  if (world.faults.strike("bom", { key }) !== null) await writer.write("\uFEFF");
  return { writer, write: (line) => writer.write(line + lineEnd + blank) };
}
