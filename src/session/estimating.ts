/** Estimating tokens while a run is planned: prompts by a sample, answers by the replies that are there. */

import { answerTokens, tokenCap } from "../core/answer-length.ts";
import { wholeSchema } from "../core/form.ts";
import type { NewRequest, PlanEstimate } from "../core/plan.ts";
import { isLong, type Price } from "../core/price.ts";
import { addLoads, NO_LOAD, replySample, type Load } from "../core/reply-sample.ts";
import { textOfMessage, type RequestSpec } from "../core/request.ts";
import {
  addEstimates,
  mapBand,
  NO_TOKENS,
  type Band,
  type TokenEstimate,
} from "../core/token-estimate.ts";
import { NO_USAGE, type Usage } from "../core/usage.ts";
import type { TokenCounter } from "./tokenizer.ts";

/** Requests to be estimated together, those with long prompts apart. */
export interface ChunkLoad {
  readonly short: Load;
  readonly long: Load;
}

/** No requests. */
export const EMPTY_LOAD: ChunkLoad = { short: NO_LOAD, long: NO_LOAD };

/** The sum of two loads. */
export function addChunkLoads(a: ChunkLoad, b: ChunkLoad): ChunkLoad {
  return { short: addLoads(a.short, b.short), long: addLoads(a.long, b.long) };
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
  /** What a load is expected to use, by what is known so far. */
  readonly estimate: (load: ChunkLoad) => TokenEstimate;
  /** The estimate of the whole plan, and what it rests on. */
  readonly whole: (load: ChunkLoad) => PlanEstimate;
}

/** What estimates are made for. */
export interface EstimatorInput {
  readonly spec: RequestSpec;
  readonly counter: TokenCounter;
  /** Whether the model thinks unless it is told not to. */
  readonly thinks: boolean;
  /** The model's price, as far as it decides which prompts are long. */
  readonly price: Price | null;
}

/** An estimator that has seen nothing. */
export function estimator({ spec, counter, thinks, price }: EstimatorInput): Estimator {
  const prompts = promptSample(counter);
  const replies = replySample();
  const { form, settings, params } = spec;
  const shared = sharedTokens(spec, counter);
  const assumed = answerTokens({ form, settings, params, thinks, count: counter.count });
  const cap = tokenCap(spec);
  const kept = keptOf(spec);
  const line = (): { perRequest: number; perUnit: number } => ({
    perRequest: shared,
    perUnit: prompts.tokensPerUnit(),
  });
  const inputOf = (load: Load): number => {
    const { perRequest, perUnit } = line();
    const factor = replies.input({ perRequest, perUnit })?.factor ?? 1;
    return (load.requests * perRequest + load.units * perUnit) * factor;
  };
  const tokensOf = (load: Load): TokenEstimate => {
    if (load.requests === 0) return NO_TOKENS;
    const output = replies.output(load) ?? mapBand(assumed, (tokens) => tokens * load.requests);
    return {
      inputTokens: Math.ceil(inputOf(load)),
      inputError: replies.input(line())?.error ?? counter.error,
      outputTokens: whole(mapBand(output, (tokens) => Math.min(tokens, cap * load.requests))),
      ...kept,
    };
  };
  const estimate = ({ short, long }: ChunkLoad): TokenEstimate => {
    if (long.requests === 0) return tokensOf(short);
    const apart = tokensOf(long);
    return { ...addEstimates(tokensOf(short), apart), long: apart };
  };
  const isOver = (units: number): boolean =>
    price?.above !== undefined &&
    isLong({ ...NO_USAGE, inputTokens: inputOf({ requests: 1, units }) }, price);
  const scale = (): Scale => {
    let [short, long] = [
      { requests: 0, units: 0 },
      { requests: 0, units: 0 },
    ];
    return {
      add: (fresh) => {
        const units = unitsOf(fresh);
        const load = isOver(units) ? long : short;
        load.requests += 1;
        load.units += units;
      },
      take: () => {
        const taken = { short, long };
        [short, long] = [
          { requests: 0, units: 0 },
          { requests: 0, units: 0 },
        ];
        return taken;
      },
    };
  };
  return {
    see: prompts.see,
    answered: (fresh, usage) => {
      replies.add(unitsOf(fresh), usage);
    },
    scale,
    estimate,
    whole: (load) => {
      const isMeasured = replies.input(line()) !== null;
      return {
        tokens: estimate(load),
        inputBy: isMeasured ? "replies" : counter.isExact ? "tokenizer" : "characters",
        outputBy: isMeasured ? "replies" : "assumption",
        repliesSeen: replies.size(),
      };
    },
  };
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

/** The tokens every request has besides its messages: the schema, the tools, the frame of a conversation. */
function sharedTokens({ form, settings }: RequestSpec, counter: TokenCounter): number {
  const schema = wholeSchema(form);
  const said = [...(schema === null ? [] : [schema]), ...(settings.tools ?? [])];
  return said.reduce((sum, one) => sum + counter.count(JSON.stringify(one)), AROUND_ALL);
}

const CHARACTERS_PER_TOKEN = 4;
const TOKENS_AROUND_MESSAGE = 4;
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
  readonly tokensPerUnit: () => number;
}

// All of the first requests, and of later ones as many for each doubling: a million rows cost a second.
const ALL_UP_TO = 500;
const PER_DOUBLING = 200;
const PIECE_UNITS = 1500;

/** Counts the tokens of some prompts, each for as many as it stands for. */
function promptSample(counter: TokenCounter): PromptSample {
  let units = 0;
  let tokens = 0;
  return {
    see: (fresh) => {
      const stride = strideAt(fresh.ordinal);
      if (!isDrawn(fresh.ordinal, stride)) return;
      for (const message of fresh.prompt.messages) {
        units += stride * AROUND_MESSAGE;
        tokens += stride * TOKENS_AROUND_MESSAGE;
        for (const piece of piecesOf(textOfMessage(message))) {
          units += stride * piece.stands;
          tokens += stride * piece.stands * (counter.count(piece.text) / piece.text.length);
        }
      }
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
function piecesOf(text: string): readonly { readonly text: string; readonly stands: number }[] {
  if (text.length <= 3 * PIECE_UNITS) return text === "" ? [] : [{ text, stands: text.length }];
  const last = text.length - PIECE_UNITS;
  return [0, Math.floor(last / 2), last].map((at) => ({
    text: text.slice(at, at + PIECE_UNITS),
    stands: text.length / 3,
  }));
}
