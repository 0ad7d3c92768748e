/** Estimating tokens while a run is planned: prompts by a sample, answers by the replies that are there. */

import { answerTokens, tokenCap } from "../core/answer-length.ts";
import { wholeSchema } from "../core/form.ts";
import type { NewRequest, PlanEstimate } from "../core/plan.ts";
import { isLong, type Price } from "../core/price.ts";
import { addLoads, NO_LOAD, replySample, type Line, type Load } from "../core/reply-sample.ts";
import { textOfMessage, type RequestSpec } from "../core/request.ts";
import {
  addEstimates,
  mapBand,
  NO_TOKENS,
  type Band,
  type TokenEstimate,
} from "../core/token-estimate.ts";
import { NO_USAGE, type Usage } from "../core/usage.ts";
import type { TokenCounts } from "./counting.ts";

/** Requests to be estimated together, those apart whose prompts may be charged as long ones. */
export interface ChunkLoad {
  readonly short: Load;
  /** The lengths of the others, in characters. */
  readonly others: readonly number[];
}

/** Several loads as one. */
export function sumOfLoads(loads: readonly ChunkLoad[]): ChunkLoad {
  return {
    short: loads.map(({ short }) => short).reduce(addLoads, NO_LOAD),
    others: loads.flatMap(({ others }) => others),
  };
}

/** A load that grows request by request. */
export interface Scale {
  add(fresh: NewRequest): void;
  /** What was added since the last call. */
  take(): ChunkLoad;
}

/** Estimates of a plan in the making; they sharpen as more of it is seen. */
export interface Estimator {
  /** Takes a request into the sample of prompts, if it is its turn; every request once, in order. */
  readonly see: (fresh: NewRequest) => void;
  /** Takes the answer that is there for a request into the sample of answers. */
  readonly answered: (fresh: NewRequest, usage: Usage) => void;
  /** A scale with nothing on it. */
  readonly scale: () => Scale;
  /** What a load is expected to use, by what is known once all that was seen before the call is counted. */
  readonly estimate: (load: ChunkLoad) => Promise<TokenEstimate>;
  /** The estimate of the whole plan, and what it rests on. */
  readonly whole: (load: ChunkLoad) => Promise<PlanEstimate>;
}

/** What estimates are made for. */
export interface EstimatorInput {
  readonly spec: RequestSpec;
  readonly counts: TokenCounts;
  /** Whether the model thinks unless it is told not to. */
  readonly thinks: boolean;
  /** The model's price, as far as it decides which prompts are long. */
  readonly price: Price | null;
}

/** An estimator that has seen nothing. */
export function estimator({ spec, counts, thinks, price }: EstimatorInput): Estimator {
  const prompts = promptSample(counts);
  const replies = replySample();
  const { form, settings, params } = spec;
  const said = sharedTexts(spec);
  const asked = countedTogether(counts, (count) => ({
    shared: said.reduce((sum, text) => sum + count(text), AROUND_ALL),
    assumed: answerTokens({ form, settings, params, thinks, count }),
  }));
  // Told by whoever waits for it.
  asked.catch(() => undefined);
  const cap = tokenCap(spec);
  const kept = keptOf(spec);

  /** Estimates by what is known now. */
  const estimating = ({ shared, assumed }: Awaited<typeof asked>) => {
    const line: Line = { perRequest: shared, perUnit: prompts.tokensPerUnit() };
    const learnt = replies.input(line);
    const inputOf = (load: Load): number =>
      (load.requests * line.perRequest + load.units * line.perUnit) * (learnt?.factor ?? 1);
    const tokensOf = (load: Load): TokenEstimate => {
      if (load.requests === 0) return NO_TOKENS;
      const output = replies.output(load) ?? mapBand(assumed, (tokens) => tokens * load.requests);
      return {
        inputTokens: Math.ceil(inputOf(load)),
        inputError: learnt?.error ?? counts.error,
        outputTokens: whole(mapBand(output, (tokens) => Math.min(tokens, cap * load.requests))),
        ...kept,
      };
    };
    const isOver = (units: number): boolean =>
      price !== null &&
      isLong({ ...NO_USAGE, inputTokens: inputOf({ requests: 1, units }) }, price);
    return {
      isMeasured: learnt !== null,
      tokensOf: ({ short, others }: ChunkLoad): TokenEstimate => {
        const long = others.filter(isOver);
        const rest = others.filter((units) => !isOver(units));
        const all = tokensOf(rest.map(loadOf).reduce(addLoads, short));
        if (long.length === 0) return all;
        const apart = tokensOf(long.map(loadOf).reduce(addLoads));
        return { ...addEstimates(all, apart), long: apart };
      },
    };
  };
  const settled = async (): Promise<ReturnType<typeof estimating>> => {
    const counted = prompts.counted();
    const known = await asked;
    await counted;
    return estimating(known);
  };
  const saidUnits = said.reduce((sum, text) => sum + text.length, 0);
  const mayBeLong = (units: number): boolean =>
    price?.above !== undefined &&
    (saidUnits + units) * MOST_TOKENS_PER_UNIT > price.above.inputTokens;
  return {
    see: prompts.see,
    answered: (fresh, usage) => {
      replies.add(unitsOf(fresh), usage);
    },
    scale: () => openScale(mayBeLong),
    estimate: async (load) => (await settled()).tokensOf(load),
    whole: async (load) => {
      const { isMeasured, tokensOf } = await settled();
      return {
        tokens: tokensOf(load),
        inputBy: isMeasured ? "replies" : counts.isExact ? "tokenizer" : "characters",
        outputBy: isMeasured ? "replies" : "assumption",
        repliesSeen: replies.size(),
      };
    },
  };
}

