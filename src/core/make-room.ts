/** What to do about a full disk, in the same words wherever it was met. */

/** The hint of every `disk_full` that a run can meet: what may be deleted without losing anything bought. */
export const MAKE_ROOM =
  "Make room there: `batchframe gc --older-than 24h` deletes finished runs (their outputs stay), and `batchframe gc --older-than 24h --dry-run` names them first. Then run the same command again: nothing is bought again.";
