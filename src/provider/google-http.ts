/** Calls to the Gemini API by plain REST: its SDK drops the error and the counts of a batch. */

import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../core/errors.ts";
import { httpErrors } from "./http-errors.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";

/** Where the API is, and with what key it is called. The key goes into a header, never into a URL. */
export interface GoogleAddress {
  readonly baseUrl: string;
  readonly apiKey: string;
}

/** In whose name calls are made. */
export interface GoogleAccess {
  /** The headers that say so, fresh for every call. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** What no message may show; may grow as tokens are renewed. */
  readonly secrets: readonly string[];
}

/** One call. */
export interface GoogleCall {
  /** Completes "could not …". */
  readonly action: string;
  readonly method: "GET" | "POST" | "DELETE";
  /** A path under the base URL, such as `/v1beta/batches/abc`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** The API at one address. What a call throws is a {@link ProviderError} without the key, or the abort. */
export interface GoogleHttp {
  readonly host: string;
  /** The path of a URL the API has given out, for calls through the base URL whatever host it names. */
  pathOf(url: string): string;
  /** Makes the call once. */
  once(call: GoogleCall): Promise<Response>;
  /** Makes a call that costs nothing, and twice again after a failure that may pass; gives the reply's JSON. */
  json(call: GoogleCall): Promise<Readonly<Record<string, unknown>>>;
  /** Like `json`, for the reply itself, whose body the caller reads. */
  repeated(call: GoogleCall): Promise<Response>;
  /** What a value caught while the body of a reply was read stands for. */
  read(action: string, caught: unknown): unknown;
}

const MORE_TRIES = 2;
const FIRST_PAUSE_MS = 250;

/** The calls to one address with a key. */
export function googleHttp({ baseUrl, apiKey }: GoogleAddress): GoogleHttp {
  const headers = { "x-goog-api-key": apiKey };
  return googleHttpAs(baseUrl, { headers: () => Promise.resolve(headers), secrets: [apiKey] });
}

/** The calls to one address in somebody's name. */
export function googleHttpAs(baseUrl: string, access: GoogleAccess): GoogleHttp {
  const base = baseUrl.replace(/\/+$/, "");
  const { host } = new URL(base);
  const errors = httpErrors(host, access.secrets);
  const read = (action: string, caught: unknown): unknown =>
    asKeyError(caught, errors.read(action, caught));
  const send = async (call: GoogleCall): Promise<Response> => {
    const response = await fetch(`${base}${call.path}`, {
      method: call.method,
      headers: { ...(await access.headers()), ...call.headers },
      signal: call.signal,
      // A redirect would carry the key to another host.
      redirect: "error",
      ...(call.body === undefined ? {} : { body: call.body }),
    });
    if (response.ok) return response;
    throw await refusalOf(response);
  };
  const reading = async <T>(call: GoogleCall, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (caught) {
      throw call.signal.aborted ? caught : read(call.action, caught);
    }
  };
  const http: GoogleHttp = {
    host,
    pathOf: (url) => {
      const { pathname, search } = new URL(url, base);
      const prefix = new URL(base).pathname.replace(/\/$/, "");
      return `${pathname.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) : pathname}${search}`;
    },
    once: (call) => reading(call, () => send(call)),
    repeated: (call) => reading(call, () => withMoreTries(call.signal, () => send(call))),
    json: (call) =>
      reading(call, () => withMoreTries(call.signal, async () => (await send(call)).json())).then(
        (value) => asRecord(value) ?? {},
      ),
    read,
  };
  return http;
}

/** Makes a call that costs nothing, and twice again after a failure that may pass. */
export async function withMoreTries<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await act();
    } catch (caught) {
      if (signal.aborted || tries >= MORE_TRIES || !mayPass(caught)) throw caught;
      await sleep(FIRST_PAUSE_MS * 2 ** tries * (1 + Math.random()), undefined, { signal });
    }
  }
}

/** Whether the same call may do better at once; a caller that was asked to wait is left to those who plan. */
function mayPass(caught: unknown): boolean {
  if (caught instanceof ProviderError) return caught.retryable;
  const status = asRecord(caught)?.["status"];
  return typeof status !== "number" || status === 408 || status >= 500;
}

const LONGEST_QUOTE = 2000;

/** What a reply that is no success says, as an error with `status` and `headers`, for the error reader. */
async function refusalOf(response: Response): Promise<Error> {
  const text = await response.text();
  const error = asRecord(asRecord(parseJson(text))?.["error"]);
  const name = textOf(error?.["status"]);
  const said = textOf(error?.["message"]) ?? text.slice(0, LONGEST_QUOTE);
  const message = `HTTP ${String(response.status)}${name === null ? "" : ` ${name}`}: ${said}`;
  const details = Array.isArray(error?.["details"]) ? error["details"].map(asRecord) : [];
  return Object.assign(new Error(message), {
    status: response.status,
    headers: withRetryDelay(response.headers, details),
    reasons: details.flatMap((detail) => textOf(detail?.["reason"]) ?? []),
  });
}

/** The headers, with the delay of a google.rpc.RetryInfo ("37s") where they name none themselves. */
function withRetryDelay(given: Headers, details: readonly (object | null)[]): Headers {
  const headers = new Headers(given);
  const delays = details.flatMap((detail) => textOf(asRecord(detail)?.["retryDelay"]) ?? []);
  const seconds = Number(delays[0]?.replace(/s$/, "") ?? Number.NaN);
  if (Number.isFinite(seconds) && !headers.has("retry-after"))
    headers.set("retry-after", String(seconds));
  return headers;
}

/** A bad key is HTTP 400 at Google; only the reason in the details tells it from a bad request. */
function asKeyError(caught: unknown, read: unknown): unknown {
  const reasons = asRecord(caught)?.["reasons"];
  const isKey = Array.isArray(reasons) && reasons.includes("API_KEY_INVALID");
  if (!isKey || !(read instanceof ProviderError)) return read;
  return new ProviderError("provider_auth", read.message, {
    httpStatus: read.httpStatus ?? 400,
    hint: "Check the key in GOOGLE_API_KEY or GEMINI_API_KEY; run the same command again to go on.",
  });
}
