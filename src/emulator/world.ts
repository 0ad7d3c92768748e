/** What the routes of every profile share while one emulator runs. */
import { randomInt } from "node:crypto";
import { echo } from "./answerers.ts";
import { systemClock } from "./clock.ts";
import { createFaultState, type FaultState } from "./fault-state.ts";
import { createFileStore, type FileStore } from "./file-store.ts";
import { hexId } from "./fingerprint.ts";
import { createLedger, type Ledger } from "./stats.ts";
import type { EmulatorOptions, Settings } from "./settings.ts";

/** One emulator's settings, memory and time. */
export interface World {
  readonly settings: Settings;
  readonly faults: FaultState;
  readonly ledger: Ledger;
  readonly files: FileStore;
  /** Fires when the emulator closes. */
  readonly closing: AbortSignal;
  /** The present moment in milliseconds, with the clock skew asked for. */
  nowMs(): number;
  /** The next number, counting from 1 for each name. */
  next(name: string): number;
  /** An id made of `prefix`, and `length` hexadecimal digits that follow from the seed. */
  newId(prefix: string, length: number): string;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A world with nothing in it yet. */
export async function createWorld(options: EmulatorOptions, closing: AbortSignal): Promise<World> {
  const settings = settingsOf(options);
  const faults = createFaultState(settings.seed, options.faults ?? {});
  const counts = new Map<string, number>();
  const next = (name: string): number => {
    const number = (counts.get(name) ?? 0) + 1;
    counts.set(name, number);
    return number;
  };
  return {
    settings,
    faults,
    ledger: createLedger(),
    files: await createFileStore(),
    closing,
    nowMs: () => settings.clock.nowMs() + (faults.current().clockSkewMs ?? 0),
    next,
    newId: (prefix, length) => prefix + hexId(settings.seed, length, prefix, next(`id ${prefix}`)),
  };
}

function settingsOf(options: EmulatorOptions): Settings {
  const seed = options.seed ?? randomInt(2 ** 32);
  const limits = options.limits ?? {};
  return {
    seed,
    answer: options.answer ?? echo({ seed }),
    concurrency: options.concurrency ?? 8,
    clock: options.clock ?? systemClock,
    validatingMs: options.validatingMs ?? 5,
    runMs: options.runMs ?? 10,
    finalizingMs: options.finalizingMs ?? 5,
    cancellingMs: options.cancellingMs ?? 5,
    maxRequests: limits.maxRequests ?? 50_000,
    maxBytes: limits.maxBytes ?? 200 * 1024 * 1024,
    maxEmbeddingInputs: limits.maxEmbeddingInputs ?? 50_000,
    enqueuedTokens: limits.enqueuedTokens ?? null,
    contextTokens: limits.contextTokens ?? Infinity,
    windowMs: limits.windowMs ?? DAY_MS,
    apiKeys: options.apiKeys ?? null,
    models: options.models ?? null,
    embeddingDimensions: options.embeddingDimensions ?? 256,
    limits,
    pollRetryAfterSeconds: options.pollRetryAfterSeconds ?? 10,
  };
}
