/** Lanes: the two ways requests reach a provider. */

/** `batch`: in the provider's batch jobs · `realtime`: one request at a time, asked and answered at once. Part of what a call costs, never of what it asks. */
export type Lane = "batch" | "realtime";

/** A lane, or `auto`: realtime for few requests, batches for many. */
export type LaneChoice = Lane | "auto";

/** Every choice there is. */
export const LANES: readonly LaneChoice[] = ["auto", "batch", "realtime"];

/** The most requests that `auto` asks one by one. */
export const AUTO_REALTIME_REQUESTS = 200;

/** What there is to choose from. */
export interface LanesAtHand {
  /** Requests left to send. */
  readonly requests: number;
  /** Whether the provider has batches at all. */
  readonly hasBatches: boolean;
  /** Whether it can be asked one request at a time from here. */
  readonly hasRealtime: boolean;
}

/** The lane a choice comes to; where the provider has one lane only, that one. */
export function laneOf(
  choice: LaneChoice,
  { requests, hasBatches, hasRealtime }: LanesAtHand,
): Lane {
  if (!hasBatches) return "realtime";
  if (!hasRealtime) return "batch";
  if (choice !== "auto") return choice;
  return requests <= AUTO_REALTIME_REQUESTS ? "realtime" : "batch";
}
