/** One JSON call over HTTP, with a time limit of our own: the platform's `fetch` gives up on a slow model after five minutes. */

import type { Agent, IncomingMessage, request } from "node:http";

/** How a call ended: with a whole reply, or without one, and then how far it got. */
export type Exchange =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** The header's value by its name in small letters; null where it was not sent. */
      readonly header: (name: string) => string | null;
      readonly text: string;
    }
  /** `unreachable`: nothing was sent · `broken`: the reply was lost or cut short · `timed_out`. */
  | { readonly kind: "unreachable" | "broken" | "timed_out"; readonly message: string };

/** A call to make. */
export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the start of the call to the last byte of the reply. */
  readonly timeoutMs: number;
  /** Ends the call as `broken`. */
  readonly signal: AbortSignal;
}

/** A client with its own connections, kept open between calls. */
export interface LiveHttp {
  /** Makes one call; never throws and never repeats it. */
  post(call: Post): Promise<Exchange>;
  close(): void;
}

const MAX_REPLY_BYTES = 256 * 1024 * 1024;

/** A client. How many calls are under way is for the caller to bound. */
export function liveHttp(): LiveHttp {
  let opened: Promise<Protocols> | null = null;
  return {
    post: async (call) => {
      const { plain, secure } = await (opened ??= protocols());
      return await post(call, call.url.startsWith("https:") ? secure : plain);
    },
    close: () => {
      void opened?.then(({ plain, secure }) => {
        plain.agent.destroy();
        secure.agent.destroy();
      });
    },
  };
}

interface Protocol {
  readonly agent: Agent;
  readonly request: typeof request;
  /** What a socket tells once it is connected. */
  readonly connected: "connect" | "secureConnect";
}

interface Protocols {
  readonly plain: Protocol;
  readonly secure: Protocol;
}

/** Loaded with the first call: these bring much of Node along, and most runs make none. */
async function protocols(): Promise<Protocols> {
  const [http, https] = await Promise.all([import("node:http"), import("node:https")]);
  const keeping = { keepAlive: true };
  return {
    plain: { agent: new http.Agent(keeping), request: http.request, connected: "connect" },
    secure: {
      agent: new https.Agent(keeping),
      request: https.request,
      connected: "secureConnect",
    },
  };
}

function post(call: Post, { agent, request: open, connected }: Protocol): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  const bytes = Buffer.from(call.body);
  const options = {
    method: "POST",
    agent,
    signal: call.signal,
    headers: {
      "content-type": "application/json",
      "content-length": String(bytes.byteLength),
      accept: "application/json",
      // Some hosts turn away callers that do not say what they are.
      "user-agent": "batchframe",
      ...call.headers,
    },
  };
  const request = open(call.url, options);
  let isConnected = false;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    request.destroy();
  }, call.timeoutMs);
  const end = (exchange: Exchange): void => {
    clearTimeout(timer);
    resolve(exchange);
  };
  const lost = (error: Error): void => {
    if (!isConnected) end({ kind: "unreachable", message: wordsOf(error) });
    else if (isLate)
      end({ kind: "timed_out", message: `No answer within ${String(call.timeoutMs / 1000)} s.` });
    else end({ kind: "broken", message: wordsOf(error) });
  };
  request.once("socket", (socket) => {
    if (!socket.connecting) isConnected = true;
    else
      socket.once(connected, () => {
        isConnected = true;
      });
  });
  request.once("error", lost);
  request.once("response", (response) => {
    readAll(response).then(end, lost);
  });
  request.end(bytes);
  return promise;
}

async function readAll(response: IncomingMessage): Promise<Exchange> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response) {
    const buffer = piece as Buffer;
    bytes += buffer.byteLength;
    if (bytes > MAX_REPLY_BYTES) throw new Error("The reply is longer than 256 MB.");
    pieces.push(buffer);
  }
  if (!response.complete) throw new Error("The connection was closed in the middle of the reply.");
  const { headers, statusCode } = response;
  return {
    kind: "answered",
    status: statusCode ?? 0,
    header: (name) => [headers[name] ?? null].flat()[0] ?? null,
    text: Buffer.concat(pieces).toString("utf8"),
  };
}

/** What went wrong; a host with several addresses fails with one error for each. */
function wordsOf(error: Error): string {
  if (error instanceof AggregateError)
    return error.errors
      .map((one: unknown) => (one instanceof Error ? one.message : String(one)))
      .join("; ");
  return error.message;
}
