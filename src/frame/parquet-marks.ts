/** What must be known of the row groups that stand in a file, to go on with the next one. */

import type { Json } from "../core/hash.ts";
import type { GroupChunks } from "./parquet-group.ts";
import { readThrift, writeThrift } from "./thrift.ts";

/** A row group's new chunks, and how many rows it has. */
export type SizedGroup = GroupChunks & { readonly rowCount: number };

interface SavedGroups {
  readonly position: number;
  readonly groups: readonly {
    /** Each chunk's metadata as a footer has it, in base 64. */
    readonly chunks: readonly string[];
    readonly rowCount: number;
    readonly uncompressedBytes: number;
    readonly compressedBytes: number;
  }[];
}

/** Groups that are whole, and where the file ends after them, for {@link groupsOf} and {@link bytesOf}. */
export function savedGroups(groups: readonly SizedGroup[], position: number): Json {
  return {
    position,
    groups: groups.map(({ chunks, ...sizes }) => ({
      ...sizes,
      chunks: chunks.map((chunk) => writeThrift(chunk).toString("base64")),
    })),
  };
}

/** The groups again. */
export function groupsOf(saved: Json): SizedGroup[] {
  const { groups } = saved as unknown as SavedGroups;
  return groups.map(({ chunks, ...sizes }) => ({
    ...sizes,
    chunks: chunks.map((chunk) => readThrift(Buffer.from(chunk, "base64"))),
  }));
}

/** Where the file ended after them. */
export function bytesOf(saved: Json): number {
  return (saved as unknown as SavedGroups).position;
}
