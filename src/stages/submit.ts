/** submit: a planned chunk becomes a provider batch, paid for at most once. */

import { randomUUID } from "node:crypto";
import type { Chunk } from "../core/chunk.ts";
import { InvariantError, ProviderError, StoreError } from "../core/errors.ts";
import type { RequestFile } from "../provider/provider.ts";
import { providerOf, requestFile, submissionOf, type Ports } from "./ports.ts";

// A process that was frozen (a closed laptop, SIGSTOP) between writing down that it is about to call
// and calling must not call: by then another process may have looked, found nothing, and sent again.
const FRESH_MS = 2000;

/** What became of a submission: a batch exists, none does for now, or nobody can tell yet. */
export type SubmitOutcome =
  | { readonly outcome: "submitted" }
  /** The account that runs share has no room for it now; nothing was sent. */
  | { readonly outcome: "waits" }
  /** With the provider's words, to be read by who decides when to try again. */
  | { readonly outcome: "unclear" | "refused"; readonly error: ProviderError };

/**
 * Sends one planned chunk.
 *
 * The intent is durable before the provider is called, and the create call is made once. When the
 * answer is lost the chunk stays `submitting` and is looked up later, never sent blindly. `refused`
 * means that the provider certainly made no batch and may take this one later.
 *
 * @throws {ProviderError} when the provider refuses for good (key, model, request); the chunk is
 * `planned` again and nothing was bought for it.
 */
export async function submit(chunk: Chunk, ports: Ports): Promise<SubmitOutcome> {
  const { store } = ports;
  const provider = providerOf(chunk, ports);
  const file = requestFile(ports, chunk);
  await assertWhole(file, ports);
  const intent = randomUUID();
  if (!(await store.intend(chunk.number, intent))) return { outcome: "waits" };
  const tag = { run: ports.token, chunk: chunk.number, intent };
  try {
    const staged = await provider.stage(file, tag, ports.signal);
    await store.staged(chunk.number, staged);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    // Half an upload may lie at the provider under this intent's name: the look-up deletes it.
    if (!isDefiniteRefusal(error)) return { outcome: "unclear", error };
    return await giveBack(chunk, error, ports);
  }
  const intended = await freshIntent(chunk.number, ports);
  try {
    const submission = submissionOf(intended, ports.token, file);
    const batchId = await provider.create(submission, ports.signal);
    await store.submitted(chunk.number, batchId, "accepted");
    return { outcome: "submitted" };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (!isDefiniteRefusal(error)) return { outcome: "unclear", error };
    await provider.revoke(submissionOf(intended, ports.token, file), ports.signal);
    return await giveBack(chunk, error, ports);
  }
}

/** @throws {StoreError} when the request file is gone or cut short: part of a chunk is never sent for all of it. */
async function assertWhole(file: RequestFile, ports: Ports): Promise<void> {
  const { files } = ports.store;
  const bytes = await files.bytes(file.name);
  if (bytes === file.bytes) {
    await files.onDisk(file.name);
    return;
  }
  throw new StoreError(
    bytes === null ? "chunk_file_missing" : "chunk_file_short",
    `${file.path} ${bytes === null ? "is gone" : `has ${String(bytes)} of its ${String(file.bytes)} bytes`}, so nothing of it was sent.`,
    {
      hint: "Restore the run directory from a copy; or remove it and run the command again, which pays for everything again.",
    },
  );
}

type Intended = Chunk & { readonly intent: NonNullable<Chunk["intent"]> };

async function findIntent(number: number, ports: Ports): Promise<Intended> {
  const chunk = (await ports.store.chunks()).find((candidate) => candidate.number === number);
  if (chunk === undefined || !hasIntent(chunk))
    throw new InvariantError(
      "intent_lost",
      `Chunk ${String(number)} has no recorded intent just before it is sent. Nothing was sent for it.`,
    );
  return chunk;
}

function hasIntent(chunk: Chunk): chunk is Intended {
  return chunk.intent !== null;
}

/**
 * The intent, written down no more than a moment ago by a process that still drives the run.
 *
 * @throws {StoreError} `lock_lost` when this process stood still and another has taken over.
 */
async function freshIntent(number: number, ports: Ports): Promise<Intended> {
  for (;;) {
    const chunk = await findIntent(number, ports);
    const isDriver = await ports.store.holdsLock();
    const elapsedMs = Math.abs((await ports.store.clockMs()) - chunk.intent.atMs);
    if (!isDriver)
      throw new StoreError(
        "lock_lost",
        `This process stood still for ${String(Math.round(elapsedMs / 1000))} s just before sending chunk ` +
          `${String(number)}, and another has taken over the run meanwhile, so it did not send it.`,
        { hint: "See how the other goes on with: batchframe status" },
      );
    if (elapsedMs < FRESH_MS) return chunk;
    await ports.store.staged(number, chunk.intent.staged ?? {});
  }
}

/** Whether the provider has said that no batch was made; a conflict or an overload says no such thing. */
export function isDefiniteRefusal(error: ProviderError): boolean {
  const status = error.httpStatus ?? 0;
  return status >= 400 && status < 500 && status !== 408 && status !== 409;
}

/** Nothing was created: the chunk is planned again, and the error goes on unless waiting may help. */
async function giveBack(chunk: Chunk, error: unknown, ports: Ports): Promise<SubmitOutcome> {
  const reason = error instanceof Error ? error.message : String(error);
  await ports.store.withdraw(chunk.number, reason);
  if (error instanceof ProviderError && error.retryable) return { outcome: "refused", error };
  throw error;
}
