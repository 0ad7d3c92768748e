/**
 * What `--json` prints, command by command, and the events of `--progress json`. Rows are counted from 1 in
 * all of it, the receipts and evaluations included whose own types count from 0.
 *
 * `json-output.schema.json` is written from these types: node scripts/json-schema.ts.
 */

import type {
  AnswerColumn,
  Band,
  BatchChange,
  CacheInfo,
  Check,
  DiffReport,
  Downloaded,
  EndedBatch,
  EvalReport,
  Lane,
  ListedBatch,
  ModelPrice,
  Phase,
  Progress,
  Receipt,
  ReviewExported,
  ReviewImported,
  RowErrorCode,
  RowTrace,
  RunPlan,
  ShownPrompt,
  TimeRange,
} from "../index.ts";
import type {
  MigratedOutput,
  SharedExportOutput,
  SharedRunOutput,
  SharedRunsOutput,
  Versioned,
} from "./json-shared.ts";

/** A command that failed, whatever it was to print. */
export interface FailedOutput extends Versioned {
  readonly error: {
    /** One of docs/errors.md, or `usage` for words that are no command. */
    readonly code: string;
    readonly message: string;
    /** What to do next; null or empty where there is nothing to say. */
    readonly hint: string | null;
  };
}

/** What a run that has ended accounts for. */
export interface ReceiptOutput extends Versioned, Receipt {
  readonly status: "finished" | "finished_with_failures";
}

/** A run that this command left as it is, and why. */
export interface StoppedOutput extends Versioned {
  readonly run: string;
  /** `finished` there was nothing to stop · `cancelling` whoever drives the run stops it. */
  readonly status: "interrupted" | "finished" | "cancelling" | "retrying" | "nothing_to_retry";
  /** Of a run that many machines share: the parts that are concerned. */
  readonly parts?: number;
}

/** A run whose answers have not all come. */
export interface PendingOutput extends Versioned {
  readonly run: string;
  readonly status: "pending";
  readonly requests: {
    readonly total: number;
    readonly answered: number;
    /** Those that wait to be sent. */
    readonly waiting: number;
  };
}

/** A run that was handed to workers. */
export interface EnqueuedOutput extends Versioned {
  readonly run: string;
  readonly parts: number;
  /** Whether it was enqueued before. */
  readonly resumed: boolean;
  readonly output: string;
  /** What is to be said of columns whose types the output will not have. */
  readonly warnings: readonly string[];
}

/** The prompt of a row, counted from 1. */
export interface PromptOutput extends Versioned, ShownPrompt {}

/** What would be sent, and what would leave the machine. */
export interface PlanOutput extends Versioned, RunPlan {
  /** `provider/model`. */
  readonly model: string;
  readonly leaves: {
    readonly host: string;
    /** The columns the prompts are made of; null where nobody can tell. */
    readonly columns: readonly string[] | null;
  };
}

/** Rows that were tried. */
export interface PreviewOutput extends Versioned {
  readonly status: "previewed";
  /** Which rows, by the numbers that `show --row` takes: counted from 1. */
  readonly rows: readonly number[];
  /** The same rows, with the new columns. */
  readonly preview: readonly Readonly<Record<string, unknown>>[];
  /** US dollars; null where the price is not known. */
  readonly costUsd: number | null;
  /** What the whole run would send beside them, and cost. */
  readonly requestsLeft: number;
  readonly expected: Band | null;
}

