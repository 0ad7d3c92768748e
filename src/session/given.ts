/** Work done elsewhere for a run: its request files handed out, and batches or replies taken back. */

import { randomUUID } from "node:crypto";
import { givenIntentId, requestFileName } from "../core/chunk.ts";
import { InputError } from "../core/errors.ts";
import { bytesOf } from "../batches/request-lines.ts";
import { adoptBatch, adoptReplies } from "../stages/adopt.ts";
import { collect, type CollectOptions } from "../stages/collect.ts";
import type { Ports } from "../stages/ports.ts";
import { writeRequests } from "../stages/write-requests.ts";

/** What was made elsewhere from a planned chunk's request file: a batch, by its id, or a file of reply lines. */
export interface Given {
  /** A batch that was created from it. */
  readonly batchId?: string;
  /** A file of reply lines in the provider's form, for OpenAI's protocol what `vllm run-batch` writes. */
  readonly results?: string;
  /** The chunk's number; found by the custom ids when left out. */
  readonly chunk?: number;
}

/** The request file of a chunk. */
export interface ChunkFile {
  /** The chunk's number, counted from 1. */
  readonly chunk: number;
  readonly path: string;
  readonly requestCount: number;
  readonly bytes: number;
}

/**
 * Takes what was made elsewhere as a planned chunk's own; a batch is collected later like any other,
 * reply lines at once. Requests without an answer are handed on to a new chunk, which is not sent.
 *
 * @throws {InputError} `batch_claimed`, `chunk_unknown`, `chunk_not_planned`, `chunk_ambiguous`,
 * `replies_foreign`, `file_missing`, `option_invalid`; the run stays as it was.
 */
export async function takeGiven(
  given: Given,
  ports: Ports,
  options: CollectOptions,
): Promise<void> {
  const { batchId, results, chunk: number = null } = given;
  if ((batchId === undefined) === (results === undefined))
    throw new InputError(
      "option_invalid",
      "A chunk is given either a batch by its id or a file of results, one of the two. Nothing was changed.",
    );
  if (batchId !== undefined) await adoptBatch({ batchId, number }, ports);
  if (results === undefined) return;
  const chunk = await adoptReplies({ replies: bytesOf(results), number }, ports);
  const intent = { id: givenIntentId(randomUUID()), atMs: Date.now(), staged: {} };
  const ending = { outcome: "completed", results: {}, reason: null } as const;
  await collect({ ...chunk, intent, batchId: "", ending }, ports, {
    ...options,
    given: bytesOf(results),
  });
}

/** The request files of the chunks that wait to be sent, by number; those not written yet are written. */
export async function plannedFiles(ports: Ports): Promise<readonly ChunkFile[]> {
  const { store } = ports;
  for (;;) {
    const planned = (await store.chunks()).filter(({ state }) => state === "planned");
    const unwritten = planned.filter(({ bytes }) => bytes === null);
    // Writing one may divide it into others.
    for (const chunk of unwritten) await writeRequests(chunk, ports);
    if (unwritten.length > 0) continue;
    return planned.map(({ number, requestCount, bytes }) => ({
      chunk: number,
      path: store.files.path(requestFileName(number)),
      requestCount,
      bytes: bytes ?? 0,
    }));
  }
}
