/** The HTTP server: every call finds its profile, meets the faults in its way, and is answered. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  matchRoute,
  RefusedCall,
  type Call,
  type Match,
  type Profile,
  type Reply,
} from "./http.ts";
import { cut, send } from "./send.ts";
import type { World } from "./world.ts";

/** A server, not yet listening, that answers for `profiles`; those named first are asked first. */
export function createHttpServer(world: World, profiles: readonly Profile[]): Server {
  return createServer((request, response) => {
    answerCall(world, profiles, request, response).catch(() => {
      cut(response);
    });
  });
}

async function answerCall(
  world: World,
  profiles: readonly Profile[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(`http://emulator.invalid${request.url ?? "/"}`);
  const method = request.method ?? "GET";
  const requestId = world.newId("req_", 32);
  const log = (status: number | null): void => {
    world.ledger.logCall({ atMs: world.nowMs(), method, path: url.pathname, status, requestId });
  };
  const match = matchRoute(profiles, method, url.pathname);
  const reply = await replyTo(world, { match, request, url, requestId });
  if (match?.profile.faulty !== false) log(reply?.status ?? null);
  if (reply === null) {
    cut(response);
    return;
  }
  // A body that nobody read would keep the connection from being used again.
  request.resume();
  const headers = { ...match?.profile.headers(requestId), ...reply.headers };
  await send(world, response, { ...reply, headers });
}

interface Incoming {
  readonly match: ReturnType<typeof matchRoute>;
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly requestId: string;
}

/** The reply to a call; null when the connection is to be cut instead. Never throws. */
async function replyTo(world: World, incoming: Incoming): Promise<Reply | null> {
  const { match, request, url } = incoming;
  if (match === null) return { status: 404 };
  const { profile } = match;
  const refused = profile.authorise(request);
  if (refused !== null) return refused;
  if (match.route === null) {
    world.ledger.countCall("unknown");
    const message = `Invalid URL (${request.method ?? ""} ${url.pathname})`;
    return profile.failure(404, message);
  }
  return act(world, match, incoming);
}

async function act(world: World, match: Match, incoming: Incoming): Promise<Reply | null> {
  const { profile } = match;
  const route = `${match.route.method} ${match.route.path}`;
  const { request, url, requestId } = incoming;
  const call: Call = { request, url, requestId, route, parameters: match.parameters };
  if (!profile.faulty) return replyOfRoute(match, call);
  world.ledger.countCall(route);
  const target = { key: [route, world.next(`calls of ${route}`)], route };
  const { delayMs } = world.faults.current();
  if (delayMs !== undefined) await world.settings.clock.sleep(delayMs, world.closing);
  const before = faultBefore(world, profile, target);
  if (before !== undefined) return before;
  const reply = await replyOfRoute(match, call);
  const effect = reply.effect ?? EFFECTS[route];
  const after = reply.status < 300 ? faultAfter(world, profile, { ...target, effect }) : undefined;
  return after === undefined ? reply : after;
}

async function replyOfRoute(match: Match, call: Call): Promise<Reply> {
  try {
    return await match.route.act(call);
  } catch (error) {
    if (error instanceof RefusedCall) return error.reply;
    const reason = error instanceof Error ? error.message : String(error);
    return match.profile.failure(500, `The emulator itself failed: ${reason}`);
  }
}

// Routes that bring something about whenever they succeed; others say so in their reply.
const EFFECTS: Readonly<Record<string, Reply["effect"]>> = {
  "POST /files": "upload",
  "POST /batches": "create",
};

interface CallTarget {
  readonly key: readonly (string | number)[];
  readonly route: string;
}

interface DoneTarget extends CallTarget {
  readonly effect: Reply["effect"];
}

/** What stands in the place of acting: a reply, null for a cut connection, undefined for nothing. */
function faultBefore(world: World, profile: Profile, target: CallTarget): Reply | null | undefined {
  const { faults } = world;
  if (faults.strike("dropConnection", target) !== null) return null;
  const limited = faults.strike("error429", target);
  if (limited !== null) {
    return withHeaders(profile.failure(429, "Rate limit reached. Please try again later."), {
      "retry-after": limited.retryAfterSeconds,
      "retry-after-ms": limited.retryAfterMs,
    });
  }
  const broken = faults.strike("error500", target);
  if (broken === null) return undefined;
  const message = "The server had an error while processing your request. Sorry about that!";
  return withHeaders(profile.failure(500, message), { "x-should-retry": broken.shouldRetry });
}

/** What stands in the place of the reply once everything is done. */
function faultAfter(world: World, profile: Profile, target: DoneTarget): Reply | null | undefined {
  const { faults } = world;
  if (faults.strike("dropReply", target) !== null) return null;
  if (target.effect === "upload") {
    return faults.strike("uploadAcceptedThenCut", target) === null ? undefined : null;
  }
  if (target.effect !== "create") return undefined;
  if (faults.strike("createAcceptedThenCut", target) !== null) return null;
  if (faults.strike("createAcceptedThen500", target) === null) return undefined;
  return profile.failure(500, "The server had an error while processing your request.");
}

function withHeaders(
  reply: Reply,
  headers: Readonly<Record<string, number | boolean | undefined>>,
): Reply {
  const given = Object.entries(headers).filter(([, value]) => value !== undefined);
  const added = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
  return { ...reply, headers: { ...reply.headers, ...added } };
}
