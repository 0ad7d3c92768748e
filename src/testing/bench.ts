/** One test's service, client and folder, and what tests do with them. */

import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ending } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import type { Result } from "../core/result.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  RequestFile,
  Sighting,
  Submission,
  Tag,
} from "../provider/provider.ts";
import { plainRequest } from "./asked.ts";
import type {
  Books,
  Connect,
  ContractFaults,
  Line,
  Power,
  Service,
  ServiceOptions,
} from "./service.ts";

/** The tag that batches of these tests carry when none is named. */
export const TAG: Tag = {
  run: "rabcdefg",
  chunk: 1,
  intent: "8f14e45f-ceea-467f-a9d0-6f1a2b3c4d5e",
};

/** A signal that nothing aborts. */
export const NEVER: AbortSignal = new AbortController().signal;

/** A batch made in the test, with what it was made of. */
export type Sent = Submission & Batch;

/** The place of one test; `start` comes first, and what it starts is closed with the bench. */
export interface Bench {
  readonly start: (options?: Partial<ServiceOptions>) => Promise<Line>;
  readonly can: (power: Power) => boolean;
  readonly provider: () => BatchProvider;
  readonly service: () => Service;
  readonly setFaults: (faults: ContractFaults) => void;
  /** Lets go of what is held. It is waited for: only what is held already can be let go. */
  readonly released: () => Promise<void>;
  readonly books: () => Books;
  /** A file of these request lines; one for each name. */
  readonly written: (lines: readonly string[], name?: string) => Promise<RequestFile>;
  /** A submission of these lines, or of so many plain questions, uploaded. */
  readonly staged: (asked?: readonly string[] | number, tag?: Tag) => Promise<Submission>;
  readonly created: (asked?: readonly string[] | number, tag?: Tag) => Promise<Sent>;
  readonly ended: (batch: Batch) => Promise<Ending>;
  readonly resultsOf: (batch: Batch, ending: Ending) => Promise<readonly Result[]>;
  /** What looking for a batch comes to, once it is no longer too early to tell. */
  readonly sighted: (submission: Submission) => Promise<Sighting>;
  readonly close: () => Promise<void>;
}

/** A bench with an empty folder of its own. */
export async function benchFor(connect: Connect, powers: readonly Power[]): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "batchframe-contract-"));
  let started: Line | null = null;
  const line = (): Line => {
    assert(started !== null, "Nothing was started.");
    return started;
  };
  return {
    start: async (options = {}) => (started = await connect({ seed: 3, ...options })),
    can: (power) => powers.includes(power),
    provider: () => line().provider,
    ...serviceActs(() => line().service),
    ...batchActs(folder, line),
    close: async () => {
      await started?.provider.close();
      await started?.service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type ServiceActs = Pick<Bench, "service" | "setFaults" | "released" | "books">;

function serviceActs(service: () => Service): ServiceActs {
  return {
    service,
    setFaults: (faults) => {
      const told = service();
      assert(told.setFaults !== undefined, "A service with the power `faults` needs setFaults.");
      told.setFaults(faults);
    },
    released: async () => {
      const told = service();
      assert(told.release !== undefined, "A service with the power `faults` needs release.");
      while (told.release() === 0) await pause(2);
    },
    books: () => {
      const counted = service().stats?.();
      assert(counted !== undefined, "A service with the power `books` needs stats.");
      return counted;
    },
  };
}

type BatchActs = Omit<Bench, keyof ServiceActs | "start" | "can" | "provider" | "close">;

function batchActs(folder: string, line: () => Line): BatchActs {
  const written: Bench["written"] = async (lines, name = "requests.jsonl") => {
    const path = join(folder, name);
    await writeFile(path, lines.map((text) => `${text}\n`).join(""));
    const { size: bytes } = await stat(path);
    return { name, path, bytes, requestCount: lines.length };
  };
  const staged: Bench["staged"] = async (asked = 3, tag = TAG) => {
    const { provider } = line();
    const lines = typeof asked === "number" ? questions(provider, asked, tag) : asked;
    const file = await written(lines, `${tag.run}-${String(tag.chunk)}.requests.jsonl`);
    return { tag, file, staged: await provider.stage(file, tag, NEVER), sentAtMs: Date.now() };
  };
  const waited = (): Promise<void> => pause(line().lookEveryMs ?? 2);
  return {
    written,
    staged,
    created: async (asked, tag) => {
      const submission = await staged(asked, tag);
      return { ...submission, batchId: await line().provider.create(submission, NEVER) };
    },
    ended: async (batch) => {
      for (;;) {
        const status: BatchStatus = await line().provider.poll(batch, NEVER);
        if (status.phase === "ended") return status.ending;
        await waited();
      }
    },
    resultsOf: async (batch, ending) => {
      const { provider } = line();
      const replies = await Array.fromAsync(linesOf(provider.replies(batch, ending, NEVER)));
      return replies.map(({ text }) => provider.parse(text));
    },
    sighted: async (submission) => {
      for (;;) {
        const sighting = await line().provider.find(submission, NEVER);
        if (sighting.found !== "unclear") return sighting;
        await waited();
      }
    },
  };
}

/** Plain questions as request lines, each under the id of its place. */
function questions(provider: BatchProvider, count: number, tag: Tag): readonly string[] {
  return Array.from({ length: count }, (_, ordinal) =>
    provider.encode(
      plainRequest(`text ${String(ordinal)}`),
      `${tag.run}-${String(tag.chunk)}-${String(ordinal)}`,
    ),
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The ids of some results, in the order of the alphabet. */
export function idsOf(results: readonly Result[]): readonly (string | null)[] {
  return results.map(({ customId }) => customId).toSorted();
}

/** The provider's error that an act ends with. */
export async function failureOf(act: () => Promise<unknown>): Promise<ProviderError> {
  const outcome = await act().catch((thrown: unknown) => thrown);
  assert(outcome instanceof ProviderError, `Not a ProviderError: ${String(outcome)}`);
  return outcome;
}

/** The one result of a batch of one line. */
export async function answerTo(bench: Bench, line: string): Promise<Result> {
  const batch = await bench.created([line], { ...TAG, intent: crypto.randomUUID() });
  const ending = await bench.ended(batch);
  const [result, ...more] = await bench.resultsOf(batch, ending);
  const said = [result, ...more, ending];
  assert(result !== undefined && more.length === 0, `Not one reply: ${JSON.stringify(said)}`);
  return result;
}

/** An answered result. */
export function succeeded(result: Result): Extract<Result, { status: "succeeded" }> {
  assert(result.status === "succeeded", `Not answered: ${JSON.stringify(result)}`);
  return result;
}

/** A result that was not answered. */
export function failed(result: Result): Extract<Result, { status: "failed" }> {
  assert(result.status === "failed", `Answered: ${JSON.stringify(result)}`);
  return result;
}
