/** A run's rows counted: by what became of them, by error, and by answer. */

import { setImmediate } from "node:timers/promises";
import { rowsOf, type RunRow, type RunStatus } from "../index.ts";

/** What the rows of a run come to. */
export interface Tally {
  /** Always the sum of `byStatus`. */
  readonly rows: number;
  readonly byStatus: Readonly<Record<RunRow["status"], number>>;
  /** Failed rows by code, the most frequent first. */
  readonly byCode: readonly (readonly [code: string, rows: number])[];
  /** Skipped rows by reason, the most frequent first. */
  readonly byReason: readonly (readonly [reason: string, rows: number])[];
  /**
   * Answers by field, `""` for answers that are no objects: how many rows have each, the most frequent
   * first. A field of more than 40 different answers, texts mostly, is left out.
   */
  readonly answers: readonly (readonly [
    field: string,
    counts: readonly (readonly [answer: string, rows: number])[],
  ])[];
}

/** Counts rows, and remembers what it has counted for as long as the run stands where it did. */
export interface Tallies {
  of(run: RunStatus): Promise<Tally>;
}

/** Tallies that are given up with `signal`. */
export function openTallies(signal: AbortSignal): Tallies {
  const kept = new Map<string, { readonly mark: string; readonly tally: Promise<Tally> }>();
  return {
    of: (run) => {
      const mark = markOf(run);
      const known = kept.get(run.directory);
      if (known?.mark === mark) return known.tally;
      const tally = counted(run, signal);
      kept.set(run.directory, { mark, tally });
      tally.catch(() => kept.delete(run.directory));
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value ?? "");
      return tally;
    },
  };
}

const MOST_KEPT = 100;
const MOST_ANSWERS = 40;
const MOST_FIELDS = 20;

/** Changes whenever rows of the run may have changed. */
function markOf({ plan, finishedAt, chunks, passes }: RunStatus): string {
  const stands = chunks.map(({ number, state, collection }) => [number, state, collection]);
  return JSON.stringify([plan?.rows, finishedAt, passes.length, stands]);
}

async function counted(run: RunStatus, signal: AbortSignal): Promise<Tally> {
  const byStatus = { ok: 0, cached: 0, skipped: 0, failed: 0, pending: 0 };
  const codes = new Map<string, number>();
  const reasons = new Map<string, number>();
  const fields = new Map<string, Map<string, number>>();
  let rows = 0;
  for await (const block of rowsOf(run)) {
    for (const { status, value, error, reason } of block) {
      byStatus[status] += 1;
      if (error !== null) add(codes, error.code);
      if (reason !== null) add(reasons, reason);
      if (value !== null) addAnswer(fields, value);
    }
    rows += block.length;
    // Other pages are answered between blocks.
    await setImmediate();
    signal.throwIfAborted();
  }
  const answers = [...fields].flatMap(([field, counts]) =>
    counts.size > MOST_ANSWERS ? [] : [[field, sorted(counts)] as const],
  );
  return { rows, byStatus, byCode: sorted(codes), byReason: sorted(reasons), answers };
}

/** An answer's own text, or those of its parts: the members of an object, the labels of a list. */
function addAnswer(fields: Map<string, Map<string, number>>, value: unknown): void {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const members = isObject ? Object.entries(value) : [["", value] as const];
  for (const [field, member] of members) {
    if (!fields.has(field) && fields.size === MOST_FIELDS) continue;
    const counts = fields.get(field) ?? new Map<string, number>();
    fields.set(field, counts);
    // One more than is shown, so that it is known to be too many.
    for (const text of answerTexts(member)) if (counts.size <= MOST_ANSWERS) add(counts, text);
  }
}

/** The texts an answer is found by: one, or one for each part of a list. */
export function answerTexts(value: unknown): readonly string[] {
  const parts = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  return parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part)));
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function sorted(counts: ReadonlyMap<string, number>): readonly (readonly [string, number])[] {
  return [...counts].sort(([, a], [, b]) => b - a);
}
