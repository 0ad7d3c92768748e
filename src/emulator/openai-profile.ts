/** OpenAI's protocol, whole, for any host that speaks it: who is let in, and every route. */
import { releaseHeld } from "./batch-pause.ts";
import { refusedEntry } from "./host-entry.ts";
import type { Route } from "./http.ts";
import { mistralBatchRoutes } from "./mistral-batch-routes.ts";
import { enter, hasEnded, nudge, type BatchRecord } from "./openai-batch.ts";
import { liveBatch } from "./openai-batch-life.ts";
import { batchRoutes } from "./openai-batch-routes.ts";
import { failureOfStatus, failureReply } from "./openai-errors.ts";
import { fileRoutes } from "./openai-files.ts";
import { liveRoutes } from "./openai-live.ts";
import { OPENAI_RULES, type HostRules } from "./openai-rules.ts";
import { hostWorld, type HostWorld } from "./openai-world.ts";
import type { Service } from "./service.ts";
import { togetherBatchRoutes } from "./together-batch-routes.ts";
import { createTokenBudget } from "./token-budget.ts";
import type { World } from "./world.ts";

/** A host of OpenAI's protocol without files or batches. */
export function createOpenAiProfile(shared: World, host: HostRules = OPENAI_RULES): Service {
  const world = hostWorld(shared, host);
  const all: BatchRecord[] = [];
  const lives = new Set<Promise<void>>();
  const budget = createTokenBudget(world.settings.enqueuedTokens, world.ledger);
  const start = (batch: BatchRecord): void => {
    const life = liveBatch(world, batch, budget)
      .catch((error: unknown) => {
        if (!world.closing.aborted) breakDown(world, batch, error);
      })
      .finally(() => lives.delete(life));
    lives.add(life);
  };
  const style = host.style(`${host.prefixes[0] ?? ""}/`);
  const routes = [
    ...fileRoutes(world),
    ...BATCH_ROUTES[host.envelope](world, { all, start }),
    ...liveRoutes(world),
    ...deploymentRoutes(world),
  ];
  return {
    profile: {
      prefixes: host.prefixes,
      routes,
      headers: (requestId) => ({ "x-request-id": requestId, ...versionHeader(host) }),
      authorise: (request) => refusedEntry(host, world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOfStatus(status, message)),
      faulty: true,
    },
    release: (batchId) => releaseHeld(all, batchId, nudge),
    batchStatuses: () => countBy(all.map((batch) => style.status(batch.status))),
    async settled() {
      for (const batch of all) if (!hasEnded(batch)) nudge(batch);
      await Promise.allSettled(lives);
    },
  };
}

const BATCH_ROUTES = {
  openai: batchRoutes,
  together: togetherBatchRoutes,
  mistral: mistralBatchRoutes,
} as const;

/** Azure's paths for single requests, which name the deployment; its clients name it in the body as well. */
function deploymentRoutes(world: HostWorld): readonly Route[] {
  if (world.host.auth !== "azure") return [];
  return liveRoutes(world)
    .filter(({ method }) => method === "POST")
    .map((route) => ({ ...route, path: `/deployments/{deployment}${route.path}` }));
}

function versionHeader({ name }: HostRules): Readonly<Record<string, string>> {
  return name === "openai" ? { "openai-version": "2020-10-01" } : {};
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
