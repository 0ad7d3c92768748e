/** A batch prediction job as the emulator remembers it, and as Vertex shows it. */
import type { Pausable } from "./batch-pause.ts";
import type { JsonObject } from "./json.ts";
import type { World } from "./world.ts";

/** The states of a job, without the `JOB_STATE_` they carry on the wire. */
export type VertexJobState =
  "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLING" | "CANCELLED" | "EXPIRED";

/** What a client asked for when it created a job. */
export interface VertexJobRequest {
  /** `projects/…/locations/…` */
  readonly parent: string;
  readonly displayName: string;
  /** As it was given, such as `publishers/google/models/gemini-2.5-flash`. */
  readonly model: string;
  /** The addresses of its input, one object each. */
  readonly uris: readonly string[];
  readonly outputPrefix: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One job. Only its life and its cancel and delete routes change it. */
export interface VertexJob extends Pausable {
  /** Such as `projects/p/locations/l/batchPredictionJobs/123`. */
  readonly id: string;
  /** Counts jobs from 1. */
  readonly sequence: number;
  readonly request: VertexJobRequest;
  /** By the skewed clock, as clients see it. */
  readonly createdAtMs: number;
  /** When its time in the queue is over; once it runs, when its time to run is. */
  expiresAtMs: number;
  startedAtMs: number | null;
  updatedAtMs: number;
  state: VertexJobState;
  error: { readonly code: number; readonly message: string } | null;
  /** The folder of its results; null while there is none. */
  directory: string | null;
  /** Requests in it; null until its input has been imported. */
  total: number | null;
  readonly counts: { succeeded: number; failed: number };
  cancelRequested: boolean;
  /** True once a row was left unexecuted by a fault; the job then ends as expired. */
  someExpired: boolean;
  /** Held in its state by a fault until released. */
  held: boolean;
  wake: AbortController;
}

// A job may wait for 72 hours and run for 24. Source: Vertex's guide to batch prediction.
const QUEUE_WINDOWS = 3;

/** A new job in `PENDING`. */
export function newVertexJob(world: World, request: VertexJobRequest): VertexJob {
  const createdAtMs = world.nowMs();
  const number = BigInt(`0x${world.newId("", 15)}`).toString();
  return {
    id: `${request.parent}/batchPredictionJobs/${number}`,
    sequence: world.next("vertex job"),
    request,
    createdAtMs,
    expiresAtMs: createdAtMs + QUEUE_WINDOWS * world.settings.windowMs,
    startedAtMs: null,
    updatedAtMs: createdAtMs,
    state: "PENDING",
    error: null,
    directory: null,
    total: null,
    counts: { succeeded: 0, failed: 0 },
    cancelRequested: false,
    someExpired: false,
    held: false,
    wake: new AbortController(),
  };
}

/** The model's name without where it is published. */
export function modelNameOf(model: string): string {
  return model.split("/").at(-1) ?? "";
}

/** Puts the job in `state` and notes when. */
export function enterJobState(world: World, job: VertexJob, state: VertexJobState): void {
  job.state = state;
  job.updatedAtMs = world.nowMs();
}

/** True when nothing further will happen to the job. */
export function isJobOver({ state }: VertexJob): boolean {
  return state !== "PENDING" && state !== "RUNNING" && state !== "CANCELLING";
}

/** Wakes the job if it sleeps. */
export function wakeJob(job: VertexJob): void {
  const { wake } = job;
  job.wake = new AbortController();
  wake.abort();
}

/** The job as its API shows it. */
export function jobOnWire(job: VertexJob): JsonObject {
  const { displayName, model, uris, outputPrefix, labels } = job.request;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    name: job.id,
    displayName,
    model,
    inputConfig: { instancesFormat: "jsonl", gcsSource: { uris } },
    outputConfig: {
      predictionsFormat: "jsonl",
      gcsDestination: { outputUriPrefix: outputPrefix },
    },
    state: `JOB_STATE_${job.state}`,
    ...(job.error === null ? {} : { error: job.error }),
    ...(job.directory === null ? {} : { outputInfo: { gcsOutputDirectory: job.directory } }),
    ...(job.total === null ? {} : { completionStats: statsOnWire(job, job.total) }),
    createTime: time(job.createdAtMs),
    ...(job.startedAtMs === null ? {} : { startTime: time(job.startedAtMs) }),
    ...(isJobOver(job) ? { endTime: time(job.updatedAtMs) } : {}),
    updateTime: time(job.updatedAtMs),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

/** 64-bit numbers are texts and zeros are left out; what is still to be done is not known, which is said with -1. */
function statsOnWire({ counts }: VertexJob, total: number): JsonObject {
  const { succeeded, failed } = counts;
  return {
    ...(succeeded === 0 ? {} : { successfulCount: String(succeeded) }),
    ...(failed === 0 ? {} : { failedCount: String(failed) }),
    ...(succeeded + failed === total ? {} : { incompleteCount: "-1" }),
  };
}
