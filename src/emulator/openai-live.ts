/** Single requests answered while the client waits, and the list of models. */
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { OpenAiEndpoint } from "./openai-endpoint.ts";
import { badRequest, failureReply, refusal } from "./openai-errors.ts";
import { ENDPOINTS, execute, unknownModel } from "./openai-execute.ts";
import { fingerprint } from "./fingerprint.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** The routes of the executable endpoints, and `/models`. */
export function liveRoutes(world: World): readonly Route[] {
  const executable = ENDPOINTS.map((endpoint) => ({
    method: "POST",
    path: endpoint.url.replace("/v1", ""),
    act: (call: Call) => executeLive(world, endpoint, call),
  }));
  return [
    ...executable,
    { method: "GET", path: "/models", act: () => models(world) },
    { method: "GET", path: "/models/{id}", act: (call) => model(world, call) },
  ];
}

async function executeLive(world: World, endpoint: OpenAiEndpoint, call: Call): Promise<Reply> {
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString();
  const body = parseJson(text ?? "");
  if (text === undefined || !isJsonObject(body)) {
    throw refusal(badRequest("We could not parse the JSON body of your request."));
  }
  if (body["stream"] === true) {
    const message = "This server does not stream; leave 'stream' out.";
    throw refusal(badRequest(message, "stream", "unsupported_value"));
  }
  const print = fingerprint(text);
  const key = ["live", print, world.next(`live ${String(print)}`)];
  const target = { key, customId: null, text: () => text };
  const finish = await execute(world, { endpoint, body, customId: null, target });
  const done = finish();
  return { status: done.status, json: done.body };
}

function models(world: World): Reply {
  const data = (world.settings.models ?? []).map((id) => modelOnWire(id));
  return { status: 200, json: { object: "list", data } };
}

function model(world: World, call: Call): Reply {
  const id = call.parameters[0] ?? "";
  const unknown = unknownModel(world, id);
  return unknown === null ? { status: 200, json: modelOnWire(id) } : failureReply(unknown);
}

function modelOnWire(id: string): Readonly<Record<string, unknown>> {
  return { id, object: "model", created: 1_700_000_000, owned_by: "emulator" };
}
