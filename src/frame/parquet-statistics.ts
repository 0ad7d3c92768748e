/** Statistics of new column chunks: how many values are missing, and the least and greatest of numbers. */

import type { ParquetType } from "hyparquet";
import type { LeafValue, LeafValues } from "./parquet-encode.ts";

/** Statistics of one chunk, complete when its last page was added. */
export interface LeafStatistics {
  add(leaf: Pick<LeafValues, "values">): void;
  /** Values that are missing, in a list as well. */
  nullCount(): number;
  /** The least and greatest value as the file stores them; null for text, and where there are none. */
  bounds(): { readonly least: Buffer; readonly greatest: Buffer } | null;
}

/** Starts the statistics of a leaf; of values without an order only the missing ones are counted. */
export function leafStatistics(
  type: ParquetType,
  isOrdered = type !== "BYTE_ARRAY",
): LeafStatistics {
  let nullCount = 0;
  let least: Exclude<LeafValue, Uint8Array> = null;
  let greatest: Exclude<LeafValue, Uint8Array> = null;
  return {
    add: ({ values }) => {
      for (const value of values) {
        if (value === null || value === undefined) nullCount += 1;
        // Not a number has no place in an order; bounds are of the others.
        else if (isOrdered && !(value instanceof Uint8Array) && !Number.isNaN(value)) {
          if (least === null || least === undefined || value < least) least = value;
          if (greatest === null || greatest === undefined || value > greatest) greatest = value;
        }
      }
    },
    nullCount: () => nullCount,
    bounds: () => {
      if (least === null || least === undefined || greatest === null || greatest === undefined) {
        return null;
      }
      // The format asks for -0 below and +0 above, since either zero may stand in the chunk.
      const low = least === 0 ? -0 : least;
      const high = greatest === 0 ? 0 : greatest;
      return { least: storedBytes(type, low), greatest: storedBytes(type, high) };
    },
  };
}

function storedBytes(
  type: ParquetType,
  value: Exclude<LeafValue, Uint8Array | null | undefined>,
): Buffer {
  if (typeof value === "boolean") return Buffer.from([value ? 1 : 0]);
  const bytes = Buffer.alloc(type === "INT32" || type === "FLOAT" ? 4 : 8);
  if (type === "INT32") bytes.writeInt32LE(Number(value));
  else if (type === "INT64") bytes.writeBigInt64LE(BigInt(value));
  else if (type === "FLOAT") bytes.writeFloatLE(Number(value));
  else bytes.writeDoubleLE(Number(value));
  return bytes;
}
