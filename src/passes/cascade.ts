/** The cascade: a cheap model on all rows, a strong one on those whose answers cannot be relied upon. */

import { MOST_COMPARED, type Gold } from "./cascade-gold.ts";
import { labelOf } from "../core/agreement.ts";
import {
  checkCascade,
  DEFAULT_DELTA,
  labelBudgetOf,
  thresholdOf,
  type CascadeNumbers,
  type Compared,
} from "../core/cascade.ts";
import { drawn } from "../core/draw.ts";
import { withConfidence } from "../core/form.ts";
import { canonicalJson, type Json } from "../core/hash.ts";
import type { CascadeReceipt } from "../core/pass.ts";
import { roundedUsd } from "../core/price.ts";
import type { Receipt } from "../core/receipt.ts";
import { CURABLE, isCurable, modelIdentity } from "./fallback.ts";
import type { ChosenPass, PassList, PassPlan } from "./pass-session.ts";
import { passedRows, wasAsked } from "./pass-rows.ts";
import type { ModelRef } from "../provider/models.ts";
import type { Settings } from "../session/settings.ts";
import type { RowOutcome } from "../stages/join.ts";
import { openSqliteReader, readSqliteRun } from "../store/sqlite-reader.ts";

/** A strong model beside the one of the run, and how often its answers are to be those of the column. */
export interface CascadeOption extends CascadeNumbers {
  /** The strong model. */
  readonly model: ModelRef;
  /** The share of the rows asked whose answers are to be those the strong model gives, such as 0.95. */
  readonly target: number;
  /** The probability of missing the target that is put up with; 0.05 when left out. */
  readonly delta?: number;
  /** How many rows, drawn at random, both models are asked to set the threshold; a twentieth, from 100 to 1,000, when left out. */
  readonly labelBudget?: number;
  /**
   * A column of gold labels, to set the threshold by instead of the strong model's answers: the cheap
   * answers are compared with it where it is not blank, in all rows or in `labelBudget` drawn from them,
   * and the strong model is asked no sample. Its cells are not sent, unless the template names it.
   */
  readonly gold?: string;
}

/** What was decided between the sample and the rest, as it is kept. */
type Decision = Omit<CascadeReceipt, "allStrongUsd">;

/** The settings of a cascade's first pass: those of the run, and the model is asked how sure it is. */
export function cheapSettings(main: Settings): Settings {
  const form = withConfidence(main.form, true) ?? main.form;
  const readAs = main.readAs === undefined ? null : withConfidence(main.readAs, true);
  return { ...main, form, ...(readAs === null ? {} : { readAs }) };
}

/** The settings of the strong model's passes: nobody asks it how sure it is. */
export function strongSettings(other: Settings): Settings {
  const form = withConfidence(other.form, false) ?? other.form;
  const readAs = other.readAs === undefined ? null : withConfidence(other.readAs, false);
  return { ...other, form, ...(readAs === null ? {} : { readAs }) };
}

/**
 * The passes of a cascade: the cheap model on every row, the strong one on a sample, and then on the
 * rows whose answers the sample does not allow to stay. With gold labels those of the sample are known.
 *
 * @throws {InputError} `option_invalid` for a target or a delta that is no share; nothing was sent.
 */
export function cascadePlan(other: Settings, option: CascadeNumbers, gold: Gold | null): PassPlan {
  checkCascade(option);
  const { target, delta = DEFAULT_DELTA, labelBudget } = option;
  const { provider, model } = other.model;
  const name = `${provider.id}/${model}`;
  const known = gold === null ? {} : { gold: { column: gold.column, hash: gold.hash } };
  const numbers = { target, delta, labelBudget: labelBudget ?? null, ...known };
  return {
    first: "cheap",
    later: gold === null ? ["sample", "strong"] : ["strong"],
    other,
    followedBy: { cascade: { ...modelIdentity(other), ...numbers } },
    form: other.form,
    latestDecides: true,
    warnings: [
      `${gold === null ? "Rows drawn at random, and those" : "Rows"} the cheap model is not sure enough of${gold === null ? "," : ""} are asked of ${name} as well; neither they nor their cost is in the plan.`,
    ],
    next: async (passes, decision, decide) => {
      const first = await cheapAnswers(passes);
      let made = decision as Decision | null;
      if (made === null) {
        const sample = await sampleOf(passes, { first, gold, labelBudget });
        if (gold === null && passes.length === 1 && sample.length > 0)
          return {
            role: "sample",
            rows: await withDuplicates(passes, sample, first.confidence.length),
          };
        made = await decisionOf(passes, { first, sample, target, delta, gold });
        await decide(made);
      }
      return await unreliable(passes, first, made.keepAbove);
    },
    report: (receipt, decision) => reported(receipt, decision as Decision | null, name),
    handedOn: CURABLE,
  };
}

