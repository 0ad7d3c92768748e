/** Who is let in by the hosts of OpenAI's protocol. */
import type { IncomingMessage } from "node:http";
import type { Reply } from "./http.ts";
import { failureOfStatus, failureReply } from "./openai-errors.ts";
import type { HostRules } from "./openai-rules.ts";

/** The refusal of a caller without a right key, or without what else the host insists on; else null. */
export function refusedEntry(
  host: HostRules,
  apiKeys: readonly string[] | null,
  request: IncomingMessage,
): Reply | null {
  if (host.auth === "together" && request.headers["user-agent"] === undefined)
    return failureReply(failureOfStatus(403, "error code: 1010"));
  if (isPreview(host, request) && !/[?&]api-version=/.test(request.url ?? ""))
    return failureReply(failureOfStatus(404, "Resource not found"));
  const key = keyOf(host, request);
  if (key !== undefined && (apiKeys === null || apiKeys.includes(key))) return null;
  const message =
    key === undefined
      ? "You didn't provide an API key. Send it as 'Authorization: Bearer YOUR_KEY'."
      : "Incorrect API key provided.";
  return failureReply(failureOfStatus(401, message));
}

/** Azure's API under a dated version, which every call has to name. */
function isPreview({ auth }: HostRules, { url }: IncomingMessage): boolean {
  return auth === "azure" && url?.startsWith("/azure/openai/v1/") !== true;
}

function keyOf(host: HostRules, request: IncomingMessage): string | undefined {
  const { headers } = request;
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
  if (host.auth !== "azure") return bearer;
  const named = headers["api-key"];
  const key = typeof named === "string" && named !== "" ? named : undefined;
  return key ?? (isPreview(host, request) ? undefined : bearer);
}
