/** Whether a server has batches at all. */

import { ProviderError } from "../core/errors.ts";
import { httpErrors } from "./http-errors.ts";
import { asRecord } from "./json-values.ts";
import { hostCalls, type HostAddress, type HostCalls } from "./openai-sdk.ts";

const PROBE_TIMEOUT_MS = 20_000;
// Not there, not with this verb, not implemented.
const ABSENT: ReadonlySet<unknown> = new Set([404, 405, 501]);

/**
 * Asks a server of OpenAI's protocol for its lists of files and of batches: true when it gives both.
 *
 * Servers that answer every path with 200 and a page or an error of their own count as having none.
 *
 * @throws {ProviderError} when the server cannot be reached, refuses the key or is out of order.
 */
export async function hasBatches(address: HostAddress): Promise<boolean> {
  const calls = hostCalls(address);
  const { host } = new URL(address.baseUrl);
  const errors = httpErrors(host, address.apiKey === null ? [] : [address.apiKey]);
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    return await errors.reading(
      "say whether it has batches",
      async () => (await isList(calls, "/files", signal)) && isList(calls, "/batches", signal),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new ProviderError(
      "provider_unreachable",
      `${host} did not say within ${String(PROBE_TIMEOUT_MS / 1000)} s whether it has batches. Nothing was sent.`,
      { retryable: true, hint: "Check that the server is ready, and run the same command again." },
    );
  }
}

async function isList(calls: HostCalls, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    const reply = await calls.get(path, signal);
    const record = asRecord(reply);
    return Array.isArray(reply) || Array.isArray(record?.["data"] ?? record?.["value"]);
  } catch (error) {
    if (error instanceof Error && "status" in error && ABSENT.has(error.status)) return false;
    throw error;
  }
}
