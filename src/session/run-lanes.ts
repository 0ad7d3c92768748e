/** What waits to be sent, and by which lane: chunks that change theirs, and failed requests put back. */

import type { Deadline } from "../core/deadline.ts";
import { InputError } from "../core/errors.ts";
import { laneOf, type LaneChoice } from "../core/lane.ts";
import type { RowErrorCode } from "../core/result.ts";
import type { BatchProvider } from "../provider/provider.ts";
import { lanesAtHand, type Ports } from "../stages/ports.ts";
import type { Settings } from "./settings.ts";

/**
 * Puts failed requests with one of these codes (all codes when left out) into new chunks, by the lane
 * that was chosen; gives how many. Sends nothing.
 */
export async function retryFailed(
  ports: Ports,
  codes: readonly RowErrorCode[] | undefined,
  how: {
    readonly lane: LaneChoice;
    /** Requests that people have answered: they are not bought again. */
    readonly answered: Pick<ReadonlySet<number>, "has">;
  },
): Promise<number> {
  const { store } = ports;
  const chunks = await store.chunks();
  // A request that waits in an open chunk is on its way already.
  const underway = new Set<number>();
  for (const chunk of chunks)
    if (chunk.state !== "collected")
      for (const ordinal of await store.ordinals(chunk.number)) underway.add(ordinal);
  const ordinals: number[] = [];
  for await (const { ordinal, code } of store.failures())
    if (
      (codes === undefined || codes.includes(code)) &&
      !underway.has(ordinal) &&
      !how.answered.has(ordinal)
    )
      ordinals.push(ordinal);
  if (ordinals.length === 0) return 0;
  const maxRequests = Math.max(1, ...chunks.map(({ requestCount }) => requestCount));
  const lane = laneOf(how.lane, lanesAtHand(ports, ordinals.length));
  await store.retry(Uint32Array.from(ordinals), { maxRequests, lane });
  return ordinals.length;
}

/** Has every chunk that waits to be sent go by the lane that was chosen. */
export async function switchLane(ports: Ports, choice: LaneChoice): Promise<void> {
  const planned = (await ports.store.chunks()).filter(({ state }) => state === "planned");
  const requests = planned.reduce((sum, { requestCount }) => sum + requestCount, 0);
  const lane = laneOf(choice, lanesAtHand(ports, requests));
  if (planned.some((chunk) => chunk.lane !== lane)) await ports.store.switchLane(lane);
}

/** The provider asked request by request; null where it cannot be. @throws {InputError} `lane_unsupported` where it must be. */
export function liveOf(
  { model }: Settings,
  { lane, deadlineMs }: { readonly lane: LaneChoice | null; readonly deadlineMs: number | null },
): BatchProvider | null {
  const { provider } = model;
  const live = provider.asksLive === true ? provider : (provider.live ?? null);
  if (live !== null || (lane !== "realtime" && deadlineMs === null)) return live;
  throw new InputError(
    "lane_unsupported",
    `${provider.id} cannot be asked one request at a time from here. Nothing was sent.`,
    { hint: "Leave out --deadline (deadlineMs in code) and --lane, or say --lane batch." },
  );
}

/** A deadline so long from now. */
export function deadlineIn(givenMs: number): Deadline {
  return { atMs: Date.now() + givenMs, givenMs, handedOver: false };
}
