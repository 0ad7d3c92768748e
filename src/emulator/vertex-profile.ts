/** Vertex's batch prediction and the Cloud Storage it reads and writes, whole: who is let in, and every route. */
import type { IncomingMessage } from "node:http";
import { releaseHeld } from "./batch-pause.ts";
import { createGcsObjects } from "./gcs-objects.ts";
import { gcsRoutes } from "./gcs-routes.ts";
import type { GcsUploads } from "./gcs-upload.ts";
import { failureOf, failureReply } from "./google-errors.ts";
import { vertexLiveRoute } from "./google-live.ts";
import type { Reply } from "./http.ts";
import type { Service } from "./service.ts";
import { createTokenBudget } from "./token-budget.ts";
import { enterJobState, isJobOver, wakeJob, type VertexJob } from "./vertex-job.ts";
import { liveVertexJob } from "./vertex-job-life.ts";
import { vertexJobRoutes } from "./vertex-job-routes.ts";
import type { World } from "./world.ts";

/** The path under which Vertex is emulated, and Cloud Storage with it. */
export const VERTEX_PREFIX = "/vertex";

// The job API has versions; Cloud Storage has its own names, and none where a client is told of an emulator.
const PREFIXES = ["", "/v1", "/v1beta1", "/storage/v1", "/upload/storage/v1"];

/** A Vertex without jobs, and a Cloud Storage without objects. */
export function createVertexProfile(world: World): Service {
  const all: VertexJob[] = [];
  const lives = new Set<Promise<void>>();
  const uploads: GcsUploads = new Map();
  const objects = createGcsObjects(world);
  const vertex = {
    world,
    objects,
    budget: createTokenBudget(world.settings.enqueuedTokens, world.ledger),
  };
  const start = (job: VertexJob): void => {
    const life = liveVertexJob(vertex, job)
      .catch((error: unknown) => {
        if (!world.closing.aborted) breakDown(world, job, error);
      })
      .finally(() => lives.delete(life));
    lives.add(life);
  };
  return {
    profile: {
      prefixes: PREFIXES.map((prefix) => `${VERTEX_PREFIX}${prefix}`),
      routes: [
        ...gcsRoutes({ world, objects, uploads }),
        ...vertexJobRoutes({ ...vertex, all, start }),
        vertexLiveRoute(world),
      ],
      headers: () => ({ server: "ESF" }),
      authorise: (request) => authorise(world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOf(status, message)),
      faulty: true,
    },
    release: (batchId) => releaseHeld(all, batchId, wakeJob),
    batchStatuses: () => countStates(all),
    async settled() {
      for (const job of all) if (!isJobOver(job)) wakeJob(job);
      await Promise.allSettled(lives);
      uploads.clear();
    },
  };
}

function breakDown(world: World, job: VertexJob, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  job.error = { code: 13, message: `The emulator itself failed: ${reason}` };
  enterJobState(world, job, "FAILED");
}

function countStates(jobs: readonly VertexJob[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { state } of jobs) {
    const name = `JOB_STATE_${state}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Emulators of Cloud Storage are called in nobody's name; a token is asked for where some are named. */
function authorise(tokens: readonly string[] | null, request: IncomingMessage): Reply | null {
  const query = new URL(`http://emulator.invalid${request.url ?? "/"}`).searchParams;
  // The address of an upload is its own permission.
  if (tokens === null || query.has("upload_id")) return null;
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (token !== undefined && tokens.includes(token)) return null;
  const message =
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.";
  return failureReply(failureOf(401, message));
}
