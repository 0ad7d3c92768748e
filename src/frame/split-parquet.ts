/** Parquet files cut between row groups, and put together again, every page as it stands. */

import { open } from "node:fs/promises";
import { InputError } from "../core/errors.ts";
import { writeWhole } from "./csv-output.ts";
import { copyGroup, factsOf, placeOf, schemaOf } from "./parquet-copy.ts";
import { withFile } from "./parquet-footer.ts";
import { appendFooter, counting, MAGIC, thriftOf } from "./parquet-write.ts";
import type { ParquetFrame } from "./parquet.ts";
import type { Cutting, Piece } from "./split-text.ts";
import { i64, integerAt, listOf, putField, structsAt } from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";
import { thriftType } from "./thrift.ts";

/**
 * Cuts a Parquet file between row groups, of which each piece has at least one.
 *
 * Pages are copied as they are; page indexes and bloom filters, which stand apart from them, are left out,
 * and readers do without. Memory holds a few megabytes.
 *
 * @throws {InputError} `file_damaged`, `file_encrypted`, `file_unreadable`.
 */
export async function* splitParquet(
  input: ParquetFrame,
  { maxRows, maxBytes, pathOf }: Cutting,
): AsyncGenerator<Piece> {
  const sizes = structsAt(thriftOf(input), 4).map(bytesOfGroup);
  for (let from = 0, number = 1; from < sizes.length; number += 1) {
    let to = from;
    let rows = 0;
    let bytes = 0;
    do {
      rows += input.rowGroupSizes[to] ?? 0;
      bytes += sizes[to] ?? 0;
      to += 1;
    } while (
      to < sizes.length &&
      rows + (input.rowGroupSizes[to] ?? 0) <= maxRows &&
      bytes + (sizes[to] ?? 0) <= maxBytes
    );
    const path = pathOf(number);
    await writePiece(input, { path, from, to });
    yield { path, rows };
    from = to;
  }
}

interface Groups {
  readonly path: string;
  readonly from: number;
  readonly to: number;
}

async function writePiece(input: ParquetFrame, { path, from, to }: Groups): Promise<void> {
  // Read anew for each piece, for its offsets are changed in place.
  const metadata = thriftOf(input);
  const groups = structsAt(metadata, 4).slice(from, to);
  const target = await open(path, "w");
  try {
    const file = counting((bytes) => target.writeFile(bytes));
    await file.append(MAGIC);
    await withFile(input.path, async (source) => {
      for (const [at, group] of groups.entries()) await copyGroup(group, { at, source, file });
    });
    const rows = groups.reduce((sum, group) => sum + (integerAt(group, 3) ?? 0n), 0n);
    putField(metadata, 3, i64(rows));
    putField(metadata, 4, listOf(thriftType.struct, groups));
    await appendFooter(file, metadata);
  } finally {
    await target.close();
  }
}

/**
 * Puts the row groups of files with one schema into one file, in order; gives how many rows it has.
 *
 * Page indexes and bloom filters are left out. The file appears whole or not at all.
 *
 * @throws {InputError} `parts_differ`, `file_damaged`, `output_unwritable`, `disk_full`.
 */
export async function joinParquet(
  inputs: readonly ParquetFrame[],
  output: string,
): Promise<number> {
  const [first] = inputs;
  if (first === undefined) throw new RangeError("There is no file to join.");
  const metadata = thriftOf(first);
  const schema = schemaOf(metadata);
  const all: ThriftStruct[] = [];
  let done = 0;
  const target = { output, input: first.path, doneShare: () => done / inputs.length };
  return await writeWhole(target, async (append) => {
    const file = counting(append);
    await file.append(MAGIC);
    for (const input of inputs) {
      const own = thriftOf(input);
      if (!schemaOf(own).equals(schema)) throw otherSchema(input, first);
      await withFile(input.path, async (source) => {
        for (const group of structsAt(own, 4)) {
          await copyGroup(group, { at: all.length, source, file });
          all.push(group);
        }
      });
      done += 1;
    }
    const rows = all.reduce((sum, group) => sum + (integerAt(group, 3) ?? 0n), 0n);
    putField(metadata, 3, i64(rows));
    putField(metadata, 4, listOf(thriftType.struct, all));
    await appendFooter(file, metadata);
    return Number(rows);
  });
}

function otherSchema(input: ParquetFrame, first: ParquetFrame): InputError {
  return new InputError(
    "parts_differ",
    `${input.path} has other columns or types than ${first.path}, so they cannot be one Parquet file.`,
    { hint: "Let the output's name end in .csv or .jsonl." },
  );
}

function bytesOfGroup(group: ThriftStruct): number {
  return structsAt(group, 1).reduce((sum, chunk) => {
    const facts = factsOf(chunk);
    return sum + (facts === null ? 0 : placeOf(facts).length);
  }, 0);
}
