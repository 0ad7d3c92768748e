/** Asks a server one thing until it answers, refuses, or has been asked often enough. */

import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../core/errors.ts";
import type { ErrorReader } from "./http-errors.ts";
import { asRecord, parseJson, recordsOf, textOf } from "./json-values.ts";
import type { LiveForm } from "./live-form.ts";
import type { Gate } from "./live-gate.ts";
import type { Exchange, LiveHttp } from "./live-http.ts";
import type { Answered, LiveRequest } from "./live-replies.ts";
import {
  askedWaitMs,
  backoffMs,
  durationMs,
  isTriedAgain,
  troubleOf,
  usedUpForMs,
} from "./live-retry.ts";
import { tokensAsked, tokensUsed } from "./live-tokens.ts";
import type { Stops } from "./local-engine.ts";
import { redact } from "./secrets.ts";

/** What asking needs of its server. */
export interface Line {
  /** Where a request goes, and what travels beside it; asked for every try, since tokens grow old. */
  readonly address: (request: LiveRequest) => Promise<LiveAddress>;
  readonly form: Pick<LiveForm, "limitHeaders" | "requestIdHeader">;
  readonly timeoutMs: number;
  readonly http: LiveHttp;
  readonly gate: Gate;
  readonly errors: ErrorReader;
  /** Taken out of whatever the server says when it refuses. */
  readonly secrets: readonly string[];
  /** Added to the message when nothing listens at the address. */
  readonly whenUnreachable: string;
}

