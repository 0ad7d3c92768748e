/** Votes: one question asked several times, and the answer most of them give. */

import type { NewCell, NewColumn } from "../core/column.ts";

/** The columns of one vote, and where its status and error stand among them. */
export interface Ballot {
  readonly columns: readonly NewColumn[];
  readonly status: number;
  readonly error: number;
}

/** The columns of a vote on a column whose steps are named by {@link voteName}. */
export function ballotOf(columns: readonly NewColumn[], vote: string): Ballot {
  const at = (end: string): number => columns.findIndex(({ name }) => name === `${vote}${end}`);
  return { columns, status: at("_status"), error: at("_error") };
}

/** The name a column goes under while it is one vote of several, counted from 1. */
export function voteName(column: string, vote: number): string {
  return `${column}_vote${String(vote)}`;
}

/**
 * The columns of the decision: those of one vote under the column's own name, then
 * `<column>_agreement` (the share of votes that gave the answer taken, unanswered ones counting
 * against it; null where there is no answer), status and error.
 */
export function decisionColumns(column: string, ballot: Ballot): readonly NewColumn[] {
  const vote = voteName(column, 1);
  const renamed = ballot.columns.map((one) => ({
    ...one,
    name: `${column}${one.name.slice(vote.length)}`,
  }));
  const answers = renamed.filter((_, at) => at !== ballot.status && at !== ballot.error);
  const agreement: NewColumn = { name: `${column}_agreement`, type: "float" };
  return [
    ...answers,
    agreement,
    ...renamed.filter((_, at) => at === ballot.status || at === ballot.error),
  ];
}

/**
 * The decision on one row: the answer that most votes give, the first of those that are level.
 *
 * Answers are compared whole, all their columns together. A row is answered when any vote is, `cached`
 * when all are; without an answer it ends as its first vote did.
 */
export function decided(
  votes: readonly (readonly NewCell[])[],
  { status, error }: Ballot,
): readonly NewCell[] {
  const answersOf = (vote: readonly NewCell[]): readonly NewCell[] =>
    vote.filter((_, at) => at !== status && at !== error);
  const counts = new Map<string, { readonly answers: readonly NewCell[]; votes: number }>();
  for (const vote of votes) {
    if (!isAnswered(vote[status])) continue;
    const answers = answersOf(vote);
    const key = JSON.stringify(answers);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { answers, votes: 1 });
    else known.votes += 1;
  }
  // Level votes keep the order they came in, so the same votes always decide the same.
  const [winner] = [...counts.values()].sort((a, b) => b.votes - a.votes);
  const [first = []] = votes;
  if (winner === undefined)
    return [...answersOf(first), null, first[status] ?? null, first[error] ?? null];
  const isCached = votes.every((vote) => vote[status] === "cached");
  return [...winner.answers, winner.votes / votes.length, isCached ? "cached" : "ok", null];
}

function isAnswered(status: NewCell | undefined): boolean {
  return status === "ok" || status === "cached";
}
