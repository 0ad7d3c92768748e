/** OpenAI's protocol, whole: who is let in, and every route. */
import { releaseHeld } from "./batch-pause.ts";
import type { IncomingMessage } from "node:http";
import type { Profile, Reply } from "./http.ts";
import { enter, hasEnded, nudge, type BatchRecord } from "./openai-batch.ts";
import { liveBatch } from "./openai-batch-life.ts";
import { batchRoutes } from "./openai-batch-routes.ts";
import { failureOfStatus, failureReply } from "./openai-errors.ts";
import { fileRoutes } from "./openai-files.ts";
import { liveRoutes } from "./openai-live.ts";
import { createTokenBudget } from "./token-budget.ts";
import type { World } from "./world.ts";

/** The profile and the batches that live in it. */
export interface OpenAiProfile {
  readonly profile: Profile;
  /** Lets go of the batch with this id, or of every batch, that a fault holds; gives how many. */
  release(batchId?: string): number;
  /** How many batches are in each state. */
  batchStatuses(): Readonly<Record<string, number>>;
  /** Resolves when no batch is being worked on any more. Call after the world began to close. */
  settled(): Promise<void>;
}

/** An OpenAI service without files or batches. */
export function createOpenAiProfile(world: World): OpenAiProfile {
  const all: BatchRecord[] = [];
  const lives = new Set<Promise<void>>();
  const budget = createTokenBudget(world.settings.enqueuedTokens);
  const start = (batch: BatchRecord): void => {
    const life = liveBatch(world, batch, budget)
      .catch((error: unknown) => {
        if (!world.closing.aborted) breakDown(world, batch, error);
      })
      .finally(() => lives.delete(life));
    lives.add(life);
  };
  const routes = [
    ...fileRoutes(world),
    ...batchRoutes(world, { all, start }),
    ...liveRoutes(world),
  ];
  return {
    profile: {
      prefixes: ["", "/v1"],
      routes,
      headers: (requestId) => ({ "x-request-id": requestId, "openai-version": "2020-10-01" }),
      authorise: (request) => authorise(world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOfStatus(status, message)),
      faulty: true,
    },
    release: (batchId) => releaseHeld(all, batchId, nudge),
    batchStatuses: () => countBy(all.map((batch) => batch.status)),
    async settled() {
      for (const batch of all) if (!hasEnded(batch)) nudge(batch);
      await Promise.allSettled(lives);
    },
  };
}

/** Ends a batch that the emulator itself could not carry on with, and says so in its errors. */
function breakDown(world: World, batch: BatchRecord, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The emulator itself failed: ${reason}`;
  batch.problem = { code: "internal_error", message, param: null, line: null };
  enter(world, batch, "failed");
}

function countBy(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function authorise(apiKeys: readonly string[] | null, request: IncomingMessage): Reply | null {
  const key = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (key !== undefined && (apiKeys === null || apiKeys.includes(key))) return null;
  const message =
    key === undefined
      ? "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
      : "Incorrect API key provided.";
  return failureReply(failureOfStatus(401, message));
}