/** Where one request goes. */
export interface LiveAddress {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks the server one thing; null when it was told to stop before there was an answer. */
export type Ask = (request: LiveRequest, stops: Stops) => Promise<Answered | null>;

/**
 * A way to ask one server.
 *
 * Troubles that may pass are waited out, longer each time, ten times at most for lack of room, five
 * times for failures, twice for time limits; then they are the row's own. Every try may be charged by
 * a server that charges: one whose reply was lost is asked again.
 *
 * It throws what no other row would escape either: a {@link ProviderError} for a refused key (401,
 * 402; 403 and 404 until something was answered), for a server that nobody reaches, and for one that
 * asks for more than two minutes' patience. Those last two may succeed later.
 */
export function asking(line: Line): Ask {
  let hasAnswered = false;
  return async (request, stops) => {
    const body = JSON.stringify(request.body);
    const tokens = tokensAsked(request.body);
    for (let tries = 1; ; tries++) {
      const address = await line.address(request);
      const leave = await line.gate.enter(tokens, stops.stopping);
      if (leave === null) return null;
      const exchange = cleaned(await send(line, { ...address, body }, stops.cut), line);
      const reply = exchange.kind === "answered" ? parseJson(exchange.text) : null;
      const trouble = troubleOf(exchange, reply !== null);
      const askedMs = askedWaitMs(exchange) ?? saidWaitMs(reply);
      const waitMs = backoffMs(tries, askedMs, Math.random());
      const isCrowded = trouble === "crowded";
      // Who waits for room waits for all: the others would only be refused as well.
      if (isCrowded) line.gate.hold(Math.min(waitMs, LONGEST_PATIENCE_MS));
      if (exchange.kind === "answered")
        line.gate.hold(usedUpForMs(exchange.header, tokens, line.form.limitHeaders));
      const isAnswered = exchange.kind === "answered" && exchange.status < 300;
      leave({
        usedTokens: trouble === null && isAnswered ? tokensUsed(reply) : null,
        showed: isCrowded ? "crowded" : trouble === null && isAnswered ? "room" : "other",
      });
      if (stops.cut.aborted) return null;
      if (exchange.kind === "unreachable") throw unreachable(line, exchange.message);
      // A 429 as well, and the only one that no waiting will mend.
      if (isOutOfCredit(reply)) throw refused(line, exchange, { status: 402 });
      if (isWrongKey(reply)) throw refused(line, exchange, { status: 401 });
      if (trouble === null) {
        if (exchange.kind === "answered" && isAnswered) hasAnswered = true;
        else throwIfHopeless(line, exchange, hasAnswered);
        return settled(line, exchange, reply);
      }
      if (isCrowded && waitMs > LONGEST_PATIENCE_MS) throw refused(line, exchange, { waitMs });
      if (!isTriedAgain(trouble, tries)) return settled(line, exchange, reply);
      if (!isCrowded && !(await rested(waitMs, stops.stopping))) return null;
    }
  };
}

// A longer wait is the driver's to make, and to tell of.
const LONGEST_PATIENCE_MS = 120_000;

function send(
  line: Line,
  call: LiveAddress & { readonly body: string },
  signal: AbortSignal,
): Promise<Exchange> {
  return line.http.post({ ...call, timeoutMs: line.timeoutMs, signal });
}

/** The exchange without our keys, which some servers quote when they refuse them. */
function cleaned(exchange: Exchange, { secrets }: Line): Exchange {
  if (exchange.kind !== "answered" || exchange.status < 300) return exchange;
  return { ...exchange, text: redact(exchange.text, secrets) };
}

/** Waits; false when it was told to stop. */
async function rested(waitMs: number, stopping: AbortSignal): Promise<boolean> {
  return sleep(waitMs, true, { signal: stopping }).catch(() => false);
}

function settled({ form }: Line, exchange: Exchange, reply: unknown): Answered {
  if (exchange.kind === "timed_out") return { code: "request_timeout", message: exchange.message };
  if (exchange.kind !== "answered") return { code: "connection_lost", message: exchange.message };
  const { status, text } = exchange;
  const requestId = exchange.header(form.requestIdHeader);
  if (status < 300 && reply === null)
    return { code: "connection_lost", message: "The reply is no JSON." };
  // Some servers say what is wrong in plain text, or as a bare string.
  const body = asRecord(asRecord(reply)?.["error"]) === null ? plainError(reply, text) : reply;
  return { status, requestId, body: status < 300 ? reply : body };
}

function plainError(reply: unknown, text: string): unknown {
  const record = asRecord(reply);
  const said = [record?.["error"], record?.["message"], record?.["detail"]].find(
    (value) => textOf(value) !== null,
  );
  return { error: { message: textOf(said) ?? text.slice(0, MOST_OF_A_TEXT) } };
}

const MOST_OF_A_TEXT = 500;

/** Throws for a refusal that every other request would meet as well. */
function throwIfHopeless(line: Line, exchange: Exchange, hasAnswered: boolean): void {
  if (exchange.kind !== "answered") return;
  const { status } = exchange;
  const isAboutAccount = status === 401 || status === 402;
  const isAboutServer = status === 403 || status === 404 || status === 405 || status === 501;
  if (isAboutAccount || (isAboutServer && !hasAnswered)) throw refused(line, exchange);
}

/** An account without money, in the words of OpenAI or of Anthropic, which says so with a 400. */
function isOutOfCredit(reply: unknown): boolean {
  const error = asRecord(asRecord(reply)?.["error"]);
  const names = [error?.["code"], error?.["type"]];
  if (names.includes("insufficient_quota") || names.includes("billing_error")) return true;
  return /credit balance is too low/i.test(textOf(error?.["message"]) ?? "");
}

/** A wrong key is a 400 at Google; only the reason in the details tells it from a bad request. */
function isWrongKey(reply: unknown): boolean {
  return detailsOf(reply).some(({ reason }) => reason === "API_KEY_INVALID");
}

/** The wait that a google.rpc.RetryInfo in the body asks for, in milliseconds. */
function saidWaitMs(reply: unknown): number | undefined {
  const delays = detailsOf(reply).flatMap(({ retryDelay }) => textOf(retryDelay) ?? []);
  return durationMs(delays[0] ?? "") ?? undefined;
}

function detailsOf(reply: unknown): ReturnType<typeof recordsOf> {
  return recordsOf(asRecord(asRecord(reply)?.["error"])?.["details"]);
}

/** The error a refusal stands for; read like those of other clients, so that keys are taken out of it. */
function refused(
  line: Line,
  exchange: Exchange,
  told: { readonly status?: number; readonly waitMs?: number } = {},
): unknown {
  const isReply = exchange.kind === "answered";
  const reply = settled(line, exchange, isReply ? parseJson(exchange.text) : null);
  const body = "status" in reply ? asRecord(asRecord(reply.body)?.["error"]) : null;
  const said = textOf(body?.["message"]) ?? "it gave no reason";
  const seen = isReply ? exchange.status : 0;
  const headers = new Headers(
    told.waitMs === undefined ? {} : { "retry-after-ms": String(told.waitMs) },
  );
  const status = told.status ?? seen;
  const error = Object.assign(new Error(`${String(seen)} ${said}`), { status, headers });
  return line.errors.read("answer a request", error);
}

function unreachable(line: Line, message: string): ProviderError {
  const read = line.errors.read("be reached", new Error(message));
  if (!(read instanceof ProviderError)) throw read;
  const also = line.whenUnreachable === "" ? "" : ` ${line.whenUnreachable}`;
  return new ProviderError("provider_unreachable", `${read.message}${also}`, {
    retryable: true,
    neverConnected: true,
    ...(read.hint === undefined ? {} : { hint: read.hint }),
  });
}
