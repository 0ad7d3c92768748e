/** In what hosts of OpenAI's batch protocol differ, as data. */

import type { ChatDialect } from "./openai-dialect.ts";
import type { FileWays } from "./openai-files.ts";
import type { Paging } from "./openai-pages.ts";
import type { Query } from "./openai-sdk.ts";
import type { ProviderLimits } from "./provider.ts";

/** How a host takes and shows batches. */
export interface BatchWays {
  readonly path: "/batches" | "/batch/jobs";
  readonly paging: Paging;
  /** What goes with every page of the list. */
  readonly listQuery?: Query;
  /** The field that names the input file: alone, or as a list of one. */
  readonly inputField: "input_file_id" | "input_files";
  /** The field that says how long the batch may take, and what is asked for. */
  readonly window: Readonly<Record<string, string | number>>;
  /** Whether every line names the model, or the batch does for all of them. */
  readonly modelOn: "line" | "batch";
  /** Whether batches carry metadata; `perhaps` is tried, and left out when the host refuses it. */
  readonly metadata: "yes" | "no" | "perhaps";
  /** Whether the record of a batch can be deleted. */
  readonly deletes: boolean;
}

/** One host. */
export interface HostProfile {
  /** Its name in `provider/model`. */
  readonly id: string;
  /** Its own address; null where every user has one of their own. */
  readonly baseUrl: string | null;
  /** The path that an address without a version is continued with, such as `/openai/v1`; null to leave it as it is. */
  readonly versionPath: string | null;
  /** The environment variables that may hold the address, the first one first. */
  readonly baseUrlVariables: readonly [string, ...string[]];
  readonly keyVariable: string;
  readonly keyNeeded: boolean;
  readonly auth: "bearer" | "api-key";
  readonly limits: ProviderLimits;
  readonly pollEveryMs: number;
  readonly requestsPerChunk: number;
  readonly files: FileWays;
  readonly batches: BatchWays;
  readonly dialect: ChatDialect;
  /** Whether the host has batches at all is asked of it first: a server of one's own, or undocumented. */
  readonly probed: boolean;
}
