/** What the suite needs of a service to try a provider on, which the emulator of this package is one of. */

import type { Answerer, Faults } from "../emulator/emulator.ts";
import type { BatchProvider } from "../provider/provider.ts";

/**
 * What a service can be told, beyond answering.
 *
 * `faults` it misbehaves on request · `books` it counts what was made, deleted and executed · `answers`
 * it says what it is told to say, and the last user message where it is told nothing · `keys` it lets
 * in the keys it is told, and no others.
 */
export type Power = "faults" | "books" | "answers" | "keys";

/** The faults the suite asks for, in the emulator's words. */
export type ContractFaults = Pick<
  Faults,
  | "blankLines"
  | "bom"
  | "createAcceptedThen500"
  | "createAcceptedThenCut"
  | "crlf"
  | "cutDownload"
  | "dropConnection"
  | "dropReply"
  | "emptyOutput"
  | "error429"
  | "error500"
  | "expireAfterRows"
  | "failRows"
  | "failValidation"
  | "listLagMs"
  | "refuseRows"
  | "slowDownload"
  | "stuck"
  | "stuckValidating"
  | "uploadAcceptedThenCut"
  | "wrongContentLength"
>;

/** How a service is to begin; the emulator takes it as it is. */
export interface ServiceOptions {
  /** What every random choice follows from. */
  readonly seed: number;
  /** None when left out. Only given to services with the power `faults`. */
  readonly faults?: ContractFaults;
  /** The keys that are let in; {@link CONTRACT_KEY} must be when left out. Only given with the power `keys`. */
  readonly apiKeys?: readonly string[];
  /** Where answers come from; the last user message when left out. Only given with the power `answers`. */
  readonly answer?: Answerer;
}

/** What a service counts from its start. */
export interface Books {
  readonly batchesCreated: number;
  readonly uploads: number;
  readonly fileDeletions: number;
  /** Rows of batches that were executed and billed. */
  readonly rowsExecuted: number;
  /** Requests asked one by one that were answered and billed; left out where none can be asked so. */
  readonly liveCalls?: number;
  /** Requests that were billed though the same had been billed before; left out where it is not counted. */
  readonly bodiesBilledAgain?: number;
  /** Calls by route, such as `POST /batches`; refused ones included. */
  readonly calls: Readonly<Record<string, number>>;
}

/** A running service; what a power needs may be left out where the power is not declared. */
export interface Service {
  /** Ends it, connections included; may be called again. */
  close(): Promise<void>;
  /** `faults`: puts these faults in force in place of all others. */
  setFaults?(faults: ContractFaults): void;
  /** `faults`: lets go of the batches that `stuck` and `stuckValidating` hold; gives how many. */
  release?(): number;
  /** `books` */
  stats?(): Books;
}

/** A service and a client of it. */
export interface Line {
  readonly service: Service;
  /** Closed by the suite when a test is over, as the service is. */
  readonly provider: BatchProvider;
  /** Makes a cached content at the service and gives its name, where it has such. */
  readonly cacheContent?: () => Promise<string>;
  /** How long the suite waits between looks at a batch, in milliseconds; 2 when left out. */
  readonly lookEveryMs?: number;
}

/** Starts a service and makes a client that calls it under {@link CONTRACT_KEY}. Called once for each test. */
export type Connect = (options: ServiceOptions) => Promise<Line>;

/** The key that a client under test calls with. */
export const CONTRACT_KEY = "sk-contract-0123456789";

/** Every power there is. */
export const EVERY_POWER: readonly Power[] = ["faults", "books", "answers", "keys"];
