/** The calls to a host of OpenAI's protocol, made through the official SDK. */

import type OpenAI from "openai";

/** Where a host is and who asks. */
export interface HostAddress {
  /** With the path that comes before `/files` and `/batches`; a query on it goes with every call. */
  readonly baseUrl: string;
  /** Null where the host asks for none. */
  readonly apiKey: string | null;
  /** How the key travels: as `Authorization: Bearer`, or in a header of its own name. */
  readonly auth: "bearer" | "api-key";
  /** Whether it is OpenAI itself, to which the account's organisation, project and headers belong. */
  readonly isOpenAi: boolean;
}

/** What travels in the query of a call. */
export type Query = Readonly<Record<string, string | number>>;

/**
 * The verbs of one host. Reading and deleting are retried twice; `post` and `upload` never are, since
 * a call that seems to fail may have been obeyed. All reject with what the SDK throws.
 */
export interface HostCalls {
  get(path: string, signal: AbortSignal, query?: Query): Promise<unknown>;
  /** The reply as it arrives, headers first. */
  download(path: string, signal: AbortSignal): Promise<Response>;
  post(path: string, body: object, signal: AbortSignal): Promise<unknown>;
  /** Like `post`, made again when it fails: for what may be asked twice, such as a cancel. */
  ask(path: string, signal: AbortSignal): Promise<unknown>;
  upload(path: string, form: Blob, signal: AbortSignal): Promise<unknown>;
  /** Deletes; a thing that is gone already is no error. */
  delete(path: string, signal: AbortSignal): Promise<void>;
}

// A retried create is a second batch that is paid for as well; a minute is long for this call.
const POST_TIMEOUT_MS = 60_000;

/** The calls to the host at an address. */
export function hostCalls(address: HostAddress): HostCalls {
  let opened: Promise<OpenAI> | null = null;
  // Loaded with the first call: a plan makes none, and would wait for some two hundred modules.
  const client = (): Promise<OpenAI> => (opened ??= clientOf(address));
  return {
    get: async (path, signal, query) =>
      (await client()).get(path, { signal, ...(query === undefined ? {} : { query }) }),
    download: async (path, signal) => {
      const headers = { accept: "application/binary" };
      const options = { signal, headers, __binaryResponse: true };
      return await (await client()).get<unknown>(path, options).asResponse();
    },
    post: async (path, body, signal) =>
      (await client()).post(path, { body, signal, maxRetries: 0, timeout: POST_TIMEOUT_MS }),
    ask: async (path, signal) => (await client()).post(path, { signal }),
    upload: async (path, form, signal) =>
      (await client()).post(path, { body: form, signal, maxRetries: 0 }),
    async delete(path, signal) {
      const { NotFoundError } = await import("openai");
      try {
        await (await client()).delete(path, { signal });
      } catch (error) {
        // What is gone is what was wanted.
        if (!(error instanceof NotFoundError)) throw error;
      }
    },
  };
}

async function clientOf({ baseUrl, apiKey, auth, isOpenAi }: HostAddress): Promise<OpenAI> {
  const { OpenAI: Client } = await import("openai");
  const url = new URL(baseUrl);
  const defaultQuery = Object.fromEntries(url.searchParams);
  url.search = "";
  return new Client({
    // The SDK insists on a key; the header of one that is none is taken off below.
    apiKey: apiKey ?? "none",
    baseURL: url.href,
    defaultQuery,
    maxRetries: 2,
    logLevel: "off",
    ...(isOpenAi ? {} : { organization: null, project: null }),
    defaultHeaders: isOpenAi ? {} : { ...notForOthers(), ...keyHeaders(apiKey, auth) },
  });
}

function keyHeaders(
  apiKey: string | null,
  auth: HostAddress["auth"],
): Record<string, string | null> {
  if (apiKey === null) return { Authorization: null };
  if (auth === "api-key") return { Authorization: null, "api-key": apiKey };
  return { Authorization: `Bearer ${apiKey}` };
}

/** The headers a user has set for OpenAI, as headers not to send: the SDK would hand them to every host. */
function notForOthers(): Record<string, null> {
  const lines = (process.env["OPENAI_CUSTOM_HEADERS"] ?? "").split("\n");
  const names = lines.map((line) => line.slice(0, Math.max(0, line.indexOf(":"))).trim());
  return Object.fromEntries(names.filter((name) => name !== "").map((name) => [name, null]));
}
