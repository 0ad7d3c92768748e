/** What a worker tells of itself: one flat record for each thing that happens. */

/** One thing that happened. Members are added in later versions, never changed. */
export interface Noted {
  readonly level: "info" | "warn" | "error";
  /** `worker_started`, `part_waits`, `part_done`, `part_failed`, `held`, `swept`, `warning`, `trouble`, `worker_leaving`, `worker_left`. */
  readonly event: string;
  /** The run of the part. */
  readonly run?: string;
  readonly chunk?: number;
  readonly code?: string;
  readonly message?: string;
  readonly tookMs?: number;
  /** How long nothing is due for the part, in milliseconds. */
  readonly restMs?: number;
  readonly rows?: number;
  readonly failed?: number;
  /** Whether this was the last part of its run. */
  readonly endsRun?: boolean;
}

/** An event as a line of JSON, with the time first. */
export function logLine(event: Noted, atMs: number): string {
  return JSON.stringify({ at: new Date(atMs).toISOString(), ...event });
}
