/** What the flags of each command hold, once read. */

import type { FileFormat, FormulaSafe, MaxFailures, OnBadRow, OnNull } from "../index.ts";
import type { OutputFlags, ToldFlags } from "./answer-flags.ts";
import type { LaneFlags } from "./lane-flags.ts";
import type { CallFlags } from "./call-flags.ts";
import type { EnqueueFlags } from "./enqueue.ts";
import type { MoneyFlags } from "./money-flags.ts";
import type { TerminalFlags } from "./terminal.ts";

/** Flags of commands that drive a run. */
export interface DriveFlags extends TerminalFlags, LaneFlags, MoneyFlags {
  readonly runDir?: string;
  /** Time between looks at a batch, in milliseconds. */
  readonly poll?: number;
  readonly yes?: boolean;
  /** How often a request that got no reply is sent again. */
  readonly retries?: number;
  /** How many requests, or per cent of them, may fail. */
  readonly maxFailures?: MaxFailures;
  /** Whether none may. */
  readonly failFast?: boolean;
  /** How long a batch may stand still, in milliseconds. */
  readonly stall?: number;
  readonly keepRemote?: boolean;
  readonly failuresTo?: string;
  readonly notify?: string;
}

/** Flags of `collect`. */
export interface CollectFlags extends DriveFlags {
  readonly output?: string;
  /** A batch that was made elsewhere. */
  readonly batchId?: string;
  /** A file of reply lines that were made elsewhere. */
  readonly results?: string;
  readonly chunk?: number;
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

/** Flags of every command that asks a model of each row. */
export interface EnrichFlags extends EnqueueFlags, DriveFlags, CallFlags, OutputFlags, ToldFlags {
  readonly model?: string;
  readonly column?: string;
  readonly output?: string;
  /** The row whose prompt is printed instead, counted from 1; true for the first that would be asked. */
  readonly printPrompt?: number | true;
  /** How many rows to try first; true for the usual number. */
  readonly preview?: number | true;
  /** The columns that name a row, with commas between. */
  readonly key?: string;
  /** How many rows are drawn to be asked. */
  readonly sample?: number;
  /** The column whose values share the rows of a sample or a preview. */
  readonly sampleBy?: string;
  readonly sampleSeed?: number;
  /** Ends once everything that may be sent is. */
  readonly detach?: boolean;
  /** Plans, tells and forgets; sends nothing. */
  readonly dryRun?: boolean;
  /** An earlier run that a plan is compared with. */
  readonly against?: string;
  readonly limit?: number;
  /** The condition that rows must meet to be asked. */
  readonly where?: string;
  /** Asks only rows that have no answer in columns that are there already. */
  readonly skipExisting?: boolean;
  readonly overwrite?: boolean;
  readonly chunkRows?: number;
  /** How long a new batch may take to appear at the provider, in milliseconds. */
  readonly settle?: number;
  readonly baseUrl?: string;
  /** The name of the environment variable that holds the key. */
  readonly apiKeyEnv?: string;
  readonly name?: string;
  readonly onNull?: OnNull;
  readonly option?: readonly string[];
  /** How often every question is asked. */
  readonly votes?: number;
  /** Another model, asked the rows that the first one fails. */
  readonly fallbackModel?: string;
  /** A strong model, asked the rows that the first one is not sure enough of. */
  readonly cascade?: string;
  /** The share of rows whose answers are to be the strong model's. */
  readonly target?: number;
  /** The probability of missing it that is put up with. */
  readonly delta?: number;
  /** Rows of which answers are compared. */
  readonly labelBudget?: number;
  /** A column of gold labels that the first model's answers are compared with. */
  readonly cascadeGold?: string;
  readonly format?: FileFormat;
  readonly delimiter?: string;
  /** False where the first line of CSV is a row. */
  readonly headers?: boolean;
  readonly formulaSafe?: FormulaSafe;
  /** Names with commas between; true for no old column. */
  readonly onlyNew?: string | true;
  readonly inPlace?: boolean;
  readonly onBadRow?: OnBadRow;
  /** False where answers are neither taken from the cache nor kept in it. */
  readonly cache?: boolean;
  readonly refresh?: boolean;
  readonly cacheFile?: string;
}

/** Flags of `run`. */
export interface RunFlags extends EnrichFlags {
  readonly prompt?: string;
  readonly system?: string;
}

/** Flags of `build`; `output` is where the requests go. */
export type BuildFlags = RunFlags;

/** Flags of every verb. */
export interface VerbFlags extends EnrichFlags {
  readonly text: string;
  readonly also?: string;
}

/** Flags of `classify`. */
export interface ClassifyFlags extends VerbFlags {
  readonly labels: string;
}

/** Flags of `extract`. */
export interface ExtractFlags extends VerbFlags {
  readonly schema: string;
}

/** Flags of `filter`. */
export interface FilterFlags extends VerbFlags {
  readonly condition: string;
  readonly keepRows?: boolean;
  readonly failed?: "keep" | "drop";
}

/** Flags of `score`. */
export interface ScoreFlags extends VerbFlags {
  readonly by: string;
  readonly range?: readonly [low: number, high: number];
  readonly anchor?: readonly string[];
}

/** Flags of `translate`. */
export interface TranslateFlags extends VerbFlags {
  readonly to: string;
}

/** Flags of `summarize`. */
export interface SummarizeFlags extends VerbFlags {
  readonly words?: number;
}

/** Flags of `embed`. */
export interface EmbedFlags extends VerbFlags {
  readonly dimensions?: number;
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
  readonly wrongShapeRows?: number;
  readonly fencedRows?: number;
  readonly duplicateKeyRows?: number;
  readonly deepRows?: number;
  readonly hugeRows?: number;
}