function openScale(mayBeLong: (units: number) => boolean): Scale {
  let short = { requests: 0, units: 0 };
  let others: number[] = [];
  return {
    add: (fresh) => {
      const units = unitsOf(fresh);
      if (mayBeLong(units)) others.push(units);
      else {
        short.requests += 1;
        short.units += units;
      }
    },
    take: () => {
      const taken = { short, others };
      [short, others] = [{ requests: 0, units: 0 }, []];
      return taken;
    },
  };
}

function loadOf(units: number): Load {
  return { requests: 1, units };
}

/** What comes of the tokens of some texts; `use` is called twice, and asks for the same ones both times. */
async function countedTogether<Out>(
  { count }: Pick<TokenCounts, "count">,
  use: (count: (text: string) => number) => Out,
): Promise<Out> {
  const texts: string[] = [];
  use((text) => texts.push(text));
  const counts = await count(texts);
  let at = 0;
  return use(() => counts[at++] ?? 0);
}

/** For how long the provider is asked to keep prompts; a key or a content that is there already writes nothing at a price. */
function keptOf({ promptCache }: RequestSpec): Pick<TokenEstimate, "kept"> {
  const { system, tools, lastUserMessages = 0, ttl } = promptCache ?? {};
  if (system !== true && tools !== true && lastUserMessages === 0) return {};
  return { kept: ttl === "1h" ? "hour" : "minutes" };
}

function whole(band: Band): Band {
  return {
    low: Math.floor(band.low),
    expected: Math.ceil(band.expected),
    high: Math.ceil(band.high),
  };
}

// What hosts put around a conversation and each of its turns, in tokens.
const AROUND_ALL = 3;

/** What every request says besides its messages: the schema and the tools. */
function sharedTexts({ form, settings }: RequestSpec): readonly string[] {
  const schema = wholeSchema(form);
  const said = [...(schema === null ? [] : [schema]), ...(settings.tools ?? [])];
  return said.map((one) => JSON.stringify(one));
}

const CHARACTERS_PER_TOKEN = 4;
const TOKENS_AROUND_MESSAGE = 4;
// A token is a byte at least, and a UTF-16 code unit three at most.
const MOST_TOKENS_PER_UNIT = 3;
const AROUND_MESSAGE = TOKENS_AROUND_MESSAGE * CHARACTERS_PER_TOKEN;
// A picture comes to some hundred tokens up to two thousand; a page of a document to about as many.
const PICTURE_UNITS = 1000 * CHARACTERS_PER_TOKEN;
const DOCUMENT_UNITS = 10_000 * CHARACTERS_PER_TOKEN;
const BASE64_PER_PAGE = 100_000;
const PAGE_UNITS = 2000 * CHARACTERS_PER_TOKEN;

