/** What an HTTP client or SDK throws, read as a ProviderError: without keys, and saying whether to try again. */

import { ProviderError } from "../core/errors.ts";
import { retryAfterMs } from "./retry-after.ts";
import { redact } from "./secrets.ts";

/** Reads errors of calls to one host. */
export interface ErrorReader {
  /** Runs a call; what it throws comes out as a {@link ProviderError}. `action` completes "could not …". */
  reading<T>(action: string, call: () => Promise<T>): Promise<T>;
  /** The {@link ProviderError} a caught value stands for. */
  read(action: string, caught: unknown): unknown;
}

/** A reader for one host; the secrets are removed from every message. */
export function httpErrors(host: string, secrets: readonly string[]): ErrorReader {
  const read = (action: string, caught: unknown): unknown => {
    if (caught instanceof ProviderError || isAbort(caught)) return caught;
    const said = redact(saidBy(caught), secrets);
    const status = statusOf(caught);
    const message = `${host} could not ${action}: ${said}`;
    if (isDenied(caught)) return denied(host, message);
    // The original error is not attached: SDK errors hold request headers, and with them the key.
    return status === null
      ? unreachable(message, neverConnected(caught))
      : refused(status, message, retryAfterOf(caught));
  };
  return {
    read,
    reading: async (action, call) => {
      try {
        return await call();
      } catch (caught) {
        throw read(action, caught);
      }
    },
  };
}

/** What went wrong. A reply that is no JSON comes from a wrong address or a proxy, which the parser's words do not tell. */
function saidBy(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  return caught instanceof SyntaxError
    ? `what answers at this address does not speak JSON (${caught.message})`
    : causes(caught);
}

function isAbort(caught: unknown): boolean {
  // SDK errors keep the name "Error"; the platform's abort is a DOMException that is told by its name.
  return (
    caught instanceof Error &&
    (caught.name === "AbortError" || caught.constructor.name === "APIUserAbortError")
  );
}

const DEEPEST_CAUSE = 5;

/** Whether this process may not reach the network: Deno, or Node with `--permission`, was told so. */
function isDenied(caught: unknown, depth = 0): boolean {
  if (!(caught instanceof Error) || depth > DEEPEST_CAUSE) return false;
  const isRefusal =
    caught.name === "NotCapable" || ("code" in caught && caught.code === "ERR_ACCESS_DENIED");
  return isRefusal || isDenied(caught.cause, depth + 1);
}

// Trying again would wait for ever: permissions do not come back like a network.
function denied(host: string, message: string): ProviderError {
  return new ProviderError("network_denied", message, {
    hint: `Allow ${host} and run the same command again: deno run --allow-net=${host}, or node --allow-net.`,
  });
}

/** An error's message with those of its causes, as far as they say something new; causes may go in a circle. */
function causes(error: Error, depth = 0): string {
  const { message, cause } = error;
  return cause instanceof Error && depth < DEEPEST_CAUSE && !message.includes(cause.message)
    ? `${message} (${causes(cause, depth + 1)})`
    : message;
}

function statusOf(caught: unknown): number | null {
  return caught instanceof Error && "status" in caught && typeof caught.status === "number"
    ? caught.status
    : null;
}

function retryAfterOf(caught: unknown): number | undefined {
  const headers = caught instanceof Error && "headers" in caught ? caught.headers : undefined;
  if (!(headers instanceof Headers)) return undefined;
  return retryAfterMs((name) => headers.get(name));
}

// As Node and its fetch name them: no such name, nobody at the address, no way to it.
const UNCONNECTED = new Set([
  ...["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"],
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Whether no connection came about; of an address with several numbers, to none of them. */
function neverConnected(caught: unknown, depth = 0): boolean {
  if (!(caught instanceof Error) || depth > DEEPEST_CAUSE) return false;
  if (caught instanceof AggregateError && caught.errors.length > 0)
    return caught.errors.every((error) => neverConnected(error, depth + 1));
  // A port that fetch refuses to call has no code.
  const isOne =
    caught.message === "bad port" || ("code" in caught && UNCONNECTED.has(String(caught.code)));
  return isOne || neverConnected(caught.cause, depth + 1);
}

function unreachable(message: string, isUnconnected: boolean): ProviderError {
  return new ProviderError("provider_unreachable", message, {
    retryable: true,
    neverConnected: isUnconnected,
    hint: "Check the network and --base-url; run the same command again to go on.",
  });
}

function refused(status: number, message: string, retryAfterMs: number | undefined): ProviderError {
  const details = { httpStatus: status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (status === 401 || status === 403)
    return new ProviderError("provider_auth", message, {
      ...details,
      hint: "Nothing was bought by this call. Check the key and its access to this model; run the same command again to go on.",
    });
  if (status === 429)
    return new ProviderError("provider_busy", message, { ...details, retryable: true });
  if (status === 408 || status === 409 || status >= 500)
    return new ProviderError("provider_failed", message, { ...details, retryable: true });
  return new ProviderError("provider_refused", message, {
    ...details,
    hint: "Nothing was bought by this call. Change what the message names and run the same command again.",
  });
}
