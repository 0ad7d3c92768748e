/** Cloud Storage's JSON API: uploads, lists, looks, downloads, deletes. */
import { gcsRefusal } from "./gcs-errors.ts";
import { objectOnWire, type GcsObject } from "./gcs-objects.ts";
import { beginGcsUpload, continueGcsUpload, type Gcs } from "./gcs-upload.ts";
import type { Call, Reply, Route } from "./http.ts";
import type { JsonObject } from "./json.ts";

const OBJECTS = "/b/{bucket}/o";

/** The routes under `/b`; uploads have a prefix of their own, and the same path. */
export function gcsRoutes(gcs: Gcs): readonly Route[] {
  const one = `${OBJECTS}/{object}`;
  return [
    { method: "POST", path: OBJECTS, act: (call) => beginGcsUpload(gcs, call) },
    { method: "PUT", path: OBJECTS, act: (call) => continueGcsUpload(gcs, call) },
    { method: "GET", path: OBJECTS, act: (call) => list(gcs, call) },
    { method: "GET", path: one, act: (call) => look(gcs, call) },
    { method: "DELETE", path: one, act: (call) => remove(gcs, call) },
    { method: "GET", path: "/b/{bucket}", act: bucket },
  ];
}

function bucket(call: Call): Reply {
  const name = call.parameters[0] ?? "";
  return { status: 200, json: { kind: "storage#bucket", id: name, name, location: "US" } };
}

const MOST_RESULTS = 1000;

function list({ objects }: Gcs, { url, parameters }: Call): Reply {
  const query = url.searchParams;
  const all = objects.list(parameters[0] ?? "", query.get("prefix") ?? "");
  const asked = Number(query.get("maxResults") ?? MOST_RESULTS);
  const from = query.get("pageToken") ?? "";
  const size = Number.isInteger(asked) && asked > 0 ? Math.min(asked, MOST_RESULTS) : MOST_RESULTS;
  // A token says after which name to go on, so that objects deleted in between are no trouble.
  const after = Buffer.from(from, "base64url").toString();
  const rest = all.filter(({ name }) => name > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const isEnd = last === undefined || rest.length <= size;
  const nextPageToken = isEnd
    ? {}
    : { nextPageToken: Buffer.from(last.name).toString("base64url") };
  const items = page.length === 0 ? {} : { items: page.map(objectOnWire) };
  return { status: 200, json: { kind: "storage#objects", ...items, ...nextPageToken } };
}

function look(gcs: Gcs, call: Call): Reply {
  const object = found(gcs, call);
  if (call.url.searchParams.get("alt") !== "media") return json(objectOnWire(object));
  gcs.world.ledger.countDownload();
  const { file, crc32c, generation } = object;
  return {
    status: 200,
    file: { path: file.path, bytes: file.bytes },
    headers: {
      "content-type": file.mimeType ?? "application/octet-stream",
      "x-goog-hash": `crc32c=${crc32c}`,
      "x-goog-generation": generation,
      "x-goog-stored-content-encoding": "identity",
      "x-goog-stored-content-length": String(file.bytes),
    },
  };
}

async function remove(gcs: Gcs, call: Call): Promise<Reply> {
  const { bucket, name } = found(gcs, call);
  await gcs.objects.remove({ bucket, name });
  gcs.world.ledger.countFileDeletion();
  return { status: 204 };
}

function found({ objects }: Gcs, call: Call): GcsObject {
  const [bucket = "", name = ""] = call.parameters;
  const object = objects.find({ bucket, name });
  if (object === null) throw gcsRefusal(404, `No such object: ${bucket}/${name}`);
  return object;
}

function json(value: JsonObject): Reply {
  return { status: 200, json: value };
}
