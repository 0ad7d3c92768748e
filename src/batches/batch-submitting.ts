/** A request file becomes a batch, created at most once. */

import { randomUUID } from "node:crypto";
import { copyFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve as absolute } from "node:path";
import type { Desk, Waiting } from "./batch-desk.ts";
import { InputError, ProviderError } from "../core/errors.ts";
import { BY_HAND } from "../core/tracker.ts";
import type { RequestFile, Submission } from "../provider/provider.ts";
import { checkRequestLines, linesNameTheModel, type LinesSource } from "./request-lines.ts";
import { isDefiniteRefusal } from "../stages/submit.ts";

/** Checks, uploads and creates; gives the batch's id. See {@link Batches.submit}. */
export async function submit(
  desk: Desk,
  source: LinesSource,
  options: Waiting | undefined,
): Promise<string> {
  const { provider, held } = desk;
  if (desk.model === "" && !linesNameTheModel(provider)) throw modelMissing(provider.id);
  const checked = await checkRequestLines(source, provider);
  const signal = desk.signalOf(options);
  const intent = randomUUID();
  const name = `${intent}.jsonl`;
  const path = join((await desk.folder()).path, name);
  const file: RequestFile = { ...checked, name, path };
  await place(source, path);
  const tag = { run: BY_HAND, chunk: held.size + 1, intent };
  const staged = await provider.stage(file, tag, signal);
  const submission = { tag, file, staged, sentAtMs: Date.now() };
  const batchId = await create(desk, submission, signal);
  held.set(batchId, { batchId, staged, file });
  return batchId;
}

/**
 * Gives the content a path of its own. What a model on this machine writes beside its request file then
 * lies in our folder, and a file that is changed and submitted again is not taken for the one before.
 */
async function place(source: LinesSource, path: string): Promise<void> {
  if (typeof source !== "string") {
    await writeFile(path, source instanceof Uint8Array ? source : source.text, { mode: 0o600 });
    return;
  }
  // Not every system lets everybody make links.
  await symlink(absolute(source), path).catch(() => copyFile(source, path));
}

async function create(desk: Desk, submission: Submission, signal: AbortSignal): Promise<string> {
  const { provider } = desk;
  try {
    return await provider.create(submission, signal);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    if (isDefiniteRefusal(error)) {
      // Only an upload that nobody will use: that it stays is a pity, and the refusal is the news.
      await provider.revoke(submission, signal).catch(ignoreProvider);
      throw error;
    }
    const claimed = new Set(desk.held.keys());
    const sighting = await provider.find(submission, signal, claimed).catch(ignoreProvider);
    if (sighting?.found === "batch") return sighting.batchId;
    throw new ProviderError(
      "batch_unclear",
      `The answer to creating the batch was lost (${error.message}), and whether it exists, and is charged, cannot be told yet.`,
      {
        hint: `Look in a minute with: batchframe batches list -m ${provider.id} — and submit again only when there is no new batch.`,
        cause: error,
      },
    );
  }
}

function ignoreProvider(error: unknown): undefined {
  if (!(error instanceof ProviderError)) throw error;
  return undefined;
}

function modelMissing(provider: string): InputError {
  return new InputError(
    "model_missing",
    `The lines of a ${provider} batch do not name the model, and no other name was given. Nothing was sent.`,
    { hint: `Name the model too, as in ${provider}/… with the model's name.` },
  );
}
