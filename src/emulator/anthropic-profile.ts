/** Anthropic's protocol, whole: who is let in, and every route. */
import { releaseHeld } from "./batch-pause.ts";
import type { IncomingMessage } from "node:http";
import type { MessageBatch } from "./anthropic-batch.ts";
import { liveMessageBatch } from "./anthropic-batch-life.ts";
import { batchRoutes, nudge } from "./anthropic-batch-routes.ts";
import { badRequest, failureOfStatus, failureReply, refusal } from "./anthropic-errors.ts";
import { executeMessage } from "./anthropic-message.ts";
import { VERSIONS } from "./anthropic-params.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson } from "./json.ts";
import { fingerprint } from "./fingerprint.ts";
import type { Service } from "./service.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** An Anthropic service without batches, under `/anthropic`. */
export function createAnthropicProfile(world: World): Service {
  const all: MessageBatch[] = [];
  const lives = new Set<Promise<void>>();
  const start = (batch: MessageBatch): void => {
    const life = liveMessageBatch(world, batch)
      // What breaks the emulator itself leaves the batch in progress for ever, as a stuck one is.
      .catch(() => undefined)
      .finally(() => lives.delete(life));
    lives.add(life);
  };
  const routes: readonly Route[] = [
    { method: "POST", path: "/messages", act: (call) => executeLive(world, call) },
    ...batchRoutes(world, { all, start }),
  ];
  return {
    profile: {
      prefixes: ["/anthropic", "/anthropic/v1"],
      routes,
      headers: (requestId) => ({
        "request-id": requestId,
        "anthropic-ratelimit-requests-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "999",
      }),
      authorise: (request) => authorise(world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOfStatus(status, message)),
      faulty: true,
    },
    release: (batchId) => releaseHeld(all, batchId, nudge),
    batchStatuses() {
      const counts: Record<string, number> = {};
      for (const { status } of all) counts[status] = (counts[status] ?? 0) + 1;
      return counts;
    },
    async settled() {
      for (const batch of all) nudge(batch);
      await Promise.allSettled(lives);
    },
  };
}

async function executeLive(world: World, call: Call): Promise<Reply> {
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString();
  if (text === undefined) throw refusal(failureOfStatus(413, "Request exceeds the maximum size"));
  const params = parseJson(text);
  if (!isJsonObject(params)) throw refusal(badRequest("The request body is not valid JSON."));
  if (params["stream"] === true)
    throw refusal(badRequest("stream: This server does not stream; leave it out."));
  const print = fingerprint(text);
  const key = ["live message", print, world.next(`live message ${String(print)}`)];
  const target = { key, customId: null, text: () => text };
  const version = String(call.request.headers["anthropic-version"]);
  const finish = await executeMessage(world, { params, version, customId: null, target });
  const done = finish();
  return "message" in done
    ? { status: 200, json: done.message }
    : failureReply(done.failure, call.requestId);
}

function authorise(apiKeys: readonly string[] | null, request: IncomingMessage): Reply | null {
  const { authorization, "x-api-key": plain, "anthropic-version": version } = request.headers;
  const bearer = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
  const key = bearer ?? (typeof plain === "string" && plain !== "" ? plain : undefined);
  if (key === undefined) return failureReply(failureOfStatus(401, "x-api-key header is required"));
  if (apiKeys !== null && !apiKeys.includes(key))
    return failureReply(failureOfStatus(401, "invalid x-api-key"));
  if (version === undefined)
    return failureReply(badRequest("anthropic-version: header is required"));
  if (typeof version === "string" && VERSIONS.includes(version)) return null;
  const message = `anthropic-version: "${String(version)}" is not a valid version`;
  return failureReply(badRequest(message));
}