/** The length of a request's prompt in characters; pictures and documents count as many as their tokens would have. */
function unitsOf(fresh: NewRequest): number {
  const { packed } = fresh;
  if (packed !== undefined) {
    const { characters, forms, form } = packed.block;
    const before = forms[form[packed.at] ?? 0]?.before.length ?? 0;
    return (characters[packed.at] ?? 0) + (before + 1) * AROUND_MESSAGE;
  }
  let units = 0;
  for (const { content } of fresh.prompt.messages) {
    units += AROUND_MESSAGE;
    if (typeof content === "string") units += content.length;
    else
      for (const part of content)
        if (part.type === "text") units += part.text.length;
        else if (part.type === "image") units += PICTURE_UNITS;
        else if ("url" in part) units += DOCUMENT_UNITS;
        else units += PAGE_UNITS * Math.max(1, Math.ceil(part.data.length / BASE64_PER_PAGE));
  }
  return units;
}

interface PromptSample {
  readonly see: (fresh: NewRequest) => void;
  /** Settles once all that was seen is counted. */
  readonly counted: () => Promise<void>;
  readonly tokensPerUnit: () => number;
}

/** A piece of a text, and the characters it stands for; an empty one for what stands around a message. */
interface Piece {
  readonly text: string;
  readonly stands: number;
}

// All of the first requests, and of later ones as many for each doubling: a million rows cost a second.
const ALL_UP_TO = 500;
const PER_DOUBLING = 200;
const PIECE_UNITS = 1500;
const COUNTED_AT_ONCE = 100;

/** Counts the tokens of some prompts, each for as many as it stands for. */
function promptSample({ count }: Pick<TokenCounts, "count">): PromptSample {
  let units = 0;
  let tokens = 0;
  let drawn: Piece[] = [];
  let counted = Promise.resolve();
  const handOver = (): void => {
    if (drawn.length === 0) return;
    const pieces = drawn;
    drawn = [];
    const counting = count(pieces.map(({ text }) => text));
    counted = counted.then(async () => {
      const counts = await counting;
      for (const [at, { text, stands }] of pieces.entries()) {
        units += stands;
        const found = text === "" ? 1 / CHARACTERS_PER_TOKEN : (counts[at] ?? 0) / text.length;
        tokens += stands * found;
      }
    });
    // Told by whoever waits for it.
    for (const promise of [counting, counted]) promise.catch(() => undefined);
  };
  return {
    see: (fresh) => {
      const stride = strideAt(fresh.ordinal);
      if (!isDrawn(fresh.ordinal, stride)) return;
      for (const message of fresh.prompt.messages) {
        drawn.push({ text: "", stands: stride * AROUND_MESSAGE });
        for (const { text, stands } of piecesOf(textOfMessage(message)))
          drawn.push({ text, stands: stride * stands });
      }
      if (drawn.length >= COUNTED_AT_ONCE) handOver();
    },
    counted: () => {
      handOver();
      return counted;
    },
    tokensPerUnit: () => (units === 0 ? 1 / CHARACTERS_PER_TOKEN : tokens / units),
  };
}

function strideAt(ordinal: number): number {
  if (ordinal < ALL_UP_TO) return 1;
  // The largest power of two that `ordinal / PER_DOUBLING` holds.
  return 2 ** (31 - Math.clz32(Math.floor(ordinal / PER_DOUBLING)));
}

/** One of `stride` in all, spread so that no rhythm of the rows falls in with it. */
function isDrawn(ordinal: number, stride: number): boolean {
  return Math.imul(ordinal, 0x9e3779b1) >>> 0 < 2 ** 32 / stride;
}

/** A text in a few pieces, each with the characters it stands for: tokenizers are slow on long ones. */
function piecesOf(text: string): readonly Piece[] {
  if (text.length <= 3 * PIECE_UNITS) return text === "" ? [] : [{ text, stands: text.length }];
  const last = text.length - PIECE_UNITS;
  return [0, Math.floor(last / 2), last].map((at) => ({
    text: text.slice(at, at + PIECE_UNITS),
    stands: text.length / 3,
  }));
}
