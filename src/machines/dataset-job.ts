/** What a run for many machines is told. */

import type { EnrichOptions } from "../enrich-options.ts";
import type { OutputHow } from "../files/file-output.ts";
import type { Unanswered } from "../files/kept-rows.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import type { OutputOption } from "../output/form.ts";
import type { ModelRef } from "../provider/models.ts";
import type { AccountLimits } from "../store/postgres-admission.ts";

/** A run for many machines: what to read, what to ask, and where it all is. */
export interface DatasetJob {
  /** A file, a directory or a pattern on this machine, or a place that machines share. */
  readonly input: string;
  /** The place of the output's parts; a folder of `data` when left out. With `*.parquet` and the like at its end, in that format. */
  readonly output?: string;
  /** The place of everything that workers hand to each other: a directory that all of them can reach. */
  readonly data: string;
  readonly reading?: OpenFileOptions;
  /** The most rows of a part: larger files become several, Parquet between its row groups. Files past 256 MiB do so when it is left out. */
  readonly partRows?: number;
  /** How the output's parts are written. */
  readonly writing?: Omit<OutputHow, "inPlace">;
  readonly template: string;
  readonly model: ModelRef;
  readonly options: EnrichOptions<string, OutputOption>;
  /** Keeps only the rows whose answer is true, and those without an answer or not; all rows when left out. */
  readonly keep?: Unanswered;
  /**
   * Limits of the account, over all workers and runs, in place of those set before. With
   * `requestsPerMinute` and `tokensPerMinute` of the options they are left as they are when all are left out.
   */
  readonly limits?: Pick<AccountLimits, "maxBatches" | "maxTokens">;
}
