/** The paces of both lanes: what the provider has no room for in batches says nothing of single requests. */

import type { Chunk } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import { paceOf, type Pace, type PaceSettings } from "../core/pace.ts";
import type { Ports } from "../stages/ports.ts";

/** The paces of one drive. */
export interface LanePaces {
  /** The pace of a chunk's lane. */
  of(chunk: Pick<Chunk, "lane">): Pace;
  /** The pace of the batch lane, whose lessons are kept with the run. */
  readonly batch: Pace;
  /** The open chunks that may take a step now. With `isCancelled` nothing is sent, so every planned chunk may. */
  due(open: readonly Chunk[], isCancelled: boolean): readonly Chunk[];
  /** How long until the next one may, in milliseconds. */
  restMs(open: readonly Chunk[], isCancelled: boolean): number;
}

const NOTHING_LEARNT = { maxBatchesInFlight: null, maxRequestsPerBatch: null } as const;

/** Fresh paces; the realtime lane looks as often as its engine advises, unless told to look more often. */
export function lanePaces({ provider, live }: Ports, settings: PaceSettings): LanePaces {
  const batch = paceOf(settings);
  const pollEveryMs = Math.min(settings.pollEveryMs, live?.pollEveryMs ?? settings.pollEveryMs);
  const realtime = paceOf({ ...settings, pollEveryMs, learnt: NOTHING_LEARNT });
  const lanes = [
    { lane: "batch", pace: batch, limits: provider.limits },
    { lane: "realtime", pace: realtime, limits: live?.limits ?? provider.limits },
  ] as const satisfies readonly { lane: Lane; pace: Pace; limits: unknown }[];
  const open = (chunks: readonly Chunk[], isCancelled: boolean): readonly OpenLane[] =>
    lanes.flatMap(({ lane, pace, limits }) => {
      const own = chunks.filter((chunk) => chunk.lane === lane);
      const most = Math.min(
        limits.maxBatchesInFlight ?? Number.POSITIVE_INFINITY,
        pace.learnt().maxBatchesInFlight ?? Number.POSITIVE_INFINITY,
      );
      return own.length === 0
        ? []
        : [{ chunks: own, pace, room: isCancelled ? Number.POSITIVE_INFINITY : most }];
    });
  return {
    of: ({ lane }) => (lane === "batch" ? batch : realtime),
    batch,
    due: (chunks, isCancelled) =>
      open(chunks, isCancelled).flatMap((lane) => lane.pace.due(lane.chunks, lane.room)),
    restMs: (chunks, isCancelled) =>
      Math.min(
        LONGEST_REST_MS,
        ...open(chunks, isCancelled).map((lane) => lane.pace.restMs(lane.chunks, lane.room)),
      ),
  };
}

interface OpenLane {
  readonly chunks: readonly Chunk[];
  readonly pace: Pace;
  /** How many batches of the lane may be under way at once. */
  readonly room: number;
}

const LONGEST_REST_MS = 5 * 60_000;
