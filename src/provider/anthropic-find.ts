/** Which of Anthropic's batches is one whose creation was cut off: known by its size and time, and proven by its results. */

import { readCustomId } from "../core/tracker.ts";
import type { Sighting, Submission } from "./provider.ts";

/** What the list tells of a batch. */
export interface Candidate {
  readonly id: string;
  readonly createdAtMs: number;
  readonly requestCount: number;
  readonly hasEnded: boolean;
  /** Whether its results can still be downloaded. */
  readonly isReadable: boolean;
}

/** What a search needs of the service. */
export interface Listing {
  /** Batches, the newest first. */
  readonly list: () => AsyncIterable<Candidate>;
  /** The custom_id of some result of an ended batch; null when it has no results. */
  readonly firstId: (batchId: string) => Promise<string | null>;
}

/** What is looked for. */
export interface Sought {
  readonly submission: Submission;
  /** Batches that other chunks of the run hold. */
  readonly claimed: ReadonlySet<string>;
  /** When the last create call for it can have been accepted, in epoch milliseconds. */
  readonly latestMs: number;
}

// The provider's clock and ours differ by less than this.
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The batch of a submission whose create call was cut off.
 *
 * Candidates are the unclaimed batches of the submission's size made around the time of the call. One
 * that has ended proves whose it is by its first result. One that is still running cannot be told from
 * a stranger's, so it is never adopted, cancelled or deleted; while there is any the answer is
 * `unclear`, for at most the 24 hours a batch may take, and nothing is sent again. One that can no
 * longer be read might be the one that was paid for: it is taken for it, so that its requests fail as
 * missing and are bought again only when the user says so.
 */
export async function findBySize(sought: Sought, listing: Listing): Promise<Sighting> {
  const { tag } = sought.submission;
  let unreadable: string | null = null;
  let isUndecided = false;
  for (const batch of await candidates(sought, listing)) {
    if (!batch.hasEnded) {
      isUndecided = true;
      continue;
    }
    const id = batch.isReadable ? await listing.firstId(batch.id) : null;
    if (id === null) unreadable = batch.id;
    else if (readCustomId(tag.run, id)?.chunk === tag.chunk)
      return { found: "batch", batchId: batch.id };
  }
  if (isUndecided) return { found: "unclear" };
  return unreadable === null ? { found: "nothing" } : { found: "batch", batchId: unreadable };
}

async function candidates(sought: Sought, listing: Listing): Promise<readonly Candidate[]> {
  const { submission, claimed, latestMs } = sought;
  const fitting: Candidate[] = [];
  for await (const batch of listing.list()) {
    if (batch.createdAtMs < submission.sentAtMs - CLOCK_SKEW_MS) break;
    const fits =
      batch.requestCount === submission.file.requestCount &&
      batch.createdAtMs <= latestMs + CLOCK_SKEW_MS &&
      !claimed.has(batch.id);
    if (fits) fitting.push(batch);
  }
  return fitting;
}