/** What the first pass says of every row. */
interface CheapAnswers {
  /** By row: from 0 to 1, -1 for an answer without a confidence, -2 for a failure another model may cure, -3 for what is left as it is. */
  readonly confidence: Float64Array;
  /** Rows that were asked. */
  readonly asked: number;
  /** Rows among them with an answer and a confidence. */
  readonly candidates: number;
}

const UNSURE = -1;
const FAILED = -2;
const LEFT = -3;

async function cheapAnswers(passes: PassList): Promise<CheapAnswers> {
  const { session } = passes[0];
  const confidence = new Float64Array((await session.plan()).rows).fill(LEFT);
  let asked = 0;
  let candidates = 0;
  for await (const { firstRow, outcomes } of session.rows())
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.status === "skipped" || "isUnsent" in outcome) continue;
      asked += 1;
      const sure = sureness(outcome);
      confidence[firstRow + at] = sure;
      if (sure >= 0) candidates += 1;
    }
  return { confidence, asked, candidates };
}

function sureness(outcome: RowOutcome): number {
  if ("value" in outcome) return outcome.confidence ?? UNSURE;
  return isCurable(outcome) ? FAILED : LEFT;
}

interface Drawing {
  readonly first: CheapAnswers;
  readonly gold: Gold | null;
  readonly labelBudget: number | undefined;
}

/** The rows whose cheap answers are compared, in order: drawn by the run's identity, so by every process alike. */
async function sampleOf(
  passes: PassList,
  { first: { confidence, candidates }, gold, labelBudget }: Drawing,
): Promise<Uint32Array> {
  const { identity } = readSqliteRun(passes[0].session.directory).run;
  const labelled = await gold?.labelled(confidence.length);
  const isDrawnFrom = (row: number): boolean =>
    (confidence[row] ?? LEFT) >= 0 && labelled?.[row] !== 0;
  let total = candidates;
  if (labelled !== undefined) {
    total = 0;
    for (let row = 0; row < confidence.length; row++) if (isDrawnFrom(row)) total += 1;
  }
  const budget = labelBudget ?? (gold === null ? labelBudgetOf(candidates) : MOST_COMPARED);
  const positions = drawn(total, budget, `cascade ${identity}`);
  const rows = new Uint32Array(positions.length);
  let taken = 0;
  let candidate = 0;
  for (let row = 0; row < confidence.length && taken < rows.length; row++) {
    if (!isDrawnFrom(row)) continue;
    if (positions[taken] === candidate) rows[taken++] = row;
    candidate += 1;
  }
  return rows;
}

/** The sampled rows, and all others with the same prompt: the strong model's answer is theirs for nothing. */
async function withDuplicates(
  passes: PassList,
  sample: Uint32Array,
  total: number,
): Promise<Uint8Array> {
  const reader = openSqliteReader(passes[0].session.directory);
  try {
    const requests = new Set<number>();
    let taken = 0;
    for await (const block of reader.plannedRows())
      for (
        ;
        (sample[taken] ?? Number.POSITIVE_INFINITY) < block.firstRow + block.requests.length;
        taken++
      )
        requests.add(block.requests[(sample[taken] ?? 0) - block.firstRow] ?? -1);
    const rows = new Uint8Array(total);
    for await (const { firstRow, requests: own } of reader.plannedRows())
      own.forEach((request, at) => {
        rows[firstRow + at] = requests.has(request) ? 1 : 0;
      });
    return rows;
  } finally {
    reader[Symbol.dispose]();
  }
}

interface Deciding {
  readonly first: CheapAnswers;
  readonly sample: Uint32Array;
  readonly target: number;
  readonly delta: number;
  readonly gold: Gold | null;
}

/** Sets the threshold by the sample. */
async function decisionOf(
  passes: PassList,
  { first, sample, target, delta, gold }: Deciding,
): Promise<Decision> {
  const compared =
    gold === null
      ? await comparedWithStrong(passes, first, sample)
      : await comparedWithGold(passes, { first, sample, gold });
  const { asked: rows, candidates } = first;
  const sampleStays = gold !== null;
  const threshold = thresholdOf({
    ...{ rows, candidates, sample: compared, sampleStays, target, delta },
  });
  const by = gold === null ? {} : { gold: gold.column };
  return { target, delta, rows, ...by, sampled: compared.length, ...threshold };
}

