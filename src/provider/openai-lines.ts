/** OpenAI's batch file format: request lines out, for every endpoint, in the words of one host. */

import { InputError } from "../core/errors.ts";
import { fittedAnswer } from "../core/form.ts";
import type { Request, RequestSpec } from "../core/request.ts";
import type { RequestFailure, RowErrorCode } from "../core/result.ts";
import { alikeLines } from "./alike-lines.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";
import { CHAT_CAPS, CHAT_ENDPOINT, chatBody, withMessage } from "./openai-chat-lines.ts";
import type { ChatDialect, RequestLines, TextEndpoint } from "./openai-dialect.ts";
import { EMBEDDINGS_ENDPOINT, embeddingBody } from "./openai-embedding-lines.ts";
import type { Unread } from "./openai-reading.ts";
import { parseReplyLine, REPLY_PLACES } from "./openai-replies.ts";
import {
  RESPONSES_CAPS,
  RESPONSES_ENDPOINT,
  responsesBody,
  withInput,
} from "./openai-responses-lines.ts";
import { refuseUnsupported, unsupportedSetting } from "./refusals.ts";
import { checkTools } from "./tool-checks.ts";

const CAPS = [...CHAT_CAPS, ...RESPONSES_CAPS];

/**
 * The lines of one host. Text and labels are asked from `endpoint`, vectors from the embeddings
 * endpoint; replies of all of them are read alike.
 *
 * @throws {InputError} `option_unsupported` for responses where the host has chat completions alone.
 */
export function chatLines(dialect: ChatDialect, endpoint: TextEndpoint = "chat"): RequestLines {
  if (endpoint === "responses" && !dialect.responses)
    throw new InputError(
      "option_unsupported",
      `${dialect.provider} has no responses endpoint. Nothing was sent.`,
      { hint: "Leave out endpoint, or name a model of another provider." },
    );
  return {
    schemaDialect: dialect.schemas,
    writesTextsAsJson: true,
    check: (spec) => {
      check(spec, dialect, endpoint);
    },
    encode: (request, customId) => lineOf(customId, asked(request, dialect, endpoint), dialect),
    readdress: readdressLine,
    amendable: amendableFailures,
    amend: amendLine,
    ...alikeLines(parseReplyLine, REPLY_PLACES),
  };
}

interface Asked {
  readonly url: string;
  readonly body: Unread;
}

function asked(request: Request, dialect: ChatDialect, endpoint: TextEndpoint): Asked {
  if (request.form.kind === "embedding")
    return { url: EMBEDDINGS_ENDPOINT, body: embeddingBody(request, dialect) };
  return endpoint === "responses"
    ? { url: RESPONSES_ENDPOINT, body: responsesBody(request, dialect) }
    : { url: CHAT_ENDPOINT, body: chatBody(request, dialect) };
}

/** A line, the id first: requests are found again by it without parsing the line. */
function lineOf(customId: string, { url, body }: Asked, { layout }: ChatDialect): string {
  if (layout === "params") return JSON.stringify({ custom_id: customId, params: body });
  const routed = layout === "routed" ? { method: "POST", url } : {};
  return JSON.stringify({ custom_id: customId, ...routed, body });
}

function check(spec: RequestSpec, dialect: ChatDialect, endpoint: TextEndpoint): void {
  const { provider } = dialect;
  const isEmbedding = spec.form.kind === "embedding";
  const { reasoning } = spec.settings;
  if (dialect.promptCacheKey && !isEmbedding)
    for (const [name, value] of Object.entries(spec.promptCache ?? {}))
      if (name !== "key" && value !== undefined) throw cachesItself(name, provider);
  refuseUnsupported(spec, {
    provider: isEmbedding ? `${provider}'s embeddings endpoint` : provider,
    settings: isEmbedding ? new Set() : settingsOf(dialect, endpoint),
    promptCache: new Set(dialect.promptCacheKey && !isEmbedding ? ["key"] : []),
    // Whatever is made of text can be asked for, with a schema or without one.
    forms: new Set(isEmbedding && dialect.embeddings === null ? [] : [spec.form.kind]),
  });
  if (typeof reasoning === "object")
    throw unsupportedSetting("reasoning.budgetTokens", provider, "it takes levels: low, high, …");
  checkTools(spec.settings);
  refuseParams(spec, provider);
  // What the schema cannot be told is refused now: it would fail every row alike.
  fittedAnswer(spec.form, dialect.schemas);
}

