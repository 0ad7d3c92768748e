/** What a plan shows of its prompts: three of them, how long all are, and the columns that left rows blank. */

import type { NewRequest } from "./plan.ts";
import { textOfMessage } from "./request.ts";

/** A prompt that would be sent. */
export interface SamplePrompt {
  /** Why it is shown. */
  readonly which: "first" | "shortest" | "longest";
  /** The beginning of its last message, 400 UTF-16 code units at most. */
  readonly text: string;
  /** How long all its messages are, in UTF-16 code units; pictures and documents count nothing. */
  readonly characters: number;
}

/** Prompts of about one length. */
export interface LengthBin {
  /** The least and the most characters that fall into it. */
  readonly from: number;
  readonly to: number;
  readonly requests: number;
}

/** A look at the prompts of one new column. */
export interface PlanLook {
  readonly column: string;
  /** The host that prompts are sent to; null where the model runs on this machine. */
  readonly host: string | null;
  /** The columns the prompts are made of; no other leaves the machine. */
  readonly columns: readonly string[];
  /** One to three prompts, none where nothing is asked. */
  readonly samples: readonly SamplePrompt[];
  /** All prompts by length, the shortest first, in at most eight bins. */
  readonly lengths: readonly LengthBin[];
  /** How many of the rows that are skipped have a blank cell there, by column; without columns that have none. */
  readonly blankRows: Readonly<Record<string, number>>;
}

/** Looks at what is planned, in bounded memory. */
export interface PlanWatch {
  readonly see: (fresh: NewRequest) => void;
  /** Notes that a row is skipped in which a column is blank. */
  readonly blank: (column: string) => void;
  look(of: Pick<PlanLook, "column" | "host" | "columns">): PlanLook;
}

const MOST_SHOWN = 400;
const MOST_BINS = 8;

/** A watch that has seen nothing. */
export function planWatch(): PlanWatch {
  const chosen: { first?: NewRequest; shortest?: NewRequest; longest?: NewRequest } = {};
  let [least, most] = [Number.POSITIVE_INFINITY, -1];
  // By the number of binary digits of the length.
  const byDigits: number[] = [];
  const blanks = new Map<string, number>();
  return {
    see: (fresh) => {
      const length = charactersOf(fresh);
      chosen.first ??= fresh;
      if (length < least) [chosen.shortest, least] = [fresh, length];
      if (length > most) [chosen.longest, most] = [fresh, length];
      const digits = Math.max(1, 32 - Math.clz32(length));
      byDigits[digits] = (byDigits[digits] ?? 0) + 1;
    },
    blank: (column) => {
      blanks.set(column, (blanks.get(column) ?? 0) + 1);
    },
    look: (of) => {
      const samples = new Map<number, SamplePrompt>();
      for (const which of ["first", "shortest", "longest"] as const) {
        const fresh = chosen[which];
        if (fresh !== undefined && !samples.has(fresh.ordinal))
          samples.set(fresh.ordinal, sampleOf(which, fresh));
      }
      return {
        ...of,
        samples: [...samples.values()],
        lengths: binsOf(byDigits),
        blankRows: Object.fromEntries(blanks),
      };
    },
  };
}

function charactersOf(fresh: NewRequest): number {
  const { packed } = fresh;
  if (packed !== undefined) return packed.block.characters[packed.at] ?? 0;
  let characters = 0;
  for (const message of fresh.prompt.messages) characters += textOfMessage(message).length;
  return characters;
}

function sampleOf(which: SamplePrompt["which"], fresh: NewRequest): SamplePrompt {
  const last = fresh.prompt.messages.at(-1);
  const text = last === undefined ? "" : textOfMessage(last).slice(0, MOST_SHOWN);
  return { which, text: text.toWellFormed(), characters: charactersOf(fresh) };
}

function binsOf(byDigits: readonly (number | undefined)[]): readonly LengthBin[] {
  const begin = byDigits.findIndex((requests) => requests !== undefined);
  let bins = Array.from(byDigits.slice(Math.max(0, begin)), (requests = 0, at) => {
    const digits = begin + at;
    return { from: digits === 1 ? 0 : 2 ** (digits - 1), to: 2 ** digits - 1, requests };
  });
  while (bins.length > MOST_BINS) bins = pairedBins(bins);
  return bins;
}

function pairedBins(bins: readonly LengthBin[]): LengthBin[] {
  return bins.flatMap((bin, at) => {
    if (at % 2 === 1) return [];
    const next = bins[at + 1];
    return [
      next === undefined ? bin : { ...bin, to: next.to, requests: bin.requests + next.requests },
    ];
  });
}
