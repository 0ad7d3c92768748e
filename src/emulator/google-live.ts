/** Gemini's single requests, answered while the client waits, and the list of models. */
import { badRequest, failureOf, failureReply, refusal } from "./google-errors.ts";
import { execute } from "./google-execute.ts";
import { googlePage } from "./google-list.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { fingerprint } from "./random.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 20 * 1024 * 1024;

/** The routes under `/models` but for batches. */
export function googleLiveRoutes(world: World): readonly Route[] {
  return [
    { method: "POST", path: "/models/{model}:generateContent", act: (call) => live(world, call) },
    { method: "GET", path: "/models", act: (call) => models(world, call) },
    { method: "GET", path: "/models/{model}", act: (call) => model(world, call) },
  ];
}

async function live(world: World, call: Call): Promise<Reply> {
  const name = call.parameters[0] ?? "";
  checkModel(world, name);
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString();
  const request = parseJson(text ?? "");
  if (text === undefined || !isJsonObject(request)) {
    throw refusal(badRequest("Invalid JSON payload received."));
  }
  const print = fingerprint(text);
  const key = ["live", print, world.next(`live ${String(print)}`)];
  const target = { key, customId: null, text: () => text };
  const finish = await execute(world, { model: name, request, customId: null, target });
  const done = finish();
  return "failure" in done ? failureReply(done.failure) : { status: 200, json: done.response };
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
    supportedGenerationMethods: ["generateContent", "batchGenerateContent"],
  };
}
