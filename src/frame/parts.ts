/** Several files read as one: their rows one after another. */

import { createHash } from "node:crypto";
import { InputError, InvariantError } from "../core/errors.ts";
import type { RawCell } from "./cell-type.ts";
import type { Block, Frame, TypedField } from "./frame.ts";

/** A frame that is read from one file. */
export interface Part extends Frame {
  readonly path: string;
}

/**
 * The rows of all parts in order, as one frame.
 *
 * With `mayLack` the columns are those of all parts in the order of their first coming, and null where a
 * part has none; else every part must have the same columns in the same order. The fingerprint is a hash
 * of the parts' own, in order; null where one of them has none.
 *
 * @throws {InputError} `parts_differ`, naming the first part with other columns.
 */
export function partsFrame(
  name: string,
  parts: readonly Part[],
  options: {
    readonly mayLack: boolean;
    /** The types that the columns have over all parts; none are said when left out. */
    readonly types?: () => Promise<readonly TypedField[]>;
  },
): Frame {
  if (!options.mayLack) refuseOtherColumns(parts);
  return {
    name,
    columns: [...new Set(parts.flatMap(({ columns }) => columns))],
    blocks: (columns, maxRows) => blocks(parts, columns, maxRows),
    fingerprint: async () => {
      const hash = createHash("sha256");
      for (const part of parts) {
        const own = await part.fingerprint();
        if (own === null) return null;
        hash.update(own);
      }
      return hash.digest("hex");
    },
    ...(options.types === undefined ? {} : { types: options.types }),
  };
}

function refuseOtherColumns(parts: readonly Part[]): void {
  const [first, ...others] = parts;
  for (const part of others) {
    if (JSON.stringify(part.columns) === JSON.stringify(first?.columns)) continue;
    throw new InputError(
      "parts_differ",
      `${part.path} has other columns than ${first?.path ?? ""}: ${part.columns.join(", ")}. Nothing was sent.`,
      { hint: "Give parts that have the same columns in the same order, or give them one by one." },
    );
  }
}

async function* blocks(
  parts: readonly Part[],
  columns: readonly string[],
  maxRows: number,
): AsyncGenerator<Block> {
  let partStart = 0;
  for (const part of parts) {
    const own = columns.filter((name) => part.columns.includes(name));
    let partRows = 0;
    for await (const block of part.blocks(own, maxRows)) {
      partRows += block.rowCount;
      const column = <Cells>(name: string, read: () => Cells): Cells | null[] => {
        if (own.includes(name)) return read();
        if (columns.includes(name)) return Array.from({ length: block.rowCount }, () => null);
        throw new InvariantError("unknown_column", `Column ${name} was not asked for here.`);
      };
      yield {
        ...block,
        firstRow: partStart + block.firstRow,
        text: (name) => column(name, () => block.text(name)),
        values: (name) => column(name, () => block.values(name)),
        ...(block.raw === undefined
          ? {}
          : { raw: (name) => column<readonly RawCell[]>(name, () => block.raw?.(name) ?? []) }),
      };
    }
    partStart += partRows;
  }
}