/** The sampled answers beside the strong model's; a row that it does not answer counts as disagreeing. */
async function comparedWithStrong(
  passes: PassList,
  first: CheapAnswers,
  sample: Uint32Array,
): Promise<readonly Compared[]> {
  const compared: Compared[] = [];
  const both = passes.slice(0, 2).map(({ session }) => session);
  for await (const { firstRow, passes: outcomes } of passedRows(both)) {
    const [cheap = [], strong = []] = outcomes;
    for (;;) {
      const row = sample[compared.length];
      if (row === undefined || row >= firstRow + cheap.length) break;
      compared.push({
        confidence: first.confidence[row] ?? UNSURE,
        agrees: isSame(cheap[row - firstRow], strong[row - firstRow]),
      });
    }
  }
  return compared;
}

/** The sampled answers beside their gold labels, as an evaluation compares them. */
async function comparedWithGold(
  passes: PassList,
  { first, sample, gold }: Pick<Deciding, "first" | "sample"> & { readonly gold: Gold },
): Promise<readonly Compared[]> {
  const labels = await gold.labels(sample);
  const compared: Compared[] = [];
  for await (const { firstRow, outcomes } of passes[0].session.rows())
    for (;;) {
      const row = sample[compared.length];
      if (row === undefined || row >= firstRow + outcomes.length) break;
      const outcome = outcomes[row - firstRow];
      const answer = outcome !== undefined && "value" in outcome ? outcome.value : null;
      compared.push({
        confidence: first.confidence[row] ?? UNSURE,
        agrees: typeof answer === "string" && labelOf(answer) === labels[compared.length],
      });
    }
  return compared;
}

/** Whether both answers are the same, all their fields together. */
function isSame(a: RowOutcome | undefined, b: RowOutcome | undefined): boolean {
  if (a === undefined || b === undefined || !("value" in a) || !("value" in b)) return false;
  return canonicalJson(a.value as Json) === canonicalJson(b.value as Json);
}

/** The rows whose cheap answers may not stay and that the strong model was not asked yet; null when there are none. */
async function unreliable(
  passes: PassList,
  { confidence }: CheapAnswers,
  keepAbove: number | null,
): Promise<ChosenPass | null> {
  const rows = Uint8Array.from(confidence, (sure) =>
    sure !== LEFT && (keepAbove === null || sure <= Math.max(keepAbove, UNSURE)) ? 1 : 0,
  );
  if (passes.length > 1)
    for await (const { firstRow, passes: later } of passedRows(
      passes.slice(1).map(({ session }) => session),
    ))
      for (const outcomes of later)
        for (const [at, outcome] of outcomes.entries())
          if (wasAsked(outcome)) rows[firstRow + at] = 0;
  return rows.includes(1) ? { role: "strong", rows } : null;
}

/** The receipt with what was decided, and what the strong model would have cost on every row. */
function reported(receipt: Receipt, decision: Decision | null, strong: string): Receipt {
  if (decision === null) return receipt;
  const warnings = [...(receipt.warnings ?? [])];
  const why = whyNoneStayed(receipt, decision);
  if (why !== null)
    warnings.push(`${why}, so every row was asked of ${strong}; none has a cheap answer.`);
  else if (isAllSampled(receipt))
    warnings.push(
      `Every row was in the sample, so all answers are those of ${strong}; a cascade saves where there are more rows than that.`,
    );
  return {
    ...receipt,
    ...(warnings.length === 0 ? {} : { warnings }),
    cascade: { ...decision, allStrongUsd: allStrongUsd(receipt) },
  };
}

/** Why no cheap answer stayed; null where some did. */
function whyNoneStayed(
  { passes = [] }: Receipt,
  { gold, sampled, target, keepAbove }: Decision,
): string | null {
  const where = gold === undefined ? "" : " to a row with a gold label";
  if (sampled === 0) return `The cheap model gave no answer with a confidence${where}`;
  if (keepAbove === null)
    return `A sample of ${String(sampled)} rows is too small to promise agreement in ${String(target)} of the rows`;
  if ((passes[0]?.answers ?? 0) > 0 || isAllSampled({ passes })) return null;
  return `The cheap model's confidences do not tell its right answers from its wrong ones well enough for agreement in ${String(target)} of the rows`;
}

/** Whether no row was left whose cheap answer could have stayed. */
function isAllSampled({ passes = [] }: Pick<Receipt, "passes">): boolean {
  return passes[0]?.answers === 0 && passes.length === 2 && passes[1]?.role === "sample";
}

/** What every request would have cost at the strong model, by what those cost that it was sent; null where nobody knows. */
function allStrongUsd({ passes = [] }: Receipt): number | null {
  const [cheap, ...strong] = passes;
  const sent = strong.reduce((sum, pass) => sum + pass.requests - pass.cached, 0);
  const costs = strong.flatMap(({ costUsd }) => costUsd ?? []);
  if (cheap === undefined || sent === 0 || costs.length < strong.length) return null;
  return roundedUsd((costs.reduce((sum, cost) => sum + cost, 0) / sent) * cheap.requests);
}
