/** Gemini's cached content: made beforehand, named by requests, read at a lower price. */
import { badRequest, failureOf, refusal, type GoogleFailure } from "./google-errors.ts";
import { listMember, member } from "./google-json.ts";
import { googlePage } from "./google-list.ts";
import { textOfContent } from "./google-request.ts";
import type { StoredFile } from "./file-store.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 20 * 1024 * 1024;
const USUAL_LIFE_S = 3600;
// On Vertex a name begins with where the content lies.
const PLACE = /^projects\/[^/]+\/locations\/[^/]+\//;
// Cached content lies in the store of files, where its purpose tells it from the files of other protocols.
const PURPOSE = "cached content";

/** The routes under `/cachedContents`. */
export function googleCacheRoutes(world: World): readonly Route[] {
  const one = "/cachedContents/{id}";
  return [
    { method: "POST", path: "/cachedContents", act: (call) => create(world, call) },
    { method: "GET", path: "/cachedContents", act: (call) => list(world, call) },
    { method: "GET", path: one, act: (call) => json(onWire(found(world, call))) },
    { method: "DELETE", path: one, act: (call) => remove(world, call) },
  ];
}

async function create(world: World, call: Call): Promise<Reply> {
  const body = parseJson((await readBody(call.request, MAX_BODY_BYTES))?.toString() ?? "");
  if (!isJsonObject(body)) throw refusal(badRequest("Invalid JSON payload received."));
  const model = member(body, "model");
  if (typeof model !== "string") throw refusal(badRequest("* model: is not specified"));
  const turns = [...listMember(body, "contents"), member(body, "systemInstruction")];
  const lifeS = Number(/^(\d+(?:\.\d+)?)s$/.exec(String(member(body, "ttl")))?.[1] ?? USUAL_LIFE_S);
  const displayName = member(body, "displayName");
  const writer = await world.files.startWriting();
  await writer.write(turns.map(textOfContent).join(""));
  await writer.finish();
  const createdAtMs = world.nowMs();
  const file: StoredFile = {
    id: `cachedContents/${world.newId("", 24)}`,
    path: writer.path,
    bytes: writer.bytes(),
    createdAtMs,
    expiresAtMs: createdAtMs + lifeS * 1000,
    filename: typeof displayName === "string" ? displayName : "",
    purpose: PURPOSE,
    mimeType: model,
  };
  world.files.add(file);
  return json(onWire(file));
}

function list(world: World, { url }: Call): Reply {
  const nowMs = world.nowMs();
  const files = world.files
    .all()
    .filter(({ id, purpose }) => purpose === PURPOSE && world.files.find(id, nowMs) !== null);
  const { items, ...rest } = googlePage(files, url.searchParams, { usual: 50, most: 1000 });
  return json({ cachedContents: items.map(onWire), ...rest });
}

async function remove(world: World, call: Call): Promise<Reply> {
  await world.files.remove(found(world, call).id);
  return json({});
}

function found(world: World, call: Call): StoredFile {
  const file = cached(world, `cachedContents/${call.parameters[0] ?? ""}`);
  if (file === null) throw refusal(missing());
  return file;
}

function cached(world: World, name: string): StoredFile | null {
  const file = world.files.find(name, world.nowMs());
  return file?.purpose === PURPOSE ? file : null;
}

function missing(): GoogleFailure {
  return failureOf(403, "CachedContent not found (or permission denied)");
}

/** The tokens of the cached content a request names: 0 where it names none, or why it cannot be read. */
export function cachedTokens(
  world: World,
  request: JsonObject,
): { readonly tokens: number } | { readonly failure: GoogleFailure } {
  const name = member(request, "cachedContent");
  if (name === undefined) return { tokens: 0 };
  const file = cached(world, typeof name === "string" ? name.replace(PLACE, "") : "");
  return file === null ? { failure: missing() } : { tokens: tokensIn(file) };
}

/** A quarter of its bytes, as everywhere in the emulator. */
function tokensIn({ bytes }: StoredFile): number {
  return Math.ceil(bytes / 4);
}

function onWire(file: StoredFile): JsonObject {
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    name: file.id,
    displayName: file.filename,
    model: file.mimeType,
    createTime: time(file.createdAtMs),
    updateTime: time(file.createdAtMs),
    expireTime: time(file.expiresAtMs ?? file.createdAtMs),
    usageMetadata: { totalTokenCount: tokensIn(file) },
  };
}

function json(value: unknown): Reply {
  return { status: 200, json: value };
}
