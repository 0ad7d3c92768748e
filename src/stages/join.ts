/** join: answers go back to their rows, in row order. */

import { replyFileName } from "../core/chunk.ts";
import type { NewCell, NewCells } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { AnswerForm } from "../core/form.ts";
import { rowWithoutRequest } from "../core/plan.ts";
import type { RowErrorCode, RowStatus, SkipReason } from "../core/result.ts";
import { readAnswer } from "../output/answer.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { ChunkFileReader, ChunkFiles, Store } from "../store/store.ts";

/** What became of one row. */
export type RowOutcome =
  | { readonly status: "ok"; readonly value: NewCell }
  | { readonly status: "skipped"; readonly reason: SkipReason }
  | { readonly status: "failed"; readonly code: RowErrorCode; readonly message: string };

/** What joining reads. */
export interface JoinInput {
  readonly store: Pick<Store, "files" | "plannedRows" | "replyIndexes" | "failures">;
  readonly provider: Pick<BatchProvider, "parse">;
  readonly form: AnswerForm;
  /** The number of distinct requests in the plan. */
  readonly requests: number;
}

/** Consecutive rows with what became of each. */
export interface JoinedRows {
  readonly firstRow: number;
  readonly outcomes: readonly RowOutcome[];
}

/**
 * What became of every row, in row order: every row of the plan exactly once, duplicates with the
 * answer of the request they share. Repeatable; reads chunk files only.
 *
 * @throws {InvariantError} `row_unaccounted` when a request has neither an answer nor a failure.
 */
export async function* joinRows(input: JoinInput): AsyncGenerator<JoinedRows> {
  const answers = await locateAnswers(input);
  const readers = openReaders(input.store.files);
  try {
    for await (const rows of input.store.plannedRows()) {
      const outcomes: RowOutcome[] = [];
      for (const request of rows.requests)
        outcomes.push(
          request < 0
            ? withoutRequest(request)
            : await readOutcome(request, answers, readers, input),
        );
      yield { firstRow: rows.firstRow, outcomes };
    }
  } finally {
    await readers.close();
  }
}

/** The new columns' cells of joined rows: the value, the status, and the error code of failed rows. */
export function newCells(joined: JoinedRows): NewCells {
  const values: NewCell[] = [];
  const statuses: RowStatus[] = [];
  const errors: (RowErrorCode | null)[] = [];
  for (const outcome of joined.outcomes) {
    values.push(outcome.status === "ok" ? outcome.value : null);
    statuses.push(outcome.status);
    errors.push(outcome.status === "failed" ? outcome.code : null);
  }
  return { firstRow: joined.firstRow, columns: [values, statuses, errors] };
}

function withoutRequest(request: number): RowOutcome {
  const fate = rowWithoutRequest(request);
  if ("skipped" in fate) return { status: "skipped", reason: fate.skipped };
  const message =
    fate.rejected === "too_long"
      ? "The request is larger than the provider takes; it was not sent."
      : "A column the template names is blank in this row; it was not sent.";
  return { status: "failed", code: fate.rejected, message };
}

interface Answers {
  /** The chunk that holds a request's answer, 0 where none does. */
  readonly chunks: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  readonly failures: ReadonlyMap<number, { code: RowErrorCode; message: string }>;
}

async function locateAnswers(input: JoinInput): Promise<Answers> {
  const chunks = new Uint32Array(input.requests);
  const offsets = new Float64Array(input.requests);
  const lengths = new Uint32Array(input.requests);
  for await (const { chunk, index } of input.store.replyIndexes())
    index.ordinals.forEach((ordinal, at) => {
      chunks[ordinal] = chunk;
      offsets[ordinal] = index.offsets[at] ?? 0;
      lengths[ordinal] = index.lengths[at] ?? 0;
    });
  const failures = new Map<number, { code: RowErrorCode; message: string }>();
  for await (const { ordinal, code, message } of input.store.failures())
    failures.set(ordinal, { code, message });
  return { chunks, offsets, lengths, failures };
}

async function readOutcome(
  request: number,
  answers: Answers,
  readers: Readers,
  input: JoinInput,
): Promise<RowOutcome> {
  const chunk = answers.chunks[request] ?? 0;
  if (chunk === 0) {
    const failure = answers.failures.get(request);
    if (failure !== undefined) return { status: "failed", ...failure };
    throw new InvariantError(
      "row_unaccounted",
      `Request ${String(request)} has neither an answer nor a failure. Nothing was written.`,
      { hint: "Keep the run directory and report this." },
    );
  }
  const reader = readers.get(chunk) ?? (await readers.open(chunk));
  const line = reader.text(answers.offsets[request] ?? 0, answers.lengths[request] ?? 0);
  const result = input.provider.parse(line);
  const answer = result.status === "succeeded" ? readAnswer(input.form, result.text) : null;
  if (answer !== null && "value" in answer) return { status: "ok", value: answer.value };
  throw new InvariantError(
    "reply_changed",
    `The stored reply to request ${String(request)} in ${replyFileName(chunk)} no longer reads as it did when it was collected.`,
    {
      hint: "The run directory was altered; restore it, or remove it and run again (which pays again).",
    },
  );
}

interface Readers {
  get(chunk: number): ChunkFileReader | undefined;
  open(chunk: number): Promise<ChunkFileReader>;
  close(): Promise<void>;
}

const MAX_OPEN_FILES = 64;

/** Open chunk files, the least recently opened closed first, so that thousands of chunks need few handles. */
function openReaders(files: ChunkFiles): Readers {
  const open = new Map<number, ChunkFileReader>();
  return {
    get: (chunk) => open.get(chunk),
    open: async (chunk) => {
      const oldest = open.keys().next();
      if (open.size >= MAX_OPEN_FILES && oldest.done !== true) {
        await open.get(oldest.value)?.close();
        open.delete(oldest.value);
      }
      const reader = await files.open(replyFileName(chunk));
      open.set(chunk, reader);
      return reader;
    },
    close: async () => {
      for (const reader of open.values()) await reader.close();
    },
  };
}
