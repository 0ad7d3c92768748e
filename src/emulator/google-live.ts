/** Gemini's single requests, answered while the client waits, and the list of models. */
import { badRequest, failureOf, failureReply, refusal } from "./google-errors.ts";
import { executeEmbed } from "./google-embed.ts";
import { execute, type Execution } from "./google-execute.ts";
import { listMember } from "./google-json.ts";
import { googlePage } from "./google-list.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { fingerprint } from "./fingerprint.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 20 * 1024 * 1024;

/** The routes under `/models` but for batches. */
export function googleLiveRoutes(world: World): readonly Route[] {
  return [
    { method: "POST", path: "/models/{model}:generateContent", act: (call) => live(world, call) },
    { method: "POST", path: "/models/{model}:embedContent", act: (call) => embed(world, call) },
    {
      method: "POST",
      path: "/models/{model}:batchEmbedContents",
      act: (call) => embedMany(world, call),
    },
    { method: "GET", path: "/models", act: (call) => models(world, call) },
    { method: "GET", path: "/models/{model}", act: (call) => model(world, call) },
  ];
}

async function live(world: World, call: Call): Promise<Reply> {
  const execution = liveExecution(world, await asked(world, call));
  const done = (await execute(world, execution))();
  return "failure" in done ? failureReply(done.failure) : { status: 200, json: done.response };
}

async function embed(world: World, call: Call): Promise<Reply> {
  const execution = liveExecution(world, await asked(world, call));
  const done = (await executeEmbed(world, execution))();
  return "failure" in done ? failureReply(done.failure) : { status: 200, json: done.response };
}

/** Several texts in one call: the first that is refused refuses them all. */
async function embedMany(world: World, call: Call): Promise<Reply> {
  const { model, request } = await asked(world, call);
  const requests = listMember(request, "requests").filter(isJsonObject);
  if (requests.length === 0) throw refusal(badRequest("* requests: is not specified"));
  const embeddings: unknown[] = [];
  for (const one of requests) {
    const done = (await executeEmbed(world, liveExecution(world, { model, request: one })))();
    if ("failure" in done) return failureReply(done.failure);
    embeddings.push(done.response["embedding"]);
  }
  return { status: 200, json: { embeddings } };
}

interface Asked {
  readonly model: string;
  readonly request: JsonObject;
}

async function asked(world: World, call: Call): Promise<Asked> {
  const model = call.parameters[0] ?? "";
  checkModel(world, model);
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString();
  const request = parseJson(text ?? "");
  if (!isJsonObject(request)) throw refusal(badRequest("Invalid JSON payload received."));
  return { model, request };
}

function liveExecution(world: World, { model, request }: Asked): Execution {
  const text = JSON.stringify(request);
  const print = fingerprint(text);
  const key = ["live", print, world.next(`live ${String(print)}`)];
  return { model, request, customId: null, target: { key, customId: null, text: () => text } };
}

/** The route under which Vertex answers single requests. */
export function vertexLiveRoute(world: World): Route {
  const path =
    "/projects/{project}/locations/{location}/publishers/google/models/{model}:generateContent";
  return {
    method: "POST",
    path,
    act: (call) => live(world, { ...call, parameters: call.parameters.slice(2) }),
  };
}

/** Throws the 404 of a model that is not among those that exist. */
export function checkModel(world: World, name: string): void {
  if (world.settings.models?.includes(name) ?? true) return;
  const message = `models/${name} is not found for API version v1, or is not supported for this method. Call ListModels to see the list of available models and their supported methods.`;
  throw refusal(failureOf(404, message));
}

function models(world: World, { url }: Call): Reply {
  const known = world.settings.models ?? [];
  const { items, ...rest } = googlePage(known, url.searchParams, { usual: 50, most: 1000 });
  return { status: 200, json: { models: items.map(modelOnWire), ...rest } };
}

function model(world: World, call: Call): Reply {
  const name = call.parameters[0] ?? "";
  checkModel(world, name);
  return { status: 200, json: modelOnWire(name) };
}

function modelOnWire(name: string): JsonObject {
  return {
    name: `models/${name}`,
    displayName: name,
    supportedGenerationMethods: ["generateContent", "batchGenerateContent", "embedContent"],
  };
}
