/** A server of OpenAI's protocol without files and batches, as local ones are: single requests alone. */
import type { IncomingMessage } from "node:http";
import type { Reply } from "./http.ts";
import { failureOfStatus, failureReply } from "./openai-errors.ts";
import { liveRoutes } from "./openai-live.ts";
import type { Service } from "./service.ts";
import type { World } from "./world.ts";

/** The profile under `/plain`. A key is asked for only where the emulator was given keys. */
export function createPlainProfile(world: World): Service {
  return {
    profile: {
      prefixes: ["/plain/v1"],
      routes: liveRoutes(world),
      headers: () => ({}),
      authorise: (request) => refusedEntry(world.settings.apiKeys, request),
      failure: (status, message) => failureReply(failureOfStatus(status, message)),
      faulty: true,
    },
    release: () => 0,
    batchStatuses: () => ({}),
    settled: () => Promise.resolve(),
  };
}

function refusedEntry(apiKeys: readonly string[] | null, request: IncomingMessage): Reply | null {
  const key = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (apiKeys === null || apiKeys.includes(key ?? "")) return null;
  return failureReply(failureOfStatus(401, "Incorrect API key provided."));
}
