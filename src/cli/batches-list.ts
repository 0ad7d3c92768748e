/** `batchframe batches list`: the batches of an account. */

import type { ListedBatch } from "../index.ts";
import { withBatches, type BatchFlags } from "./batches-open.ts";
import { ago, count } from "./format.ts";
import type { BatchesOutput } from "./json-output.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `batches list`. */
export interface BatchListFlags extends BatchFlags {
  readonly limit: number;
}

/** Runs the command; gives 0. */
export async function batchesListCommand(
  flags: BatchListFlags,
  terminal: Terminal,
): Promise<number> {
  return await withBatches(flags, terminal, async ({ batches, signal }) => {
    const listed: ListedBatch[] = [];
    let hasMore = false;
    for await (const batch of batches.list({ signal })) {
      hasMore = listed.length === flags.limit;
      if (hasMore) break;
      listed.push(batch);
    }
    terminal.data({ schemaVersion: 1, batches: listed.map(batchData), hasMore });
    if (listed.length === 0) terminal.say(`There are no batches at ${batches.host}.`);
    else terminal.say(listText(listed, terminal.width));
    if (hasMore)
      terminal.say(`  … and older ones: --limit ${String(2 * flags.limit)} shows more of them`);
    return 0;
  });
}

function batchData({
  batchId,
  createdAtMs,
  isOpen,
  tag,
}: ListedBatch): BatchesOutput["batches"][number] {
  return { batch: batchId, isOpen, createdAt: new Date(createdAtMs).toISOString(), tag };
}

function listText(listed: readonly ListedBatch[], width: number): string {
  return tableText(
    [
      { title: "batch", whole: true },
      { title: "state", whole: true },
      { title: "created", whole: true, spare: true },
      { title: "run", spare: true },
      { title: "chunk", align: "right", spare: true },
    ],
    listed.map(({ batchId, createdAtMs, isOpen, tag }) => [
      batchId,
      isOpen ? "open" : "ended",
      ago(new Date(createdAtMs)),
      tag?.run ?? "",
      tag === null ? "" : count(tag.chunk),
    ]),
    width,
  );
}