function cachesItself(name: string, provider: string): InputError {
  const why = "prompts that begin alike are cached there without being marked; only key is read";
  return unsupportedSetting(`promptCache.${name}`, provider, why);
}

function settingsOf(dialect: ChatDialect, endpoint: TextEndpoint): ChatDialect["settings"] {
  if (endpoint === "chat") return dialect.settings;
  // The Responses API has no field for a seed or for stop texts.
  return new Set([...dialect.settings].filter((name) => name !== "seed" && name !== "stop"));
}

/** Refuses what a batch refuses in every row, and answers that would be paid for and never read. */
function refuseParams({ params }: RequestSpec, provider: string): void {
  const { n, stream } = params;
  const streams = stream === true;
  if (!streams && (n === undefined || n === null || n === 1)) return;
  const why = streams
    ? "a batch cannot stream"
    : "one answer is read, and every one would be charged";
  const name = streams ? "stream" : "n";
  throw new InputError(
    "params_unsupported",
    `${provider} cannot be asked with the parameter ${name} here: ${why}. Nothing was sent.`,
    { hint: `Leave ${name} out of params.` },
  );
}

/** The same line under a new custom_id; nothing else changes. */
export function readdressLine(line: string, customId: string): string {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ ...parsed, custom_id: customId });
}

/** The failures {@link amendLine} can do something about: a cut-off answer only where the run sets a cap. */
function amendableFailures({ form, settings, params }: RequestSpec): ReadonlySet<RowErrorCode> {
  if (form.kind === "embedding") return new Set();
  const isCapped =
    settings.maxTokens !== undefined || CAPS.some((cap) => typeof params[cap] === "number");
  return new Set(isCapped ? ["invalid_output", "truncated"] : ["invalid_output"]);
}

/**
 * The same request asked again: after a cut-off answer with twice the token cap, after an unusable
 * one with a last message that says what was wrong with it.
 */
function amendLine(line: string, customId: string, failure: RequestFailure): string {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  const member = "params" in parsed ? "params" : "body";
  const body = asRecord(parsed[member]) ?? {};
  const amended = failure.code === "truncated" ? withMoreTokens(body) : corrected(body, failure);
  return JSON.stringify({ ...parsed, custom_id: customId, [member]: amended });
}

function withMoreTokens(body: Unread): Unread {
  const entries = Object.entries(body).map(([name, value]) =>
    CAPS.includes(name) && typeof value === "number" ? [name, value * 2] : [name, value],
  );
  return Object.fromEntries(entries) as Unread;
}

function corrected(body: Unread, failure: RequestFailure): Unread {
  const words = `Your last answer could not be used. ${failure.message} Answer again, only in the form asked for.`;
  return "messages" in body ? withMessage(body, words) : withInput(body, words);
}

/**
 * The endpoint that a request line asks: what its `url` says, else what its body looks like; chat
 * completions where neither tells.
 */
export function endpointOfLine(line: string): string {
  return endpointOfParsed(asRecord(parseJson(line)));
}

/**
 * The endpoint of a host's line. Lines that name none look like responses where they are embeddings
 * without further wishes.
 */
export function endpointAt(
  { layout, responses }: ChatDialect,
  parsed: Readonly<Record<string, unknown>> | null,
): string {
  const endpoint = endpointOfParsed(parsed);
  const isGuess = layout !== "routed" && !responses;
  return isGuess && endpoint === RESPONSES_ENDPOINT ? EMBEDDINGS_ENDPOINT : endpoint;
}

function endpointOfParsed(parsed: Readonly<Record<string, unknown>> | null): string {
  const url = textOf(parsed?.["url"]);
  if (url !== null && url !== "") return url;
  const body = asRecord(parsed?.["body"]) ?? asRecord(parsed?.["params"]);
  if (body === null || "messages" in body || !("input" in body)) return CHAT_ENDPOINT;
  const isEmbedding = "encoding_format" in body || "dimensions" in body;
  return isEmbedding ? EMBEDDINGS_ENDPOINT : RESPONSES_ENDPOINT;
}
