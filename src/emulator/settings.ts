/** What the emulator is told at its start, and what it takes for granted. */
import type { Answerer } from "./answer.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";

/** What the provider allows. Where a default is named it is OpenAI's; the others have their own. */
export interface EmulatorLimits {
  /** Lines in one batch file; 50 000 when left out. */
  readonly maxRequests?: number;
  /** Bytes in one batch file; 200 MiB when left out. Checked when the batch is validated. */
  readonly maxBytes?: number;
  /** Inputs of all embeddings requests of one batch together; 50 000 when left out. */
  readonly maxEmbeddingInputs?: number;
  /**
   * Estimated prompt tokens that may be under way in batches, for each model, or for every model
   * alike. No limit when left out.
   */
  readonly enqueuedTokens?: number | Readonly<Record<string, number>>;
  /** Prompt and answer of one request together; a longer one is refused with 400. No limit when left out. */
  readonly contextTokens?: number;
  /** How long a batch may take before it expires, in milliseconds; 24 hours when left out. */
  readonly windowMs?: number;
}

/** How the emulator is to behave. */
export interface EmulatorOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** The address to listen on; 127.0.0.1 when left out. */
  readonly host?: string;
  /** Every random choice follows from it. A random one when left out, so that ids never meet again. */
  readonly seed?: number;
  /** Where answers come from; `echo()` when left out. */
  readonly answer?: Answerer;
  /** How many requests of one batch are answered at a time; 8 when left out. */
  readonly concurrency?: number;
  /** Time itself; the machine's clock when left out. */
  readonly clock?: Clock;
  /** How long a batch stays `validating`; 5 when left out. */
  readonly validatingMs?: number;
  /** How long a batch takes from `in_progress` to `finalizing`, at least; 10 when left out. */
  readonly runMs?: number;
  /** How long a batch stays `finalizing`; 5 when left out. */
  readonly finalizingMs?: number;
  /** How long a batch stays `cancelling`; 5 when left out. */
  readonly cancellingMs?: number;
  readonly limits?: EmulatorLimits;
  /** Keys that are let in; any key that is not empty when left out. */
  readonly apiKeys?: readonly string[];
  /** Models that exist; every name exists when left out. */
  readonly models?: readonly string[];
  /** The length of an embedding for which the request asks no `dimensions`; 256 when left out. */
  readonly embeddingDimensions?: number;
  /** The `retry-after` that Anthropic puts on every look at a batch, in seconds; 10 when left out. */
  readonly pollRetryAfterSeconds?: number;
  readonly faults?: Faults;
}

/** The options with every default filled in. */
export interface Settings {
  readonly seed: number;
  readonly answer: Answerer;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly validatingMs: number;
  readonly runMs: number;
  readonly finalizingMs: number;
  readonly cancellingMs: number;
  readonly maxRequests: number;
  readonly maxBytes: number;
  readonly maxEmbeddingInputs: number;
  readonly enqueuedTokens: number | Readonly<Record<string, number>> | null;
  readonly contextTokens: number;
  readonly windowMs: number;
  readonly apiKeys: readonly string[] | null;
  readonly models: readonly string[] | null;
  readonly embeddingDimensions: number;
  /** The limits as they were given, for services whose defaults are not OpenAI's. */
  readonly limits: EmulatorLimits;
  readonly pollRetryAfterSeconds: number;
}
