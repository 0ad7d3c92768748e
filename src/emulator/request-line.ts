/** A request line of a batch file, as the hosts of OpenAI's protocol lay it out. */
import { isJsonObject, type JsonObject } from "./json.ts";
import type { OpenAiEndpoint } from "./openai-endpoint.ts";
import { ENDPOINTS } from "./openai-execute.ts";
import type { HostRules } from "./openai-rules.ts";

/** What a line's reading depends on besides the line. */
export interface LineForm {
  readonly host: HostRules;
  /** The model the batch names for all its lines; null where every line names its own. */
  readonly model: string | null;
}

/** One request line, taken apart. */
export interface RequestLine {
  readonly customId: string;
  readonly body: JsonObject;
}

/** The id and body of a parsed line; the body names the model even where the batch does it for all. */
export function requestLine(line: unknown, { host, model }: LineForm): RequestLine {
  const parsed = isJsonObject(line) ? line : {};
  const body = host.line === "params" ? parsed["params"] : parsed["body"];
  const given = isJsonObject(body) ? body : {};
  return {
    customId: String(parsed["custom_id"]),
    body: model === null ? given : { ...given, model },
  };
}

/** The endpoint a batch names, when the host has it in batches; Azure's names may lack the version. */
export function endpointNamed(host: HostRules, name: string): OpenAiEndpoint | undefined {
  const full = host.auth === "azure" && !name.startsWith("/v1/") ? `/v1${name}` : name;
  return ENDPOINTS.find(({ url }) => url === full && (host.endpoints?.includes(url) ?? true));
}

/** The endpoints a host has in batches. */
export function endpointsOf(host: HostRules): readonly string[] {
  return host.endpoints ?? ENDPOINTS.map(({ url }) => url);
}
