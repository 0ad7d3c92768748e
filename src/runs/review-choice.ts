/** Choosing the answers that people are to look at: some of every answer, the least sure ones first. */

import { contentHash } from "../core/hash.ts";
import type { AnswerForm } from "../core/form.ts";
import type { AskedRow } from "./asked-rows.ts";

/** An answer chosen for people, by the first row that has it. */
export interface ChosenRow extends AskedRow {
  /** How sure the model is, from 0 to 1; null where it does not say. */
  readonly confidence: number | null;
  readonly rank: string;
}

/**
 * The rows to look at, in row order: the answers take turns, failed rows counting as one more, and each
 * gives its least sure rows first; equally sure ones by chance, repeatably by `seed`.
 *
 * Of rows that share a request the first stands for all. One pass; at most `rows` are kept of each answer.
 */
export async function chosenForReview(
  rows: AsyncIterable<AskedRow>,
  how: {
    readonly rows: number;
    readonly seed: number;
    readonly form: AnswerForm;
    /** Requests that are left out. */
    readonly except: Pick<ReadonlySet<number>, "has">;
  },
): Promise<readonly ChosenRow[]> {
  const groups = new Map<string, ChosenRow[]>();
  // Requests are numbered by the rows that first have them.
  let unseen = 0;
  for await (const asked of rows) {
    if (asked.request < unseen) continue;
    unseen = asked.request + 1;
    if (how.except.has(asked.request)) continue;
    const { outcome } = asked;
    const confidence = "value" in outcome ? (outcome.confidence ?? null) : null;
    const rank = contentHash(`${String(how.seed)} ${String(asked.request)}`);
    const name = groupOf(asked, how.form);
    const group = groups.get(name) ?? [];
    groups.set(name, group);
    group.push({ ...asked, confidence, rank });
    if (group.length >= 2 * how.rows) keepFirst(group, how.rows);
  }
  const sorted = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  for (const group of sorted) keepFirst(group, how.rows);
  const chosen: ChosenRow[] = [];
  for (let turn = 0; chosen.length < how.rows && sorted.some((it) => it.length > turn); turn++)
    for (const group of sorted) {
      const one = group[turn];
      if (one !== undefined && chosen.length < how.rows) chosen.push(one);
    }
  return chosen.toSorted((a, b) => a.row - b.row);
}

/** The answer's name where there are few; labels of the model's own, texts and objects are one group each. */
function groupOf({ outcome }: AskedRow, form: AnswerForm): string {
  if (!("value" in outcome)) return "failed";
  if (form.kind !== "labels") return "answered";
  const [label] = Array.isArray(outcome.value) ? (outcome.value as unknown[]) : [outcome.value];
  const at = form.labels.findIndex(({ name }) => name === label);
  return at < 0 ? "other" : `label ${String(at)}`;
}

function keepFirst(group: ChosenRow[], most: number): void {
  const sure = ({ confidence }: ChosenRow): number => confidence ?? Number.POSITIVE_INFINITY;
  const order = (a: ChosenRow, b: ChosenRow): number =>
    sure(a) < sure(b) ? -1 : sure(a) > sure(b) ? 1 : a.rank < b.rank ? -1 : 1;
  group.splice(0, group.length, ...group.toSorted(order).slice(0, most));
}
