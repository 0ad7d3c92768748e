/** The canary: the first request of a large run is asked alone, so that a wrong key, model or setting costs nothing more. */

import type { Chunk } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import type { RunRecord } from "../store/store.ts";
import type { Ports } from "../stages/ports.ts";

/** The canary of one drive. */
export interface Canary {
  /** The chunks nothing else is sent before; none once they are collected, or have kept the others waiting too long. */
  waitedFor(run: RunRecord, chunks: readonly Chunk[]): readonly Chunk[];
  /**
   * Judges a canary that this drive has waited for, once it is waited for no more.
   *
   * @throws {ProviderError} `first_request_refused` when every other request would be refused alike.
   */
  judge(): Promise<void>;
  /** What a step threw, as the refusal it is while the canary is waited for. */
  refusal(error: unknown): unknown;
}

// A model may think for minutes; batches have limits of their own, so live trouble must not stop them.
const PATIENCE_MS = 3 * 60_000;

/** The canary of a drive that begins now. */
export function canaryOf(
  ports: Ports,
  requests: number,
  now: () => number = () => performance.now(),
): Canary {
  const startedMs = now();
  let isWaiting = false;
  let isToJudge = false;
  return {
    waitedFor: (run, chunks) => {
      const open = canaryChunks(run, chunks);
      const isPatient = now() - startedMs < PATIENCE_MS;
      isToJudge = isWaiting && open.length === 0;
      isWaiting = isPatient && open.length > 0;
      return isWaiting ? open : [];
    },
    judge: async () => {
      if (!isToJudge) return;
      isToJudge = false;
      for await (const { code, message, retryable } of ports.store.failures()) {
        // A refusal to answer, an answer cut short or misshapen are this one row's affair.
        if (retryable || (code !== "invalid_input" && code !== "provider_error")) continue;
        throw new ProviderError(
          "first_request_refused",
          `${ports.provider.host} refused the first of ${String(requests)} requests, asked alone: ${message} Nothing else was sent.`,
          {
            hint: "Change what the message names. If only this row is at fault, run the same command again: it goes on with the others. --lane batch (lane in code) asks nothing first.",
          },
        );
      }
    },
    refusal: (error) => {
      if (!isWaiting || !(error instanceof ProviderError)) return error;
      // Nobody was there to refuse it, and it says itself what was sent.
      if (error.code === "provider_unreachable") return error;
      const { httpStatus } = error;
      const stop = /[.!?]$/.test(error.message) ? "" : ".";
      const message = `${error.message}${stop} It was the first of ${String(requests)} requests, asked alone: nothing else was sent, and nothing was spent.`;
      const details = {
        ...(httpStatus === undefined ? {} : { httpStatus }),
        hint: error.hint ?? "Change what the message names and run the same command again.",
      };
      return error.code === "provider_auth"
        ? new ProviderError("provider_auth", message, details)
        : new ProviderError("first_request_refused", message, details);
    },
  };
}

function canaryChunks({ plan }: RunRecord, chunks: readonly Chunk[]): readonly Chunk[] {
  if (plan?.canary !== true) return [];
  if (chunks.some(({ lane, intent }) => lane === "batch" && intent !== null)) return [];
  return chunks.filter(({ lane, state }) => lane === "realtime" && state !== "collected");
}
