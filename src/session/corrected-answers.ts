/** Answers as people have corrected them: a person's answer stands before a model's. */

import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import { contentHash } from "../core/hash.ts";
import { answerText, readGiven } from "../output/given-answer.ts";
import type { AnswerReading } from "../output/answer.ts";
import type { Answers, FoundAnswer } from "../stages/join.ts";
import { readCorrections, type Corrections } from "../store/corrections.ts";
import type { Store } from "../store/store.ts";
import { answerReading, type Settings } from "./settings.ts";

/** The corrections that a run's own requests have. */
export interface FoundCorrections {
  /** The right values by request. */
  readonly values: ReadonlyMap<number, unknown>;
  /** How many there are besides that the run's form of answers does not take. */
  readonly unfit: number;
}

const NONE: FoundCorrections = { values: new Map(), unfit: 0 };

/** Where the corrections lie that count in a run with these settings; null where none do: only the whole run of one model has them. */
function placeOf({ runDir, pass, vote, openStore }: Settings): string | null {
  return pass === undefined && vote === undefined && openStore === undefined ? runDir : null;
}

/** The corrections of the requests of a run, as its answers are read now. */
export async function correctionsOf(
  settings: Settings,
  store: Pick<Store, "requestIds">,
): Promise<FoundCorrections> {
  const place = placeOf(settings);
  if (place === null || settings.form.kind === "embedding") return NONE;
  return await locatedCorrections(await readCorrections(place), store, answerReading(settings));
}

/** Those among some corrections that are of a run's requests. */
export async function locatedCorrections(
  corrections: Corrections,
  store: Pick<Store, "requestIds">,
  reading: AnswerReading,
): Promise<FoundCorrections> {
  if (corrections.size === 0) return NONE;
  const values = new Map<number, unknown>();
  let unfit = 0;
  let ordinal = 0;
  for await (const ids of store.requestIds()) {
    const hex = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength).toString("hex");
    for (let at = 0; at < hex.length; at += 2 * REQUEST_ID_BYTES, ordinal++) {
      const given = corrections.get(hex.slice(at, at + 2 * REQUEST_ID_BYTES));
      if (given === undefined) continue;
      const answer = await readGiven(reading, given);
      if ("value" in answer) values.set(ordinal, answer.value);
      else unfit += 1;
    }
  }
  return { values, unfit };
}

/** The same answers, with the right ones in the place of those that are not. What a model had right stays its own. */
export function withCorrections(answers: Answers, { values }: FoundCorrections): Answers {
  if (values.size === 0) return answers;
  return {
    ...answers,
    has: (request) => values.has(request) || answers.has(request),
    find: (request, isSpare) =>
      values.has(request) ? corrected(request) : answers.find(request, isSpare),
  };

  async function corrected(request: number): Promise<FoundAnswer | null> {
    const value = values.get(request);
    // The row can do without a reply: it has an answer.
    const found = await answers.find(request, true);
    const own = found !== null && "value" in found.answer ? found.answer.value : null;
    if (found !== null && answerText(own) === answerText(value)) return found;
    const answer = { status: "ok", value, toolCalls: [], isCorrected: true } as const;
    return { answer, chunk: found?.chunk ?? 0 };
  }
}

/** A mark of the corrections as they are now: cells that were made of others cannot be gone on with. */
export async function correctionsMark(settings: Settings): Promise<string> {
  const place = placeOf(settings);
  const corrections = place === null ? [] : [...(await readCorrections(place))];
  return corrections.length === 0 ? "" : contentHash(JSON.stringify(corrections));
}

/** What is worth saying of corrections that are not used. */
export function correctionWarnings(unfit: number): readonly string[] {
  if (unfit === 0) return [];
  const are = unfit === 1 ? "1 correction is" : `${String(unfit)} corrections are`;
  return [`${are} no answer of the form that is asked for now, and not used`];
}
