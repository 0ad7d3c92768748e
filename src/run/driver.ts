/** What driving a run is told and keeps in mind. */

import type { Chunk } from "../core/chunk.ts";
import type { MaxFailures } from "../core/failure-limit.ts";
import type { Price } from "../core/price.ts";
import type { Look } from "../core/look.ts";
import type { Progress } from "../core/progress.ts";
import type { RowErrorCode } from "../core/result.ts";
import type { CollectOptions } from "../stages/collect.ts";
import type { Ports } from "../stages/ports.ts";
import type { Canary } from "./canary.ts";
import type { LanePaces } from "./lane-paces.ts";
import { unknownReach, type Reach } from "./reach.ts";
import type { Spending } from "./spending.ts";

/** How a run is driven; nothing here decides what is asked. */
export interface DriveOptions {
  /** How answers are read and checked. */
  readonly reading: CollectOptions["reading"];
  /** Time between looks at a batch, in milliseconds; it widens up to tenfold while nothing changes. */
  readonly pollEveryMs: number;
  /** How often a request that was not answered may be sent again. */
  readonly maxResends: number;
  /** The kinds of unusable answer that are asked once more in other words. */
  readonly amendable: ReadonlySet<RowErrorCode>;
  /** The model's price; null or left out where it is not known. */
  readonly price?: Price | null;
  /** What the run may spend; anything where left out. */
  readonly spending?: Spending | null;
  /** How many requests may fail before nothing more is sent; null or left out stops only where the first ones fail alike. */
  readonly maxFailures?: MaxFailures | null;
  /** Failures that a later pass asks another model about, and so no reason to stop; none when left out. */
  readonly handedOn?: ReadonlySet<RowErrorCode> | undefined;
  /** A batch that stands still this long is cancelled and its rest sent again; null waits for ever. */
  readonly stallMs: number | null;
  /** Leaves the provider's copies of requests and results where they are. */
  readonly keepRemote: boolean;
  /** Takes what is ready now and does not wait for the rest. */
  readonly once: boolean;
  /** False leaves planned chunks alone; they are sent when left out. Only together with `once`. */
  readonly sends?: boolean;
  /** What was kept in mind by earlier drives of the run in this process; begun anew when left out. */
  readonly memory?: DriveMemory;
  /** Asked between steps: true ends the drive there, with what is open left open; never when left out. */
  readonly leaves?: () => boolean;
  /** Told after every step that changed something. */
  readonly onProgress: (progress: Progress) => void;
  /** Told what went wrong and is being dealt with; nothing for the caller to do. */
  readonly onWarning: (warning: Warning) => void;
}

/** Something that went wrong on the way and did not stop the run. */
export interface Warning {
  readonly chunk: number;
  readonly code: string;
  readonly message: string;
}

/** Watches what fails in one process's drives of a run. */
export interface FailureWatch {
  /** Whether so much has failed that nothing more is to be sent. */
  isPast(progress: Progress, chunks: readonly Chunk[]): Promise<boolean>;
}

/** What drives of one run by one process keep in mind from one to the next. */
export interface DriveMemory {
  /** What is thought of the first request; null before the first drive. */
  canary: Canary | null;
  paces: LanePaces | null;
  /** What has failed since the first drive; null before it. */
  failures: FailureWatch | null;
  readonly looks: Map<number, Look>;
  /** Chunks whose batch this process has asked the provider to cancel. */
  readonly stopped: Set<number>;
  /** When a batch was first looked for whose create call has no answer, by intent, in the store's time. */
  readonly firstLooks: Map<string, number>;
  /** Chunks of which it has been said that nobody knows yet whether their batch exists. */
  readonly unclear: Set<number>;
  /** Chunks whose last step failed and may succeed later. */
  readonly troubled: Set<number>;
  /** What was met with where no connection came about. */
  readonly reach: Reach;
  /** How long nothing will be due after the last drive, in milliseconds. */
  restMs: number;
}

/** A memory of nothing. */
export function driveMemory(): DriveMemory {
  const chunks = { looks: new Map(), stopped: new Set<number>(), unclear: new Set<number>() };
  return {
    ...chunks,
    firstLooks: new Map(),
    troubled: new Set(),
    reach: unknownReach(),
    canary: null,
    paces: null,
    failures: null,
    restMs: 0,
  };
}

/** One drive of one run. */
export interface Driver extends Omit<DriveMemory, "canary" | "paces" | "failures" | "restMs"> {
  readonly ports: Ports;
  readonly options: DriveOptions;
  readonly paces: LanePaces;
}
