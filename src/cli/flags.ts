/** What the flags of each command hold, once read. */

import type { OnNull } from "../index.ts";
import type { TerminalFlags } from "./terminal.ts";

/** Flags of commands that drive a run. */
export interface DriveFlags extends TerminalFlags {
  readonly runDir?: string;
  /** Time between looks at a batch, in milliseconds. */
  readonly poll?: number;
  readonly yes?: boolean;
  /** How often a request that got no reply is sent again. */
  readonly retries?: number;
  /** How long a batch may stand still, in milliseconds. */
  readonly stall?: number;
  readonly keepRemote?: boolean;
}

/** Flags of `retry`. */
export interface RetryFlags extends DriveFlags {
  readonly only?: string;
}

/** Flags of `rm`. */
export interface RemoveFlags extends LookFlags {
  readonly force?: boolean;
}

/** Flags of `gc`; the age is in milliseconds. */
export interface CleanFlags extends LookFlags {
  readonly olderThan: number;
  readonly dryRun?: boolean;
}

/** Flags that `run` and `classify` share. */
export interface EnrichFlags extends DriveFlags {
  readonly model?: string;
  readonly column?: string;
  readonly output?: string;
  readonly labels?: string;
  readonly limit?: number;
  readonly lane?: string;
  readonly chunkRows?: number;
  /** How long a new batch may take to appear at the provider, in milliseconds. */
  readonly settle?: number;
  readonly baseUrl?: string;
  readonly name?: string;
  readonly onNull?: OnNull;
  readonly option?: readonly string[];
}

/** Flags of `run`. */
export interface RunFlags extends EnrichFlags {
  readonly prompt?: string;
  readonly system?: string;
}

/** Flags of `classify`. */
export interface ClassifyFlags extends EnrichFlags {
  readonly text: string;
  readonly labels: string;
  readonly printPrompt?: boolean;
}

/** Flags of commands that look at runs. */
export interface LookFlags extends TerminalFlags {
  readonly runDir?: string;
}

/** Flags of `doctor`. */
export interface DoctorFlags extends LookFlags {
  readonly baseUrl?: string;
  readonly model?: string;
  readonly remote?: boolean;
}

/** Flags of `emulate`; durations are in milliseconds, rates from 0 to 1. */
export interface EmulateFlags extends TerminalFlags {
  readonly port: number;
  readonly answer: string;
  readonly seed?: number;
  readonly delay?: number;
  readonly validating?: number;
  readonly running?: number;
  readonly finalizing?: number;
  readonly faults?: string;
  readonly dropRows?: number;
  readonly duplicateRows?: number;
  readonly failRows?: number;
  readonly unknownIds?: number;
  readonly expireRows?: number;
  readonly refuseRows?: number;
  readonly truncateRows?: number;
  readonly invalidJsonRows?: number;
}
