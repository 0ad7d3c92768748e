/** What `--json` prints of runs that many machines share, and what all outputs begin with. */

import type { SharedRun } from "../index.ts";

/** What every output begins with. Members are added within a version; none is changed or removed. */
export interface Versioned {
  readonly schemaVersion: 1;
}

/** A run that many machines share. */
export interface SharedRunData extends Pick<
  SharedRun["sums"],
  "parts" | "rows" | "chunks" | "spentUsd"
> {
  readonly run: string;
  readonly status: "planned" | "underway" | "cancelling" | "stopped" | "finished";
  readonly model: string;
  readonly column: string;
  readonly output: string;
  readonly requests: Readonly<Record<"total" | "answered" | "failed" | "unsent", number>>;
  /** The most that may be spent, in US dollars; null where there is no cap. */
  readonly capUsd: SharedRun["capUsd"];
  /** Why parts cannot go on, the first few. */
  readonly errors: readonly { readonly part: number; readonly error: unknown }[];
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/** The runs that many machines share. */
export interface SharedRunsOutput extends Versioned {
  readonly runs: readonly SharedRunData[];
}

/** A run that many machines share, as far as it has come. */
export interface SharedRunOutput extends Versioned, SharedRunData {}

/** A run that many machines share, put into one file. */
export interface SharedExportOutput extends Versioned {
  readonly run: string;
  readonly output: string;
  readonly parts: number;
  readonly rows: number;
}

/** The tables of a shared state. */
export interface MigratedOutput extends Versioned {
  readonly state: string;
  /** Their version until now, 0 where there were none. */
  readonly before: number;
  readonly version: number;
}
