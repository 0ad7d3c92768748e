/** The life of a Vertex job, from PENDING to its end. Whatever the end, the rows it had finished are kept. */
import { holdIfStruck, pauseWhile } from "./batch-pause.ts";
import type { GcsObjects } from "./gcs-objects.ts";
import { RPC_CODES } from "./google-errors.ts";
import type { TokenBudget } from "./token-budget.ts";
import {
  enterJobState,
  modelNameOf,
  newVertexJob,
  type VertexJob,
  type VertexJobRequest,
  type VertexJobState,
} from "./vertex-job.ts";
import { importInput, noRoom, type ImportFailure, type VertexPlan } from "./vertex-import.ts";
import { directoryOf, startVertexOutput, type VertexOutput } from "./vertex-output.ts";
import { runVertexRows } from "./vertex-rows.ts";
import type { World } from "./world.ts";

/** What jobs live in. */
export interface VertexWorld {
  readonly world: World;
  readonly objects: GcsObjects;
  readonly budget: TokenBudget;
}

/** A new job, counted. */
export function bornJob({ world }: VertexWorld, request: VertexJobRequest): VertexJob {
  world.ledger.countBatch();
  return newVertexJob(world, request);
}

/** Lives the whole life of `job`; resolves when it has ended or the emulator closes. */
export async function liveVertexJob(vertex: VertexWorld, job: VertexJob): Promise<void> {
  const { world } = vertex;
  await pauseWhile(world, job, world.settings.validatingMs, () => !job.cancelRequested);
  await holdIfStruck(world, job, "stuckValidating");
  if (await hasEndedEarly(vertex, job, null)) return;
  const failing = world.faults.strike("failValidation", { key: [job.sequence] });
  if (failing !== null) {
    const { code = "INVALID_ARGUMENT", message = "The job could not be processed." } = failing;
    fail(world, job, { code: RPC_CODES[code] ?? 2, message });
    return;
  }
  const plan = await importInput(vertex.objects, job.request.uris, world.settings);
  if ("code" in plan) {
    fail(world, job, plan);
    return;
  }
  const model = modelNameOf(job.request.model);
  if (vertex.budget.take(model, plan.promptTokens) !== null) {
    fail(world, job, noRoom());
    return;
  }
  try {
    await run(vertex, job, plan);
  } finally {
    vertex.budget.release(model, plan.promptTokens);
  }
}

function fail(world: World, job: VertexJob, error: ImportFailure): void {
  job.error = error;
  enterJobState(world, job, "FAILED");
}

async function run(vertex: VertexWorld, job: VertexJob, plan: VertexPlan): Promise<void> {
  const { world } = vertex;
  job.total = plan.count;
  job.startedAtMs = world.nowMs();
  job.expiresAtMs = job.startedAtMs + world.settings.windowMs;
  enterJobState(world, job, "RUNNING");
  const output = await startVertexOutput(world, vertex.objects, job);
  try {
    await holdIfStruck(world, job, "stuck");
    if (await hasEndedEarly(vertex, job, output)) return;
    const end = await runVertexRows({ world, job, plan, output });
    if (end.reason === "done")
      await pauseWhile(world, job, world.settings.finalizingMs, () => !job.cancelRequested);
    if (await hasEndedEarly(vertex, job, output)) return;
    const isCut = end.reason === "expired" || job.someExpired;
    await endWith(vertex, job, { output, state: isCut ? "EXPIRED" : "SUCCEEDED" });
  } finally {
    await output.discard();
  }
}

/** Ends a job that was cancelled or whose time is over; true too when the emulator closes. */
async function hasEndedEarly(
  vertex: VertexWorld,
  job: VertexJob,
  output: VertexOutput | null,
): Promise<boolean> {
  const { world } = vertex;
  if (world.closing.aborted) return true;
  if (job.cancelRequested) {
    await endCancelled(vertex, job, output);
    return true;
  }
  if (world.nowMs() < job.expiresAtMs) return false;
  if (output === null) {
    enterJobState(world, job, "EXPIRED");
    return true;
  }
  // Time to run that is over looks like a cancel that nobody asked for.
  job.error = { code: RPC_CODES["CANCELLED"] ?? 1, message: "The job exceeded its time to run." };
  await endWith(vertex, job, { output, state: "CANCELLED" });
  return true;
}

/** Waits out `CANCELLING`, then ends with the rows that were finished, or without them. */
async function endCancelled(
  vertex: VertexWorld,
  job: VertexJob,
  output: VertexOutput | null,
): Promise<void> {
  const { world } = vertex;
  await pauseWhile(world, job, world.settings.cancellingMs, () => true);
  if (world.closing.aborted) return;
  job.error = { code: RPC_CODES["CANCELLED"] ?? 1, message: "The job was cancelled by its user." };
  const keeps = world.faults.current().cancelKeeps ?? true;
  if (!keeps) Object.assign(job.counts, { succeeded: 0, failed: 0 });
  if (output === null || !keeps) enterJobState(world, job, "CANCELLED");
  else await endWith(vertex, job, { output, state: "CANCELLED" });
}

interface End {
  readonly output: VertexOutput;
  readonly state: VertexJobState;
}

async function endWith({ world }: VertexWorld, job: VertexJob, end: End): Promise<void> {
  const key = { key: [job.sequence] };
  const emptied = world.faults.strike("emptyOutput", key);
  const isUnnamed = world.faults.strike("outputIdEmptyString", key) !== null;
  if (emptied !== null) await end.output.discard();
  const directory = emptied === null ? await end.output.publish() : directoryOf(world, job);
  job.directory = isUnnamed ? "" : directory;
  enterJobState(world, job, end.state);
}
