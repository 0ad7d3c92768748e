/** join: answers go back to their rows, in row order. */

import type { ToolCall } from "../core/call-settings.ts";
import { InvariantError } from "../core/errors.ts";
import { rowWithoutRequest } from "../core/plan.ts";
import type { MetaValues } from "../core/meta.ts";
import type { SkipReason, RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import type { Answer, Quotes } from "../output/answer.ts";
import type { Judgement, Store } from "../store/store.ts";

/** What became of one row. */
export type RowOutcome =
  | {
      /** `cached` where the answer had been bought before this run. */
      readonly status: "ok" | "cached";
      /** The answer as the schema's own check gave it. */
      readonly value: unknown;
      /** The calls the model wished to make; none where it was given no tools. */
      readonly toolCalls: readonly ToolCall[];
      /** What the model quotes for each field; left out where no quotes were asked for. */
      readonly quotes?: Quotes;
      /** How sure the model is, from 0 to 1; left out where it does not say. */
      readonly confidence?: number;
      /** Whether a person gave it where the model had answered otherwise, or not at all; left out in any other. */
      readonly isCorrected?: true;
    }
  | { readonly status: "skipped"; readonly reason: SkipReason }
  | {
      readonly status: "failed";
      readonly code: RowErrorCode;
      readonly message: string;
      /** Whether it failed without having been sent; left out where it was sent. */
      readonly isUnsent?: true;
    };

/** What a stored reply says: the answer as a row shows it, or why it is none. */
export interface FoundAnswer {
  readonly answer:
    | Extract<Answer, { readonly invalid: string }>
    | Extract<RowOutcome, { readonly value: unknown }>;
  /** The chunk it came with. */
  readonly chunk: number;
}

/** The stored answers, as they are read now. */
export interface Answers {
  /** Whether any reply to a request is stored. */
  has(request: number): boolean;
  /**
   * The last answer to a request that is accepted, or why the last one is not; null where there is none.
   * With `isSpare` the row can do without: the store has a failure of it. A promise only where a file
   * must be opened or a reply itself be read.
   *
   * @throws {InvariantError} `reply_changed` for a reply that reads as a failure now.
   */
  find(request: number, isSpare: boolean): FoundAnswer | null | Promise<FoundAnswer | null>;
  /** Every reply to a request, the last first: answers, accepted or not, and failures that were charged. */
  replies(request: number): Promise<readonly StoredReply[]>;
  close(): Promise<void>;
}

/** What joining reads. */
export interface JoinInput {
  readonly store: Pick<Store, "plannedRows" | "failures">;
  /** Closed at the end. */
  readonly answers: Answers;
  /** Whether a request waits to be sent by a run that its budget has stopped; none does when left out. */
  readonly isLeft?: (request: number) => boolean;
  /** Whether requests may be without an answer and a failure: their rows are `pending` then. */
  readonly isPartial?: boolean;
  /** The row to begin at; the first when left out. */
  readonly firstRow?: number;
  /** Makes the values told beside each answer; none are made when left out. */
  readonly meta?: (facts: RequestFacts) => Promise<MetaValues>;
}

/** A reply line that is stored, and the chunk it came with. */
export interface StoredReply {
  readonly chunk: number;
  readonly result: Result;
}

/** What is stored of the request that answers a row. */
export interface RequestFacts {
  readonly ordinal: number;
  /** Whether no row before this one has the same request. */
  readonly isFirst: boolean;
  /** Every reply to it, the last first: answers, accepted or not, and failures that were charged. */
  readonly replies: readonly StoredReply[];
  /** The one that the row shows: the accepted answer, or the last reply; null where there is none. */
  readonly shown: StoredReply | null;
  /** How sure the model says it is of the accepted answer; left out where it does not say. */
  readonly confidence?: number;
}

/** Consecutive rows with what became of each. */
export interface JoinedRows {
  readonly firstRow: number;
  readonly outcomes: readonly RowOutcome[];
  /** Requests of these rows whose answers are judged otherwise than the store has it. */
  readonly rejudged: readonly Judgement[];
  /** The values told beside each answer, null in rows without a request; left out where none were asked for. */
  readonly meta?: readonly (MetaValues | null)[];
  /** Whether a text of the row was cut; left out where nobody looked. */
  readonly cut?: readonly boolean[];
}

/**
 * What became of every row, in row order: every row of the plan exactly once, duplicates with the
 * answer of the request they share. Repeatable; reads chunk files only.
 *
 * The stored replies are the truth: values and validity are worked out anew, so a changed schema
 * gives other answers to a finished run for nothing, accepts what was refused, and refuses what was
 * accepted.
 *
 * @throws {InvariantError} `row_unaccounted` when a request has neither an answer nor a failure.
 */
export async function* joinRows(input: JoinInput): AsyncGenerator<JoinedRows> {
  const { answers, isLeft = () => false } = input;
  let unseen = 0;
  try {
    const failures = await knownFailures(input.store);
    for await (const rows of input.store.plannedRows()) {
      const before = Math.max(0, (input.firstRow ?? 0) - rows.firstRow);
      for (const request of rows.requests.slice(0, before)) unseen = Math.max(unseen, request + 1);
      if (before >= rows.requests.length) continue;
      const outcomes: RowOutcome[] = [];
      const rejudged: Judgement[] = [];
      const meta: (MetaValues | null)[] = [];
      for (const request of rows.requests.slice(before)) {
        const failure = failures.get(request);
        const waits = waiting(request, { input, isFailed: failure !== undefined, isLeft });
        if (waits !== null) {
          outcomes.push(waits);
          meta.push(null);
          continue;
        }
        const sought = answers.find(request, failure !== undefined);
        // Most are at hand; to wait for each would take longer than all the rest.
        const found = sought instanceof Promise ? await sought : sought;
        const outcome = reached(request, found, failure);
        // Requests are numbered by the rows that first have them.
        const isFirst = request >= unseen;
        if (isFirst) unseen = request + 1;
        if (input.meta !== undefined) {
          const chunk = outcome.status === "failed" ? null : (found?.chunk ?? null);
          const { confidence } = "value" in outcome ? outcome : {};
          const facts = await factsOf({ request, isFirst, chunk }, answers);
          meta.push(
            await input.meta({ ...facts, ...(confidence === undefined ? {} : { confidence }) }),
          );
        }
        // Of what the model said a person's answer tells nothing: its failure stays one.
        const judgement = "isCorrected" in outcome ? null : judgementOf(request, outcome, failure);
        if (judgement !== null) rejudged.push(judgement);
        outcomes.push(outcome);
      }
      const told = input.meta === undefined ? {} : { meta };
      yield { firstRow: rows.firstRow + before, outcomes, rejudged, ...told };
    }
  } finally {
    await answers.close();
  }
}

/** The failures of requests that ended without an accepted answer. */
async function knownFailures(
  store: Pick<Store, "failures">,
): Promise<ReadonlyMap<number, RequestFailure>> {
  const failures = new Map<number, RequestFailure>();
  for await (const { ordinal, code, message, retryable } of store.failures())
    failures.set(ordinal, { code, message, retryable });
  return failures;
}

/** The outcome of a row that no request answers, or whose request is not settled; null for any other. */
function waiting(
  request: number,
  {
    input: { answers, isPartial },
    isFailed,
    isLeft,
  }: {
    readonly input: JoinInput;
    readonly isFailed: boolean;
    readonly isLeft: (request: number) => boolean;
  },
): RowOutcome | null {
  if (request < 0) return withoutRequest(request);
  if (isFailed) return null;
  if (isLeft(request)) return { status: "skipped", reason: "budget" };
  const isPending = isPartial === true && !answers.has(request);
  return isPending ? { status: "skipped", reason: "pending" } : null;
}

function withoutRequest(request: number): RowOutcome {
  const fate = rowWithoutRequest(request);
  if ("skipped" in fate) return { status: "skipped", reason: fate.skipped };
  const message =
    fate.rejected === "too_long"
      ? "The request is larger than the provider takes, or a text longer than it may be; it was not sent."
      : "A cell the template names is blank or not what the template needs; it was not sent.";
  return { status: "failed", code: fate.rejected, message, isUnsent: true };
}

type Reached = Exclude<RowOutcome, { readonly status: "skipped" }>;

function reached(
  request: number,
  found: FoundAnswer | null,
  failure: RequestFailure | undefined,
): Reached {
  const stored = found?.answer ?? null;
  if (stored !== null && "value" in stored) return stored;
  // What went wrong since counts more than an older answer that is still not accepted.
  if (failure !== undefined && (stored === null || failure.code !== "invalid_output"))
    return { status: "failed", code: failure.code, message: failure.message };
  if (stored !== null) return { status: "failed", code: "invalid_output", message: stored.invalid };
  throw new InvariantError(
    "row_unaccounted",
    `Request ${String(request)} has neither an answer nor a failure. Nothing was written.`,
    { hint: "Keep the run directory and report this." },
  );
}

/** Everything stored of a request; `chunk` is that of the answer its rows show. */
async function factsOf(
  asked: { readonly request: number; readonly isFirst: boolean; readonly chunk: number | null },
  answers: Answers,
): Promise<RequestFacts> {
  const { request, isFirst, chunk } = asked;
  const replies = await answers.replies(request);
  const shown = replies.find((reply) => reply.chunk === chunk) ?? replies[0] ?? null;
  return { ordinal: request, isFirst, replies, shown };
}

/** What the store must be told of a row's outcome; null where it says the same already. */
function judgementOf(
  ordinal: number,
  outcome: Reached,
  failure: RequestFailure | undefined,
): Judgement | null {
  if (outcome.status !== "failed") return failure === undefined ? null : { ordinal, failure: null };
  if (failure?.code === outcome.code && failure.message === outcome.message) return null;
  const { code, message } = outcome;
  return { ordinal, failure: { code, message, retryable: false } };
}