/** A run on disk. */
export interface RunData {
  readonly run: string;
  readonly status: "planning" | "planned" | "underway" | "finished";
  /** `provider/model`. */
  readonly model: string;
  readonly column: string;
  /** Null for rows in memory. */
  readonly input: string | null;
  readonly output: string | null;
  readonly directory: string;
  /** Null while rows are being read. */
  readonly rows: number | null;
  readonly phase: Phase;
  readonly requests: Readonly<
    Record<"total" | "answered" | "cached" | "failed" | "underway", number>
  >;
  readonly chunks: Readonly<Record<"total" | "collected", number>>;
  /** US dollars; null where the price is not known. */
  readonly spentUsd: number | null;
  /** The most it may cost; null where there is no cap. */
  readonly capUsd: number | null;
  readonly projectedUsd: number | null;
  readonly timeLeft: TimeRange | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/** The runs there are. */
export interface RunsOutput extends Versioned {
  readonly runs: readonly RunData[];
  /** Directories that hold no run that can be read. */
  readonly unreadable: readonly { readonly run: string; readonly error: string }[];
}

/** One run in detail. */
export interface StatusOutput extends Versioned, RunData {
  readonly lanes: readonly Lane[];
  readonly deadline: { readonly at: string; readonly handedOver: boolean } | null;
  /** Its chunks, and the batch of each. */
  readonly batches: readonly {
    readonly chunk: number;
    /** What it is asked for, and of whom: a run of several columns or models has chunks of each. */
    readonly column: string;
    /** `provider/model`. */
    readonly model: string;
    readonly lane: Lane;
    readonly state: "planned" | "submitting" | "submitted" | "ended" | "collected";
    /** What its batch is doing; null where none is under way. */
    readonly phase: string | null;
    readonly batchId: string | null;
    readonly requests: number;
    readonly answered: number;
    readonly failed: number;
  }[];
}

/** A row, counted from 1, and every request that was made for it: one for each column and model. */
export interface TracesOutput extends Versioned {
  readonly traces: readonly RowTrace[];
}

/** A row without an answer, counted from 1; `failures` prints one a line. */
export interface FailureOutput extends Versioned {
  readonly row: number;
  /** The cells of its key, by column; null where the input does not say them any more, left out where the run has no key. */
  readonly key?: Readonly<Record<string, string | null>> | null;
  readonly code: RowErrorCode;
  readonly message: string;
}

/** Where the failed rows were written. */
export interface FailuresOutput extends Versioned {
  readonly run: string;
  readonly rows: number;
  readonly output: string;
}

/** Runs whose directories were deleted, or would be. */
export interface RemovedOutput extends Versioned {
  readonly removed: readonly string[];
  readonly dryRun?: boolean;
}

/** What the cache holds. */
export interface CacheOutput extends Versioned, CacheInfo {}

/** How many answers were cleared. */
export interface ClearedOutput extends Versioned {
  readonly cleared: number;
}

/** The request files of a run; a path is null for standard output. */
export interface BuiltOutput extends Versioned {
  readonly run: string;
  readonly files: readonly {
    readonly chunk: number;
    readonly path: string | null;
    readonly requests: number;
    readonly bytes: number;
  }[];
}

/** A batch that was submitted, or asked to stop, or removed. */
export interface BatchOutput extends Versioned {
  readonly batch: string;
  readonly status?: "cancelling" | "removed";
}

/** A batch that is under way; `done` is null where the provider does not count. */
export interface OpenBatchOutput extends Versioned {
  readonly batch: string;
  readonly phase: "validating" | "running" | "finalizing" | "cancelling";
  readonly done: number | null;
}

/** A batch that has ended. */
export interface EndedBatchOutput extends Versioned, Omit<EndedBatch, "batchId"> {
  readonly batch: string;
}

/** Where a batch stands. */
export type BatchStateOutput = OpenBatchOutput | EndedBatchOutput;

/** The account's batches, the newest first. */
export interface BatchesOutput extends Versioned {
  readonly batches: readonly (Pick<ListedBatch, "isOpen" | "tag"> & {
    readonly batch: string;
    readonly createdAt: string;
  })[];
  readonly hasMore: boolean;
}

/** Where a batch's results were written. */
export interface DownloadedOutput extends Versioned, Downloaded {
  readonly batch: string;
}

/** How well a column of answers matches one of gold labels. */
export interface EvalOutput extends Versioned, EvalReport {
  readonly file: string;
  readonly pred: string;
  readonly gold: string;
}

/** Where two columns of answers differ. */
export interface DiffOutput extends Versioned, DiffReport {
  readonly before: AnswerColumn;
  readonly after: AnswerColumn;
  readonly output: string | null;
}

/** What was written to begin with. */
export interface InitOutput extends Versioned {
  readonly written: readonly string[];
  readonly input: string;
  readonly column: string;
  /** The command lines to type next. */
  readonly next: readonly string[];
}

/** An emulator that has begun to listen. */
export interface EmulatorOutput extends Versioned {
  readonly url: string;
  readonly seed: number;
  readonly pid: number;
}

/** Pages over runs that have begun to be served. */
export interface UiOutput extends Versioned {
  /** With the token that lets its reader in. */
  readonly url: string;
  readonly pid: number;
}

/** What this machine has. */
export interface DoctorOutput extends Versioned {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** Models whose prices are known. */
export interface ModelsOutput extends Versioned {
  readonly models: readonly ModelPrice[];
}

/** What was written for people to look at. */
export interface ReviewExportOutput extends Versioned, ReviewExported {}

/** What people have made of a run's answers. */
export interface ReviewImportOutput extends Versioned, ReviewImported {}

/** What a shell is to be told. */
export interface CompletionsOutput extends Versioned {
  readonly shell: string;
  readonly script: string;
}

type Asked =
  | ReceiptOutput
  | StoppedOutput
  | PendingOutput
  | EnqueuedOutput
  | PromptOutput
  | PlanOutput
  | PreviewOutput;

type Followed = ReceiptOutput | StoppedOutput;

/** What each command prints with `--json`, by its words; `failed` where it fails. */
export interface JsonOutputs {
  readonly failed: FailedOutput;
  readonly run: Asked;
  readonly preview: Asked;
  readonly classify: Asked;
  readonly extract: Asked;
  readonly filter: Asked;
  readonly score: Asked;
  readonly translate: Asked;
  readonly summarize: Asked;
  readonly embed: Asked;
  readonly plan: PlanOutput | PromptOutput;
  readonly ls: RunsOutput | SharedRunsOutput;
  readonly status: StatusOutput | SharedRunOutput;
  readonly failures: FailureOutput | FailuresOutput;
  readonly show: TracesOutput | StatusOutput | SharedRunOutput;
  readonly export: ReceiptOutput | SharedExportOutput;
  readonly resume: Followed;
  readonly attach: Followed | SharedRunOutput;
  readonly collect: ReceiptOutput | PendingOutput;
  readonly cancel: Followed;
  readonly retry: Followed;
  readonly reparse: Followed;
  readonly rm: RemovedOutput;
  readonly gc: RemovedOutput;
  readonly "cache info": CacheOutput;
  readonly "cache clear": ClearedOutput;
  readonly migrate: MigratedOutput;
  readonly build: BuiltOutput;
  readonly "batches submit": BatchOutput;
  readonly "batches list": BatchesOutput;
  readonly "batches status": BatchStateOutput;
  readonly "batches wait": BatchStateOutput;
  readonly "batches results": DownloadedOutput;
  readonly "batches cancel": BatchOutput;
  readonly "batches remove": BatchOutput;
  readonly eval: EvalOutput;
  readonly diff: DiffOutput;
  readonly "review export": ReviewExportOutput;
  readonly "review import": ReviewImportOutput;
  readonly init: InitOutput;
  readonly emulate: EmulatorOutput;
  readonly ui: UiOutput;
  readonly doctor: DoctorOutput;
  readonly models: ModelsOutput;
  readonly completions: CompletionsOutput;
}

/** One of what commands print. */
export type JsonOutput = JsonOutputs[keyof JsonOutputs];

/** The lines of `--progress json`, by the event's name. */
export type JsonEventLines = {
  readonly [Kind in keyof JsonEvents]: Versioned & { readonly event: Kind } & JsonEvents[Kind];
};

/** What each event holds beside `schemaVersion` and its name. */
export interface JsonEvents {
  /** The run is planned. */
  readonly open: {
    readonly run: string;
    readonly directory: string | null;
    readonly plan: RunPlan;
  };
  readonly progress: Progress & { readonly elapsedMs: number };
  readonly batch: BatchChange;
  readonly warning: { readonly code: string; readonly message: string };
  /** Words for people. */
  readonly message: { readonly text: string };
  readonly receipt: ReceiptOutput;
  readonly error: FailedOutput["error"];
}
