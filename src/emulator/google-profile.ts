/** The protocol of the Gemini API, whole: who is let in, and every route. */
import { releaseHeld } from "./batch-pause.ts";
import type { IncomingMessage } from "node:http";
import { enterState, isOver, wakeUp, type GoogleBatch } from "./google-batch.ts";
import { liveGoogleBatch } from "./google-batch-life.ts";
import type { GooglePlan } from "./google-batch-plan.ts";
import { googleBatchRoutes } from "./google-batch-routes.ts";
import { googleCacheRoutes } from "./google-caches.ts";
import { failureOf, failureReply, invalidKey } from "./google-errors.ts";
import { googleFileRoutes } from "./google-files.ts";
import { googleLiveRoutes } from "./google-live.ts";
import type { Uploads } from "./google-upload.ts";
import type { Reply } from "./http.ts";
import type { Service } from "./service.ts";
import { createTokenBudget } from "./token-budget.ts";
import type { World } from "./world.ts";

/** The path under which the Gemini API is emulated. */
export const GOOGLE_PREFIX = "/google";

/** A Gemini API without files or batches. */
export function createGoogleProfile(world: World): Service {
  const all: GoogleBatch[] = [];
  const lives = new Set<Promise<void>>();
  const uploads: Uploads = new Map();
  const budget = createTokenBudget(world.settings.enqueuedTokens, world.ledger);
  const start = (batch: GoogleBatch, plan: GooglePlan): void => {
    const life = liveGoogleBatch(world, batch, plan)
      .catch((error: unknown) => {
        if (!world.closing.aborted) breakDown(world, batch, error);
      })
      .finally(() => {
        budget.release(batch.request.model, plan.promptTokens);
        lives.delete(life);
      });
    lives.add(life);
  };
  const admit = (model: string, plan: GooglePlan): boolean =>
    budget.take(model, plan.promptTokens) === null;
  return {
    profile: {
      prefixes: ["", "/upload", "/download"].flatMap((kind) =>
        ["v1", "v1beta"].map((version) => `${GOOGLE_PREFIX}${kind}/${version}`),
      ),
      routes: [
        ...googleFileRoutes(world, uploads),
        ...googleBatchRoutes(world, { all, admit, start }),
        ...googleCacheRoutes(world),
        ...googleLiveRoutes(world),
      ],
      headers: () => ({ server: "ESF" }),
      authorise: (request) => authorise(world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOf(status, message)),
      faulty: true,
    },
    release: (batchId) => releaseHeld(all, batchId, wakeUp),
    batchStatuses: () => countStates(all),
    async settled() {
      for (const batch of all) if (!isOver(batch)) wakeUp(batch);
      await Promise.allSettled(lives);
      for (const { writer } of uploads.values()) await writer.discard();
      uploads.clear();
    },
  };
}

function breakDown(world: World, batch: GoogleBatch, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  batch.error = { code: 13, message: `The emulator itself failed: ${reason}` };
  enterState(world, batch, "FAILED");
}

function countStates(batches: readonly GoogleBatch[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of batches) {
    const name = `BATCH_STATE_${state}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function authorise(apiKeys: readonly string[] | null, request: IncomingMessage): Reply | null {
  const query = new URL(`http://emulator.invalid${request.url ?? "/"}`).searchParams;
  // The address of an upload is its own permission.
  if (query.has("upload_id")) return null;
  const header = request.headers["x-goog-api-key"];
  const key = typeof header === "string" && header !== "" ? header : query.get("key");
  if (key === null) {
    const message =
      "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.";
    return failureReply(failureOf(403, message));
  }
  return apiKeys === null || apiKeys.includes(key) ? null : failureReply(invalidKey());
}
