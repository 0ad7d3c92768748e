/** What the calls on batches share: the provider, and the batches this process has submitted. */

import type { PrivateFolder } from "../files/private-folder.ts";
import type { OpenedModel } from "../provider/models.ts";
import type { Batch } from "../provider/provider.ts";

/** A way to end local waiting; remote batches go on. */
export interface Waiting {
  readonly signal?: AbortSignal;
}

/** An opened provider and what has been done there. */
export interface Desk extends OpenedModel {
  /** Batches this process has submitted; those of a model on this machine are known nowhere else. */
  readonly held: Map<string, Batch>;
  /** A folder for files that must have a path while they are sent. */
  folder(): Promise<PrivateFolder>;
  /** The caller's signal together with the end of the desk. */
  signalOf(waiting: Waiting | undefined): AbortSignal;
}

/** The provider's handle on a batch, known here or by its id alone. */
export function batchOf({ held }: Pick<Desk, "held">, batchId: string): Batch {
  return held.get(batchId) ?? { batchId, staged: {}, file: null };
}
