/** What happened on the emulator, counted so that a test can judge money. */
import { createCounts } from "./counts.ts";
import { fingerprint, fingerprintOfJson } from "./fingerprint.ts";

/** One call as the log keeps it. */
export interface LoggedCall {
  /** Counts calls from 1. */
  readonly sequence: number;
  /** When it was answered, by the emulator's clock. */
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  /** The status answered, or null when the connection was cut instead. */
  readonly status: number | null;
  readonly requestId: string;
}

/** Counts since the emulator started. Plain data, safe to send as JSON. */
export interface EmulatorStats {
  readonly batchesCreated: number;
  readonly uploads: number;
  readonly fileDeletions: number;
  readonly downloads: number;
  /** Calls by route, such as `POST /batches` or `GET /files/{id}/content`; refused ones included. */
  readonly calls: Readonly<Record<string, number>>;
  /** Single (not batch) completions and embeddings that were answered with 2xx and billed. */
  readonly liveCalls: number;
  /** Batch rows that were executed and billed, whether or not their answer was delivered. */
  readonly rowsExecuted: number;
  /** Batch rows that were executed and ended with an HTTP error: not billed. */
  readonly rowsFailed: number;
  /** Different request bodies billed at least once, in batches and live. */
  readonly distinctBodies: number;
  /** Executions billed for a body that had been billed before: money spent twice. */
  readonly bodiesBilledAgain: number;
  readonly distinctCustomIds: number;
  readonly customIdsBilledAgain: number;
  /** The parts read from the prompt cache and put there are among them. */
  readonly promptTokensBilled: number;
  readonly cacheReadTokensBilled: number;
  readonly cacheWriteTokensBilled: number;
  /** Of those written, the ones kept for an hour. */
  readonly cacheWriteHourTokensBilled: number;
  readonly completionTokensBilled: number;
  /** Batches that were being run at the same time at most, and the prompt tokens of those that were; Anthropic's are not counted. */
  readonly mostBatchesUnderWay: number;
  readonly mostTokensUnderWay: number;
}

/** One billed execution. */
export interface Execution {
  /** Null for a live call. */
  readonly customId: string | null;
  readonly body: unknown;
  readonly promptTokens: number;
  /** The parts of them that the prompt cache gave and took; `writtenHour` is part of `written`. */
  readonly cache: { readonly read: number; readonly written: number; readonly writtenHour: number };
  readonly completionTokens: number;
}

/** The counts of one emulator, and the ways to add to them. */
export interface Ledger {
  countCall(route: string): void;
  logCall(call: Omit<LoggedCall, "sequence">): void;
  countBatch(): void;
  countUpload(): void;
  countDownload(): void;
  countFileDeletion(): void;
  countFailedRow(): void;
  /** Counts batches that begin to run, or end when negative, and their estimated prompt tokens. */
  noteUnderWay(batches: number, tokens: number): void;
  bill(execution: Execution): void;
  /** How often this id was seen before, and remembers that it was seen once more. */
  appearances(customId: string): number;
  /** How many executions of this request body were billed; the order of its members does not matter. */
  executionsOfBody(body: unknown): number;
  /** How many executions under this custom_id were billed. */
  executionsOfCustomId(customId: string): number;
  stats(): EmulatorStats;
  /** The latest calls, oldest first, at most 1000. */
  recentCalls(): readonly LoggedCall[];
}

const LOGGED_CALLS = 1000;

/** A ledger with every count at zero. Ids and bodies are kept as fingerprints only. */
export function createLedger(): Ledger {
  const plain = { batchesCreated: 0, uploads: 0, fileDeletions: 0, downloads: 0, rowsFailed: 0 };
  const billed = {
    liveCalls: 0,
    rowsExecuted: 0,
    promptTokensBilled: 0,
    cacheReadTokensBilled: 0,
    cacheWriteTokensBilled: 0,
    cacheWriteHourTokensBilled: 0,
    completionTokensBilled: 0,
  };
  const under = { batches: 0, tokens: 0 };
  const most = { mostBatchesUnderWay: 0, mostTokensUnderWay: 0 };
  const calls = new Map<string, number>();
  const seen = createCounts();
  const byBody = createCounts();
  const byCustomId = createCounts();
  let log: LoggedCall[] = [];
  let sequence = 0;
  return {
    countCall: (route) => void calls.set(route, (calls.get(route) ?? 0) + 1),
    logCall(call) {
      sequence += 1;
      log.push({ sequence, ...call });
      if (log.length > 2 * LOGGED_CALLS) log = log.slice(-LOGGED_CALLS);
    },
    countBatch: () => void (plain.batchesCreated += 1),
    countUpload: () => void (plain.uploads += 1),
    countDownload: () => void (plain.downloads += 1),
    countFileDeletion: () => void (plain.fileDeletions += 1),
    countFailedRow: () => void (plain.rowsFailed += 1),
    noteUnderWay(batches, tokens) {
      under.batches += batches;
      under.tokens += tokens;
      most.mostBatchesUnderWay = Math.max(most.mostBatchesUnderWay, under.batches);
      most.mostTokensUnderWay = Math.max(most.mostTokensUnderWay, under.tokens);
    },
    bill({ customId, body, promptTokens, cache, completionTokens }) {
      if (customId === null) billed.liveCalls += 1;
      else billed.rowsExecuted += 1;
      billed.promptTokensBilled += promptTokens;
      billed.cacheReadTokensBilled += cache.read;
      billed.cacheWriteTokensBilled += cache.written;
      billed.cacheWriteHourTokensBilled += cache.writtenHour;
      billed.completionTokensBilled += completionTokens;
      byBody.raise(fingerprintOfJson(body));
      if (customId !== null) byCustomId.raise(fingerprint(customId));
    },
    appearances: (customId) => seen.raise(fingerprint(customId)),
    executionsOfBody: (body) => byBody.of(fingerprintOfJson(asJson(body))),
    executionsOfCustomId: (customId) => byCustomId.of(fingerprint(customId)),
    stats: () => ({
      ...plain,
      ...billed,
      ...most,
      calls: Object.fromEntries(calls),
      distinctBodies: byBody.size(),
      bodiesBilledAgain: billed.rowsExecuted + billed.liveCalls - byBody.size(),
      distinctCustomIds: byCustomId.size(),
      customIdsBilledAgain: billed.rowsExecuted - byCustomId.size(),
    }),
    recentCalls: () => log.slice(-LOGGED_CALLS),
  };
}

/** What arrives when `body` is sent: what JSON cannot hold is gone. */
function asJson(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body ?? null)) as unknown;
}
